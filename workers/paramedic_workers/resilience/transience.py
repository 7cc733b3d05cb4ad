"""Which troubles pass by themselves, told by what git and uv say of them.

What is not known to pass counts as permanent: a retry costs time, and a wrong password
that is tried again and again locks accounts.
"""

from __future__ import annotations

import re

#: Said of a remote that refuses for good. Asked first: ssh adds "could not read from
#: remote repository" to every trouble, passing or not.
_GIT_PERMANENT = re.compile(
    r"authentication failed|permission denied|access denied|invalid credentials"
    r"|could not read (?:username|password)|terminal prompts disabled|host key verification"
    r"|repository .*not found|does not appear to be a git repository|not a git repository"
    r"|could ?n.?t find remote ref|no such ref|not our ref|protected branch|hook declined"
    r"|pre-receive|stale info|non-fast-forward|fetch first|dubious ownership"
    r"|returned error: 4(?!08|25|29)\d\d|certificate",
    re.IGNORECASE,
)
#: Said where the same may succeed a moment later.
_GIT_TRANSIENT = re.compile(
    r"could not resolve host|temporary failure in name resolution|connection refused"
    r"|connection reset|connection (?:was |has been )?(?:closed|aborted|timed out)"
    r"|connection to \S+ closed|closed by remote host|kex_exchange_identification"
    r"|timed out|took longer than|failed to connect|couldn't connect|could not connect"
    r"|network is unreachable|no route to host|early eof|unexpected disconnect"
    r"|hung up|empty reply from server|rpc failed|transfer closed|recv failure|send failure"
    r"|returned error: (?:5\d\d|408|425|429)|internal server error|bad gateway"
    r"|service unavailable|too many requests|ssl_error_syscall|gnutls_handshake"
    r"|unable to create '[^']*\.lock': file exists|another git process",
    re.IGNORECASE,
)
_INSTALL_PERMANENT = re.compile(
    r"no solution found|hash mismatch|HTTP status client error \((?!408|425|429)"
    r"|network was disabled|invalid credentials",
    re.IGNORECASE,
)
_INSTALL_TRANSIENT = re.compile(
    r"HTTP status server error|HTTP status client error \((?:408|425|429)"
    r"|error sending request|connection refused|connection reset|connection closed"
    r"|dns error|failed to lookup address|timed out|tcp connect error|error decoding response"
    r"|unexpected eof|end of file before message|incomplete message|network is unreachable",
    re.IGNORECASE,
)
#: The last is git's, which keeps the reason to itself: it could open a file, not fill it.
_NO_SPACE = re.compile(
    r"no space left on device|disk quota exceeded|error: unable to write file", re.IGNORECASE
)


def git_is_transient(said: str) -> bool:
    """Whether what git wrote to stderr tells of a trouble that passes."""
    return _GIT_PERMANENT.search(said) is None and _GIT_TRANSIENT.search(said) is not None


def install_is_transient(said: str) -> bool:
    """Whether what uv wrote tells of an index or a network that may be back in a moment."""
    return _INSTALL_PERMANENT.search(said) is None and _INSTALL_TRANSIENT.search(said) is not None


def tells_of_a_full_disk(said: str) -> bool:
    """Whether the output of a program tells that it could not write for want of space."""
    return _NO_SPACE.search(said) is not None
