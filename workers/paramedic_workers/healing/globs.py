"""Glob patterns over posix paths, in which `**` means any number of folders.

`pathlib.PurePath.full_match` does this only from Python 3.13 on.
"""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^]]*\]|.", re.DOTALL)
_MEANING = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
_SPECIAL = re.compile(r"([*?[])")


def matches(path: str, pattern: str) -> bool:
    """Whether the whole posix path matches the pattern."""
    return _compiled(pattern).fullmatch(path) is not None


def literal(path: str) -> str:
    """The pattern that matches this path and no other."""
    return _SPECIAL.sub(r"[\1]", path)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_translated(token) for token in _TOKEN.findall(pattern)), re.DOTALL)


def _translated(token: str) -> str:
    if token in _MEANING:
        return _MEANING[token]
    if len(token) > 2 and token[0] == "[" and token[-1] == "]":
        negated = token[1] == "!"
        inside = token[2:-1] if negated else token[1:-1]
        members = re.escape(inside).replace(r"\-", "-")
        return f"[^/{members}]" if negated else f"[{members}]"
    return re.escape(token)
