"""Priors that were learned from a target's own history, kept beside the settings file.

`paramedic backtest --learn` writes them, the strategy `patch` reads them. A file is JSON:

    {"target": "shop", "priors": {"comparison": 1.4, "text": 0.8}}

a factor for each template by its name, between 0.5 and 2: enough to change the order in
which candidates are tried, never enough to hide one.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path

import structlog

from paramedic.location import data_directory
from paramedic_workers import settings_file

_log = structlog.get_logger()

#: The least and the greatest factor that is believed.
LEAST, GREATEST = 0.5, 2.0


def priors_file(target: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the priors of a target are: beside the settings file, else in the data directory.

    Raises:
        SettingsError: `PARAMEDIC_CONFIG` names a file that does not exist.
    """
    settings = settings_file.find(environ)
    folder = settings.parent if settings else data_directory(environ)
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", target) or "target"
    return folder / f"paramedic.priors.{safe}.json"


def load_priors(target: str, environ: Mapping[str, str] = os.environ) -> dict[str, float]:
    """The factors of a target by template; empty where none were learned.

    A file that cannot be read, or that belongs to another target, is logged and left
    out: a heal does without it.
    """
    file = priors_file(target, environ)
    if not file.is_file():
        return {}
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        if known["target"] != target:
            return {}
        return {str(name): _bounded(float(factor)) for name, factor in known["priors"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        _log.warning("priors_not_read", file=str(file), error=repr(error))
        return {}


def save_priors(
    target: str, priors: Mapping[str, float], environ: Mapping[str, str] = os.environ
) -> Path:
    """Keep the factors of a target; gives the file.

    Raises:
        OSError: it cannot be written.
    """
    file = priors_file(target, environ)
    rounded = {name: round(_bounded(factor), 3) for name, factor in sorted(priors.items())}
    document = json.dumps({"target": target, "priors": rounded}, indent=2) + "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(document, encoding="utf-8")
    fresh.replace(file)
    return file


def _bounded(factor: float) -> float:
    if not math.isfinite(factor):
        raise ValueError(f"{factor} is no factor")
    return min(GREATEST, max(LEAST, factor))
