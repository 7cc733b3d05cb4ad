"""What must hold in the settings of more than one sink."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from paramedic_workers.settings import Settings
from paramedic_workers.settings_rules import Problem


def unknown_targets(key: str, names: Iterable[str], settings: Settings) -> Iterator[Problem]:
    """The names of targets that are not configured."""
    for name in names:
        if name not in settings.targets:
            known = ", ".join(sorted(settings.targets)) or "none"
            yield Problem(
                key=key,
                problem=f"names {name!r}, which is no target.",
                remedy=f"Targets are: {known}.",
            )
