"""What the stand-in for Jira keeps: projects, fields, workflows, tickets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class Category(StrEnum):
    """The keys of Jira's status categories."""

    NEW = "new"
    INDETERMINATE = "indeterminate"
    DONE = "done"


@dataclass(frozen=True)
class Status:
    """A status of a workflow."""

    id: str
    name: str
    category: Category


class FieldType(StrEnum):
    """What a field takes, as far as the stand-in tells them apart."""

    STRING = "string"
    #: ADF on Cloud, a string on Data Center.
    TEXT = "text"
    NUMBER = "number"
    OPTION = "option"
    OPTIONS = "options"
    LABELS = "labels"
    USER = "user"
    PRIORITY = "priority"
    COMPONENTS = "components"
    RESOLUTION = "resolution"
    PROJECT = "project"
    ISSUE_TYPE = "issuetype"
    PARENT = "parent"
    #: A ticket's key; Data Center's epic link.
    EPIC_LINK = "epic_link"
    #: Shown, and not to be set.
    READ_ONLY = "read_only"


@dataclass(frozen=True)
class FieldSpec:
    """A field of a project's tickets, or of the screen of a transition."""

    id: str
    name: str
    type: FieldType
    required: bool = False
    #: Names or values that it takes; empty: any, or those of the project.
    allowed: tuple[str, ...] = ()

    @property
    def custom(self) -> bool:
        """Whether somebody added it to Jira."""
        return self.id.startswith("customfield_")


@dataclass(frozen=True)
class Transition:
    """A way from one status to another."""

    id: str
    name: str
    to: str
    #: Names of the statuses that it starts from; empty: all.
    begins: tuple[str, ...] = ()
    #: The fields of its screen.
    fields: tuple[FieldSpec, ...] = ()
    #: What it sets as the resolution, where the screen has none.
    resolution: str = ""


@dataclass(frozen=True)
class Workflow:
    """The statuses of tickets, and the ways between them."""

    statuses: tuple[Status, ...]
    transitions: tuple[Transition, ...]

    @property
    def initial(self) -> Status:
        """Where new tickets stand."""
        return self.statuses[0]

    def status(self, name: str) -> Status:
        """The status of this name."""
        return next(status for status in self.statuses if status.name == name)

    def ways(self, status: str) -> list[Transition]:
        """The transitions from the status of this name, one that stays there left out."""
        return [
            way
            for way in self.transitions
            if (not way.begins or status in way.begins) and way.to != status
        ]


TO_DO = Status("10000", "To Do", Category.NEW)
IN_PROGRESS = Status("10001", "In Progress", Category.INDETERMINATE)
DONE = Status("10002", "Done", Category.DONE)

RESOLUTIONS = ("Done", "Fixed", "Won't Do", "Duplicate", "Cannot Reproduce", "Declined")
RESOLUTION = FieldSpec("resolution", "Resolution", FieldType.RESOLUTION)
REQUIRED_RESOLUTION = FieldSpec("resolution", "Resolution", FieldType.RESOLUTION, required=True)

#: Every status from every other.
SIMPLE_WORKFLOW = Workflow(
    statuses=(TO_DO, IN_PROGRESS, DONE),
    transitions=(
        Transition("11", "To Do", "To Do"),
        Transition("21", "In Progress", "In Progress"),
        Transition("31", "Done", "Done", resolution="Done"),
    ),
)
#: Other names, and a resolution that must be given.
RESOLVING_WORKFLOW = Workflow(
    statuses=(
        Status("1", "Offen", Category.NEW),
        Status("3", "In Arbeit", Category.INDETERMINATE),
        Status("6", "Erledigt", Category.DONE),
    ),
    transitions=(
        Transition("4", "Anfangen", "In Arbeit", begins=("Offen",)),
        Transition("5", "Abschließen", "Erledigt", fields=(REQUIRED_RESOLUTION,)),
        Transition("7", "Wieder öffnen", "Offen", begins=("Erledigt",)),
    ),
)
#: A ticket is done by people with more rights, or by nobody.
NO_WAY_WORKFLOW = Workflow(statuses=(TO_DO, IN_PROGRESS, DONE), transitions=())


@dataclass(frozen=True)
class IssueType:
    """A type of tickets."""

    id: str
    name: str
    #: 1 for epics, 0 for what they hold.
    level: int = 0
    subtask: bool = False


@dataclass
class Project:
    """A project, with what its tickets may have."""

    id: str
    key: str
    name: str
    issue_types: tuple[IssueType, ...]
    fields: tuple[FieldSpec, ...]
    components: tuple[str, ...] = ("cart", "prices")
    workflow: Workflow = SIMPLE_WORKFLOW
    #: How many tickets it has had.
    count: int = 0


@dataclass
class StandInComment:
    """A comment."""

    id: str
    #: ADF on Cloud, wiki text on Data Center.
    body: Any
    created: float
    properties: Json = field(default_factory=dict)


@dataclass
class StandInAttachment:
    """A file of a ticket; its content is kept apart."""

    id: str
    name: str
    media_type: str
    size: int
    created: float


@dataclass
class StandInRemoteLink:
    """A link to somewhere else."""

    id: int
    global_id: str
    object: Json
    relationship: str = ""


@dataclass
class StandInLink:
    """A link to another ticket, as one of the two shows it."""

    id: str
    type: str
    #: Id of the other ticket.
    other: str
    #: Whether the other one is the inward one.
    inward: bool


@dataclass
class StandInTicket:
    """A ticket; whatever it is moved to, its id stays."""

    id: str
    key: str
    issue_type: str
    status: str
    category: Category
    created: float
    updated: float
    #: Values as they came, by field id: summary, labels, description, custom fields …
    fields: Json
    resolution: str | None = None
    comments: list[StandInComment] = field(default_factory=list)
    attachments: list[StandInAttachment] = field(default_factory=list)
    remote_links: list[StandInRemoteLink] = field(default_factory=list)
    links: list[StandInLink] = field(default_factory=list)
    properties: Json = field(default_factory=dict)
    #: Keys that it had before it was moved.
    old_keys: list[str] = field(default_factory=list)
    #: Statuses that it has had, in order.
    history: list[str] = field(default_factory=list)
    #: Requests that have changed it.
    writes: int = 0

    @property
    def project(self) -> str:
        """Key of its project."""
        return self.key.rpartition("-")[0]

    @property
    def summary(self) -> str:
        """Its one line."""
        return str(self.fields.get("summary", ""))

    @property
    def description(self) -> Any:
        """ADF on Cloud, wiki text on Data Center."""
        return self.fields.get("description")

    @property
    def labels(self) -> list[str]:
        """Its labels."""
        return list(self.fields.get("labels") or [])

    @property
    def parent(self) -> str | None:
        """Id of the epic it belongs to."""
        return self.fields.get("parent")

    @property
    def text(self) -> str:
        """All words of its description."""
        return words(self.description)


def words(body: Any) -> str:
    """All words of a text, ADF or not, one line for each block."""
    if not isinstance(body, Mapping):
        return str(body or "")
    if body.get("type") == "text":
        return str(body.get("text", ""))
    if body.get("type") == "hardBreak":
        return "\n"
    inner = [words(node) for node in body.get("content", ())]
    inline = body.get("type") in ("paragraph", "heading", "codeBlock")
    return ("" if inline else "\n").join(inner)
