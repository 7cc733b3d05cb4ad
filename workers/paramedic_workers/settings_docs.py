"""Writes the table of docs/settings.md from the comments in `settings`.

`python -m paramedic_workers.settings_docs > docs/settings.md` renews the page; a test
keeps the two together.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import dataclass

import msgspec

from paramedic_workers import settings
from paramedic_workers.sinks.jira.settings import JiraPlace, JiraSettings
from paramedic_workers.sinks.notify.settings import ChannelSettings, NotifySettings
from paramedic_workers.sinks.webhook_settings import WebhookSettings

_FIELD = re.compile(r"^    (?P<name>[a-z_]+): (?P<type>.+?)(?: = (?P<default>.+))?$")
_INTRODUCTION = """\
# Settings

Every setting, with its default. They are read from `paramedic.toml`: the file that
`PARAMEDIC_CONFIG` names, else the one in the working directory, else
`$XDG_CONFIG_HOME/paramedic/paramedic.toml`. A top-level key can be given in the
environment instead, as `PARAMEDIC_` and its name in capitals: `PARAMEDIC_BROKER_URL`.
Relative paths are relative to the file's folder. `paramedic config check` names every
mistake, with its file, key and remedy; `paramedic config show` prints what applies.

Secrets of sinks are read from the environment, so that the file can be shown to anybody:
`PARAMEDIC_JIRA_TOKEN`, `PARAMEDIC_WEBHOOK_SECRET`, `PARAMEDIC_NOTIFY_URLS`; or from a file of
their own that the sink's table names.

```toml
# paramedic.toml
broker_url = "redis://localhost:6379/0"   # leave it out for the bundled server

[targets.shop]
repository = "/srv/git/shop.git"
remote = "/srv/git/shop.git"              # where paramedic/… branches are pushed
python = "/srv/venvs/shop/bin/python"     # leave it out, and an environment is built

[sinks.file]
directory = "/srv/paramedic/reports"

[sinks.console]

[sinks.jira]
url = "https://shop.atlassian.net"
email = "paramedic@shop.example"          # its token is in PARAMEDIC_JIRA_TOKEN
project = "SHOP"
```
"""
#: Struct, title, and the key that has a section of its own, or is the table's name.
_SECTIONS = (
    (settings.Settings, "Top level", "targets"),
    (settings.TargetSettings, "`[targets.NAME]`: a codebase that may be healed", "name"),
    (settings.FileSinkSettings, "`[sinks.file]`: one folder per incident", ""),
    (settings.ConsoleSinkSettings, "`[sinks.console]`: one line per result", ""),
    (JiraSettings, "`[sinks.jira]`: one ticket per incident ([jira.md](jira.md))", "targets"),
    (JiraPlace, "`[sinks.jira.targets.NAME]`: what is otherwise for one target", ""),
    (WebhookSettings, "`[sinks.webhook]`: each result as a signed POST", ""),
    (NotifySettings, "`[sinks.notify]`: messages to people", ""),
    (ChannelSettings, "`[sinks.notify.channels.NAME]`: one address, and what is told there", ""),
)


@dataclass(frozen=True)
class _Row:
    key: str
    default: str
    meaning: str


def page() -> str:
    """The whole page as Markdown."""
    sections = [_section(kind, title, hidden) for kind, title, hidden in _SECTIONS]
    return "\n".join([_INTRODUCTION, *sections])


def _section(kind: type[msgspec.Struct], title: str, hidden: str) -> str:
    rows = [row for row in _rows(kind) if row.key != hidden]
    lines = [f"| `{row.key}` | {row.default} | {row.meaning} |" for row in rows]
    head = [f"## {title}", "", "| key | default | meaning |", "|---|---|---|"]
    return "\n".join([*head, *lines, ""])


def _rows(kind: type[msgspec.Struct]) -> list[_Row]:
    rows: list[_Row] = []
    comment: list[str] = []
    for line in inspect.getsource(kind).splitlines():
        if line.strip().startswith("#:"):
            comment.append(line.strip().removeprefix("#:").strip())
        elif found := _FIELD.match(line):
            rows.append(_row(kind, found["name"], " ".join(comment)))
            comment = []
    return rows


def _row(kind: type[msgspec.Struct], name: str, meaning: str) -> _Row:
    field = next(field for field in msgspec.structs.fields(kind) if field.name == name)
    return _Row(name, _default(field), meaning.replace("|", "\\|") or "Whether it is on.")


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "(required)"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if value in ("", (), {}):
        return "(empty)"
    return f"`{msgspec.json.encode(value).decode()}`"


if __name__ == "__main__":
    sys.stdout.write(page())
