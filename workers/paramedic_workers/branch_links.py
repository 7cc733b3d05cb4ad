"""Where a branch of a target can be looked at in a browser."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from paramedic_workers.settings import TargetSettings

#: What follows the repository's address on hosts whose addresses are known.
_KNOWN_HOSTS = {
    "github.com": "/tree/",
    "gitlab.com": "/-/tree/",
    "bitbucket.org": "/branch/",
}
#: `git@github.com:shop/cart.git`
_SHORT_SSH = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+):(?!//)(?P<path>.+)")


def branch_link(target: TargetSettings, branch: str) -> str:
    """The address of a branch: by the target's `branch_url`, else found from its `remote`.

    Args:
        target: whose remote has the branch.
        branch: its name, such as `paramedic/3f9ac1d2`.

    Returns:
        An https address without credentials; empty where none is known.
    """
    if not branch:
        return ""
    shown = quote(branch, safe="/")
    if target.branch_url:
        return target.branch_url.replace("{branch}", shown)
    host, path = _place(target.remote)
    path = path.strip("/").removesuffix(".git")
    # A host's own words must not be led astray by what a remote has in it.
    if host not in _KNOWN_HOSTS or not re.fullmatch(r"[\w.-]+(?:/[\w.-]+)+", path):
        return ""
    return f"https://{host}/{path}{_KNOWN_HOSTS[host]}{shown}"


def _place(remote: str) -> tuple[str, str]:
    """Host and path of a remote, as git takes it; empty texts for a path of this machine."""
    if "://" not in remote:
        short = _SHORT_SSH.fullmatch(remote)
        return (short["host"].lower(), short["path"]) if short else ("", "")
    try:
        parts = urlsplit(remote)
    except ValueError:
        return "", ""
    return parts.hostname or "", parts.path
