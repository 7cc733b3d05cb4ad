"""What the runs have shown, put together for the templates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from paramedic_workers.repair.expected import Expected, expected_by
from paramedic_workers.repair.messages import ErrorSeen, TraceSeen
from paramedic_workers.repair.modules import Modules
from paramedic_workers.repair.values import ValuesSeen

#: Type name of functions in the table of attributes.
METHOD = "method"


@dataclass
class Knowledge:
    """Types of variables and attributes, and the errors of the failing tests."""

    errors: list[ErrorSeen] = field(default_factory=list)
    #: The repository's modules; None where they are not known.
    modules: Modules | None = None
    #: Class name -> attribute -> type name.
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)
    #: What variables held in the failing tests, by file and line.
    values: ValuesSeen = field(default_factory=ValuesSeen)
    #: File -> first line of the code object -> variable -> type names.
    _types: dict[str, dict[int, dict[str, set[str]]]] = field(default_factory=dict)

    def learn(self, trace: TraceSeen) -> None:
        """Add what a traced run has shown."""
        for seen in trace.types:
            names = self._types.setdefault(seen.file, {}).setdefault(seen.line, {})
            for name, types in seen.names.items():
                names.setdefault(name, set()).update(types)
        for kind, attributes in trace.attributes.items():
            self.attributes.setdefault(kind, {}).update(attributes)

    def types_in(self, file: str, first: int, last: int) -> dict[str, frozenset[str]]:
        """Types of the variables of the functions between two lines of a file."""
        found: dict[str, set[str]] = {}
        for line, names in self._types.get(file, {}).items():
            if first <= line <= last:
                for name, types in names.items():
                    found.setdefault(name, set()).update(types)
        return {name: frozenset(types) for name, types in found.items()}

    def messages_of(self, *types: str) -> list[str]:
        """Messages of the errors of these types, each once, in the order seen."""
        found = (error.message for error in self.errors if error.type in types)
        return list(dict.fromkeys(found))

    def error_types(self) -> frozenset[str]:
        """Types of the errors that the failing tests end in."""
        return frozenset(error.type for error in self.errors)

    @cached_property
    def expected(self) -> Expected:
        """What the failing tests expected; looked up once, when all errors are known."""
        return expected_by(self.errors)

    def modules_defining(self, name: str) -> list[str]:
        """Modules of the repository that define this name."""
        return self.modules.defining(name) if self.modules else []

    def names_in_module(self, module: str) -> list[str]:
        """Names that a module of the repository defines."""
        return self.modules.names_in(module) if self.modules else []

    def module_names(self) -> list[str]:
        """Names of the repository's modules."""
        return list(self.modules.files) if self.modules else []

    def module_of(self, file: Path) -> str:
        """The name under which a file is imported."""
        return self.modules.name_of(file) if self.modules else ""


def plain_types(types: Iterable[str]) -> frozenset[str]:
    """Type names without their element types: `list[int]` is `list`."""
    return frozenset(name.partition("[")[0] for name in types)
