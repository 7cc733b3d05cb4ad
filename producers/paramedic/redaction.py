"""What of a URL is secret, and text without it.

A URL may come from settings, from git or from a library's error, and need not be right: a
password with an unescaped `@` or `/` must not be shown either.
"""

from __future__ import annotations

import re

#: After `user:`, up to the last `@` of the address; a port is no password.
_SECRET = r"(?!\d+(?:[/?#\s'\"]|$))[^\s@'\"]*@(?:[^\s/@'\"]*@)*"
_PASSWORD = re.compile(rf"(?<=://)([^\s/@:'\"]*):{_SECRET}")
_USERINFO = re.compile(rf"(?<=://)(?:[^\s/@:'\"]*:{_SECRET}|[^\s/@'\"]*@)")
_PARAMETER = re.compile(
    r"(?<=[?&])((?:[^\s=&?'\"]*[_.-])?"
    r"(?:[a-z]*token|[a-z]*secret|passw\w*|(?:api)?key|auth|sig(?:nature)?))=[^\s&#'\"]*",
    re.IGNORECASE,
)


def without_credentials(text: str) -> str:
    """The text with user names and passwords taken out of its URLs, and tokens replaced."""
    return _PARAMETER.sub(r"\1=***", _USERINFO.sub("", text)) if "://" in text else text


def without_password(text: str) -> str:
    """The text with the password, and every token, of each URL in it replaced by `***`."""
    return _PARAMETER.sub(r"\1=***", _PASSWORD.sub(r"\1:***@", text)) if "://" in text else text
