"""What Jira answers: only what Paramedic uses; everything else in an answer is ignored.

Cloud and Data Center name some things differently; here each has one name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from paramedic_workers.errors import DeliveryError

A = TypeVar("A")


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of an answer."""


class StatusCategory(StrEnum):
    """What a status means, whatever it is called."""

    #: Nobody works on it yet.
    NEW = "new"
    #: Somebody works on it.
    INDETERMINATE = "indeterminate"
    #: Nothing is left to do.
    DONE = "done"
    #: The site has left it open.
    UNDEFINED = "undefined"


class User(Answer, frozen=True, kw_only=True):
    """An account."""

    #: Cloud only.
    account_id: str = ""
    #: Data Center only: the user name.
    name: str = ""
    display_name: str = ""

    @property
    def account(self) -> str:
        """What the settings name a person by: account id on Cloud, user name on Data Center."""
        return self.account_id or self.name


class ServerInfo(Answer, frozen=True, kw_only=True):
    """What a Jira says of itself."""

    base_url: str = ""
    version: str = ""
    #: `Cloud`, or `Server` for Data Center.
    deployment_type: str = ""
    server_title: str = ""


class Project(Answer, frozen=True, kw_only=True):
    """A project."""

    id: str
    key: str
    name: str = ""


class IssueType(Answer, frozen=True, kw_only=True):
    """A type of tickets."""

    id: str
    name: str
    subtask: bool = False
    #: 1 is an epic, 0 a usual ticket; Cloud only.
    hierarchy_level: int | None = None


class FieldSchema(Answer, frozen=True, kw_only=True):
    """What a field holds."""

    #: `string`, `array`, `option`, `user`, `priority` …
    type: str = ""
    #: Of what, where it is an array.
    items: str = ""
    #: Of a custom field: its kind, as in `com.pyxis.greenhopper.jira:gh-epic-link`.
    custom: str = ""


class CreateField(Answer, frozen=True, kw_only=True):
    """A field that a ticket of one type can have when it is made."""

    field_id: str
    name: str = ""
    required: bool = False
    has_default_value: bool = False
    schema: FieldSchema = FieldSchema()
    #: Empty where everything of the right form is allowed.
    allowed_values: Sequence[Any] = ()


class Field(Answer, frozen=True, kw_only=True):
    """A field of this Jira."""

    id: str
    name: str = ""
    schema: FieldSchema = FieldSchema()


class Created(Answer, frozen=True, kw_only=True):
    """A ticket that was just made."""

    id: str
    key: str


class Attachment(Answer, frozen=True, kw_only=True):
    """A file at a ticket."""

    id: str
    filename: str = ""
    #: In bytes.
    size: int = 0
    mime_type: str = ""
    #: As Jira writes it: `2026-01-05T12:00:00.000+0000`.
    created: str = ""


class _Category(Answer, frozen=True, kw_only=True):
    key: str = ""


class Status(Answer, frozen=True, kw_only=True):
    """Where a ticket stands in its workflow."""

    name: str = ""
    id: str = ""
    status_category: _Category = _Category()

    @property
    def category(self) -> StatusCategory:
        """What the status means."""
        known = {category.value: category for category in StatusCategory}
        return known.get(self.status_category.key, StatusCategory.UNDEFINED)


class LinkType(Answer, frozen=True, kw_only=True):
    """A way in which two tickets can be linked."""

    id: str = ""
    name: str
    #: How the link reads from its inward end, as in "duplicates".
    outward: str = ""


class Parent(Answer, frozen=True, kw_only=True):
    """The epic that a ticket is below."""

    key: str = ""


class Issue(Answer, frozen=True, kw_only=True):
    """A ticket as Jira has it; only the fields that were asked for are there."""

    id: str
    #: The one that it has now: a ticket that was moved answers to its old key as well.
    key: str
    fields: Mapping[str, Any] = msgspec.field(default_factory=dict)
    properties: Mapping[str, Any] = msgspec.field(default_factory=dict)

    @property
    def summary(self) -> str:
        """Its one line."""
        return str(self.fields.get("summary") or "")

    @property
    def status(self) -> Status:
        """Where it stands."""
        return self._part("status", Status, {})

    @property
    def resolution(self) -> str:
        """The name of its resolution; empty: unresolved."""
        return _name(self.fields.get("resolution"))

    @property
    def priority(self) -> str:
        """The name of its priority; empty: none."""
        return _name(self.fields.get("priority"))

    @property
    def labels(self) -> tuple[str, ...]:
        """Its labels."""
        return self._part("labels", tuple[str, ...], ())

    @property
    def assignee(self) -> str:
        """Who has it, as the settings name people; empty: nobody."""
        return self._part("assignee", User, {}).account

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """Its files."""
        return self._part("attachment", tuple[Attachment, ...], ())

    def _part(self, name: str, kind: type[A], none: Any) -> A:
        try:
            return convert(self.fields.get(name) or none, kind)
        except msgspec.ValidationError as error:
            raise DeliveryError(
                f"Jira tells of `{name}` of {self.key} in an unknown form: {error}.",
                remedy="See what stands before Jira; a newer Paramedic may know the form.",
            ) from error

    @property
    def parent(self) -> str:
        """Cloud: the key of its epic; empty: none."""
        return convert(self.fields.get("parent") or {}, Parent).key


class TransitionField(Answer, frozen=True, kw_only=True):
    """A field of a transition's screen."""

    required: bool = False
    name: str = ""
    has_default_value: bool = False
    schema: FieldSchema = FieldSchema()
    allowed_values: Sequence[Any] = ()


class Transition(Answer, frozen=True, kw_only=True):
    """A way from where a ticket stands to another status."""

    id: str
    name: str = ""
    to: Status = Status()
    #: What its screen asks for, by id.
    fields: Mapping[str, TransitionField] = msgspec.field(default_factory=dict)

    @property
    def required(self) -> tuple[str, ...]:
        """Ids of the fields that must be given."""
        asked = self.fields.items()
        return tuple(sorted(id for id, one in asked if one.required and not one.has_default_value))


class EntityProperty(Answer, frozen=True, kw_only=True):
    """Something that a program has noted at a ticket or a comment."""

    key: str
    value: Any = None


class Comment(Answer, frozen=True, kw_only=True):
    """A comment at a ticket."""

    id: str
    notes: Sequence[EntityProperty] = msgspec.field(default=(), name="properties")

    @property
    def properties(self) -> dict[str, Any]:
        """What programs have noted at it, by name."""
        return {note.key: note.value for note in self.notes}


class TypeStatuses(Answer, frozen=True, kw_only=True):
    """The statuses that tickets of one type can have in a project."""

    id: str
    #: Of the type.
    name: str = ""
    statuses: Sequence[Status] = ()


class Permission(Answer, frozen=True, kw_only=True):
    """Whether the account may do something."""

    have_permission: bool = False


class Permissions(Answer, frozen=True, kw_only=True):
    """What the account may do, by name."""

    permissions: Mapping[str, Permission] = msgspec.field(default_factory=dict)


class LinkTypes(Answer, frozen=True, kw_only=True):
    """All ways in which tickets can be linked."""

    issue_link_types: Sequence[LinkType] = ()


class TransitionList(Answer, frozen=True, kw_only=True):
    """Where a ticket can go."""

    transitions: Sequence[Transition] = ()


class CommentPage(Answer, frozen=True, kw_only=True):
    """Some comments of a ticket."""

    comments: Sequence[Comment] = ()
    max_results: int | None = None


class SearchPage(Answer, frozen=True, kw_only=True):
    """Some of what a search found; never how many there are: Cloud does not say."""

    issues: Sequence[Issue] = ()
    #: Cloud: asks for the next page.
    next_page_token: str | None = None
    is_last: bool | None = None
    #: Data Center: how many a page has at most.
    max_results: int | None = None


class TypePage(Answer, frozen=True, kw_only=True):
    """Some types of tickets: Cloud says `issueTypes`, Data Center `values`."""

    issue_types: Sequence[IssueType] = ()
    max_results: int | None = None
    values: Sequence[IssueType] = ()

    @property
    def items(self) -> Sequence[IssueType]:
        """Those of this page."""
        return self.issue_types or self.values


class FieldPage(Answer, frozen=True, kw_only=True):
    """Some fields of a type: Cloud says `fields` or `results`, Data Center `values`."""

    fields: Sequence[CreateField] = ()
    max_results: int | None = None
    results: Sequence[CreateField] = ()
    values: Sequence[CreateField] = ()

    @property
    def items(self) -> Sequence[CreateField]:
        """Those of this page."""
        return self.fields or self.results or self.values


def decode(body: bytes, kind: type[A]) -> A:
    """The answer; numbers and truth values may be written as texts.

    Raises:
        msgspec.DecodeError: it is no JSON, or has not the form.
    """
    return convert(msgspec.json.decode(body), kind)


def convert(value: Any, kind: type[A]) -> A:
    """A part of an answer that was read already.

    Raises:
        msgspec.ValidationError: it has not the form.
    """
    return msgspec.convert(_without_nulls(value), kind, strict=False)


def _without_nulls(value: Any) -> Any:
    """The value without members that are null: Jira writes them for what is not set."""
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    return value


def _name(value: Any) -> str:
    return str(value.get("name") or "") if isinstance(value, dict) else ""
