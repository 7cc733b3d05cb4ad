"""Writes the JSON Schema of an event: `python -m paramedic.schema [FILE]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from paramedic.event import json_schema


def schema_text() -> str:
    """The schema as it stands in docs/event.schema.json."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the schema to the named file, or to standard output; gives the exit status."""
    if len(arguments) > 1:
        sys.stderr.write("usage: python -m paramedic.schema [FILE]\n")
        return 2
    if arguments:
        Path(arguments[0]).write_text(schema_text(), encoding="utf-8")
    else:
        sys.stdout.write(schema_text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
