"""Priors that were learned from a target's own history, kept beside the settings file.

`paramedic backtest --learn` writes them, the strategy `patch` reads them. A file is JSON:

    {"target": "shop", "priors": {"comparison": 1.4, "text": 0.8}}

a factor for each template by its name, between 0.5 and 2: enough to change the order in
which candidates are tried, never enough to hide one.

Where there is no settings file they are in the data directory, by the name and the place
of the checkout.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path

import structlog

from paramedic.location import data_directory
from paramedic_workers import settings_file
from paramedic_workers.errors import UsageError
from paramedic_workers.settings import TargetSettings

_log = structlog.get_logger()

#: The least and the greatest factor that is believed.
LEAST, GREATEST = 0.5, 2.0
_UNUSUAL = re.compile(r"[^A-Za-z0-9_-]+")


def priors_file(target: TargetSettings, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the priors of a target are.

    Raises:
        SettingsError: `PARAMEDIC_CONFIG` names a file that does not exist.
    """
    name = _UNUSUAL.sub("-", target.name) or "target"
    settings = settings_file.find(environ)
    if settings is not None:
        return settings.parent / f"paramedic.priors.{name}.json"
    place = hashlib.sha256(target.repository.encode()).hexdigest()[:16]
    return data_directory(environ) / "priors" / f"{name}-{place}.json"


def load_priors(
    target: TargetSettings, environ: Mapping[str, str] = os.environ
) -> dict[str, float]:
    """The factors of a target by template; empty where none were learned.

    A file that cannot be read is logged and left out: a heal does without it.
    """
    file = priors_file(target, environ)
    if not file.is_file():
        return {}
    try:
        known = json.loads(file.read_text(encoding="utf-8"))["priors"]
        return {str(name): _bounded(float(factor)) for name, factor in known.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        _log.warning("priors_not_read", file=str(file), error=repr(error))
        return {}


def save_priors(
    target: TargetSettings, priors: Mapping[str, float], environ: Mapping[str, str] = os.environ
) -> Path:
    """Keep the factors of a target; gives the file.

    Raises:
        UsageError: it cannot be written.
    """
    file = priors_file(target, environ)
    rounded = {name: round(_bounded(factor), 3) for name, factor in sorted(priors.items())}
    document = json.dumps({"target": target.name, "priors": rounded}, indent=2) + "\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(document, encoding="utf-8")
        fresh.replace(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.") from error
    return file


def _bounded(factor: float) -> float:
    if not math.isfinite(factor):
        raise ValueError(f"{factor} is no factor")
    return min(GREATEST, max(LEAST, factor))
