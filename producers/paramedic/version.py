"""The version of this distribution, and how it names itself in events."""

from __future__ import annotations

__version__ = "0.1.0"

#: The `producer` of events made here.
PRODUCER = f"paramedic {__version__}"
