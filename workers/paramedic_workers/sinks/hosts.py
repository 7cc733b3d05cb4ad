"""What the host of an address tells."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether this host is the machine itself: nothing that goes there can be read on the way.

    Args:
        host: a name or an address, without brackets; may be empty.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
