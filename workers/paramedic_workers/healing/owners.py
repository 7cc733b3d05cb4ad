"""Who owns what a result is about, as the target's CODEOWNERS names them.

The rules are GitHub's and GitLab's, as far as both can be had: of the lines whose pattern
matches a file the last one counts, or the last one of each section where there are sections.
A pattern without a slash in front or inside matches in any folder; one that names a folder
matches all below it; `docs/*` matches what is directly in there; a line without owners takes
its files out. `[a-z]` is no range, and what is no owner is ignored.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import structlog

from paramedic_workers.healing import trees
from paramedic_workers.healing.diffs import parse_diff
from paramedic_workers.healing.model import IncidentBrief
from paramedic_workers.healing.outcomes import file_of
from paramedic_workers.results import Result

#: Where the file may lie; the first one counts. GitHub looks in this order, GitLab in the last
#: place besides.
PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
#: Bytes beyond which a file is not read; GitHub ignores those above 3 MB.
MAX_BYTES = 3_000_000
#: Owners of one result.
MAX_OWNERS = 20
_OWNER = re.compile(r"@{1,2}[\w.-]+(?:/[\w.-]+)*|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
#: `[Cart]`, `^[Cart][2] @cart-team`: a section of GitLab, and who owns what it does not say.
_SECTION = re.compile(r"\^?\[[^]]+\](?:\[\d+\])?(?P<owners>(?:\s.*)?)$")
#: Not preceded by a backslash.
_SPACE = re.compile(r"(?<!\\)\s+")

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line: whose the files are that its pattern matches."""

    #: Folder by folder; `**` stands for any number of them.
    segments: tuple[str, ...]
    owners: tuple[str, ...]
    #: Whether what it names must be a folder.
    folder: bool = False
    #: Whether it names files, and never what is below a folder of such a name.
    exact: bool = False

    @classmethod
    def read(cls, pattern: str, owners: tuple[str, ...]) -> Rule:
        """The rule of a pattern as it stands in the file."""
        plain = pattern.replace("\\", "")
        named = plain.strip("/").split("/")
        anchored = "/" in plain.rstrip("/")
        return cls(
            segments=tuple(named) if anchored else ("**", *named),
            owners=owners,
            folder=plain.endswith("/"),
            exact=plain.endswith("/*"),
        )

    def matches(self, path: str) -> bool:
        """Whether it speaks of the file at this posix path."""
        parts = path.split("/")
        reached = {0}
        for segment in self.segments:
            if segment == "**":
                reached = set(range(min(reached, default=len(parts) + 1), len(parts) + 1))
            else:
                wanted = segment.replace("[", "[[]")
                reached = {
                    n + 1 for n in reached if n < len(parts) and fnmatchcase(parts[n], wanted)
                }
        if self.folder:
            return any(0 < n < len(parts) for n in reached)
        return len(parts) in reached if self.exact else bool(reached)


@dataclass(kw_only=True)
class CodeOwners:
    """What a CODEOWNERS file says."""

    #: One after the other, as the sections stand in the file; the first has no head.
    sections: list[list[Rule]] = field(default_factory=lambda: [[]])

    @classmethod
    def parse(cls, text: str) -> CodeOwners:
        """Read the lines; those that cannot be read are ignored."""
        found = cls()
        usual: tuple[str, ...] = ()
        for line in map(str.strip, text.splitlines()):
            if not line or line.startswith("#"):
                continue
            if head := _SECTION.fullmatch(line):
                usual = _owners(head["owners"].split())
                found.sections.append([])
                continue
            pattern, *words = _SPACE.split(line)
            excluded = pattern.startswith("!")
            owners = () if excluded else _owners(words) or usual
            found.sections[-1].append(Rule.read(pattern.removeprefix("!"), owners))
        return found

    def of(self, path: str) -> tuple[str, ...]:
        """The owners of the file at this posix path."""
        last = (
            next((rule for rule in reversed(rules) if rule.matches(path)), None)
            for rules in self.sections
        )
        return tuple(dict.fromkeys(owner for rule in last if rule for owner in rule.owners))


def owners_of(
    root: Path, result: Result, incidents: Sequence[IncidentBrief], directory: str = "."
) -> tuple[str, ...]:
    """The owners of what a result is about: of its patch, else of where it fails.

    Never raises: a file that cannot be read has no owners in it.

    Args:
        root: a working tree of the revision that was healed.
        result: with a patch or failing tests.
        incidents: of the heal, for the places of exceptions.
        directory: the folder that node ids are relative to.
    """
    try:
        said = _read(root)
        if said is None:
            return ()
        found = [owner for path in _files(result, incidents, directory) for owner in said.of(path)]
    except Exception as error:  # noqa: BLE001 - the file is the target's, and may be anything
        _log.warning("owners_not_read", target=result.target, error=repr(error))
        return ()
    return tuple(dict.fromkeys(found))[:MAX_OWNERS]


def _read(root: Path) -> CodeOwners | None:
    for place in PLACES:
        file = root / place
        if file.is_file() and file.stat().st_size <= MAX_BYTES:
            found = trees.read_file(root, place)
            if found is not None:
                return CodeOwners.parse(found[0].decode("utf-8", "replace"))
    return None


def _files(result: Result, incidents: Sequence[IncidentBrief], directory: str) -> Iterator[str]:
    """The files that a result is about, each once."""
    if result.patch:
        yield from dict.fromkeys(change.path for change in parse_diff(result.patch))
        return
    tests = [posixpath.join(directory, file_of(name)) for name in result.failing_tests]
    own = {result.incident, *result.merged}
    places = [_innermost(one) for one in incidents if one.fingerprint in own]
    yield from dict.fromkeys(posixpath.normpath(file) for file in (*tests, *places) if file)


def _innermost(incident: IncidentBrief) -> str:
    """The file of the innermost frame in the target's own code; empty where none is known."""
    return next((frame.file for frame in reversed(incident.frames) if frame.in_app), "")


def _owners(words: Iterable[str]) -> tuple[str, ...]:
    """The owners among the words of a line, up to a comment."""
    owners: list[str] = []
    for word in words:
        if word.startswith("#"):
            break
        if _OWNER.fullmatch(word):
            owners.append(word)
    return tuple(owners)
