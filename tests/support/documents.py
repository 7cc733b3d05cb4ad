"""Code that stands in the documentation, for tests that see whether it works."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def code_block(page: str, language: str, containing: str) -> str:
    """The one code block of a page that holds this text.

    Raises:
        AssertionError: there is none, or more than one.
    """
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    found = [block for block in blocks if containing in block]
    assert len(found) == 1, f"{len(found)} {language} blocks of {page} hold {containing!r}"
    return str(found[0])


def install(folder: Path, name: str, module: str, source: str, project: str) -> None:
    """Make an installed distribution in `folder`, for whoever has it on `sys.path`.

    Args:
        folder: becomes an entry of `sys.path`.
        name: name of the distribution.
        module: name of its one module.
        source: the module.
        project: TOML with its entry points, as they stand in its pyproject.toml.
    """
    import tomllib

    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    groups = tomllib.loads(project)["project"]["entry-points"]
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{key} = {value}" for key, value in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (folder / f"{module}.py").write_text(source)
