"""A small interpreter of JQL: what is searched for a ticket, as Jira would find it.

An empty field is unequal to nothing: `resolution != Done` does not find what has no
resolution. Words are looked for by `~` without stemming.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.support.jira.answers import Refused

#: What a ticket is searched by: each field with its values, all as text; numbers for times.
Row = Mapping[str, Any]
Test = Callable[[Row], bool]

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<operator>!=|!~|<=|>=|=|~|<|>|\(|\)|,)
    |(?P<word>[^\s"'=!~<>(),]+)
    )""",
    re.VERBOSE,
)
_NAMES = {
    "project": "project",
    "labels": "labels",
    "key": "key",
    "issue": "key",
    "issuekey": "key",
    "id": "key",
    "statuscategory": "statusCategory",
    "status": "status",
    "resolution": "resolution",
    "parent": "parent",
    "epic link": "parent",
    "cf[10014]": "parent",
    "issuetype": "issuetype",
    "type": "issuetype",
    "summary": "summary",
    "description": "description",
    "text": "text",
    "assignee": "assignee",
    "reporter": "reporter",
    "priority": "priority",
    "component": "component",
    "created": "created",
    "updated": "updated",
}
_TIMES = ("created", "updated")
_CATEGORIES = {
    "to do": "new",
    "in progress": "indeterminate",
    "done": "done",
    "new": "new",
    "indeterminate": "indeterminate",
    "2": "new",
    "4": "indeterminate",
    "3": "done",
}
_AGO = re.compile(r"-(\d+)([mhdw])")
_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True)
class Query:
    """A query that was understood."""

    #: None: it asks for everything.
    test: Test | None
    #: Fields to sort by, each with whether downwards.
    order: tuple[tuple[str, bool], ...]


def parse(jql: str, now: float) -> Query:
    """Understand a query.

    Raises:
        Refused: 400, it is none.
    """
    where, order = _split_order(_tokens(jql))
    if not where:
        return Query(None, order)
    parser = _Parser(where, now)
    test = parser.either()
    if parser.peek() is not None:
        raise _wrong(f"Expecting either 'OR' or 'AND' but got '{parser.peek()}'.")
    return Query(test, order)


@dataclass(frozen=True)
class _Token:
    text: str
    quoted: bool = False

    def __str__(self) -> str:
        return self.text

    def __bool__(self) -> bool:
        return True


def _wrong(why: str) -> Refused:
    return Refused(400, f"Error in the JQL Query: {why}")


def _tokens(jql: str) -> list[_Token]:
    tokens, position = [], 0
    while jql[position:].strip():
        match = _TOKEN.match(jql, position)
        if match is None:
            raise _wrong(
                f"The character '{jql[position:].strip()[0]}' is a reserved JQL character."
            )
        string = match["string"]
        if string is not None:
            tokens.append(_Token(re.sub(r"\\(.)", r"\1", string[1:-1]), quoted=True))
        else:
            tokens.append(_Token(match[0].strip()))
        position = match.end()
    return tokens


def _split_order(tokens: list[_Token]) -> tuple[list[_Token], tuple[tuple[str, bool], ...]]:
    words = ["" if token.quoted else token.text.lower() for token in tokens]
    for at in range(len(words) - 1):
        if words[at] == "order" and words[at + 1] == "by":
            return tokens[:at], _order(tokens[at + 2 :])
    return tokens, ()


def _order(tokens: list[_Token]) -> tuple[tuple[str, bool], ...]:
    order: list[tuple[str, bool]] = []
    for token in tokens:
        word = token.text.lower()
        if word in ("asc", "desc") and order:
            order[-1] = (order[-1][0], word == "desc")
        elif word != ",":
            order.append((_field(token), False))
    if not order:
        raise _wrong("Expecting a field name at the end of the query.")
    return tuple(order)


def _field(token: _Token) -> str:
    try:
        return _NAMES[token.text.lower()]
    except KeyError:
        why = f"Field '{token.text}' does not exist or you do not have permission to view it."
        raise Refused(400, why) from None


class _Parser:
    """Recursive descent over the tokens of a condition."""

    def __init__(self, tokens: Sequence[_Token], now: float) -> None:
        self._tokens = list(tokens)
        self._now = now

    def peek(self) -> str | None:
        """The next word, a quoted one as it is."""
        return self._tokens[0].text if self._tokens else None

    def either(self) -> Test:
        """Conditions joined by OR."""
        tests = [self._both()]
        while self._take("or"):
            tests.append(self._both())
        return lambda row: any(test(row) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take("and"):
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._take("not"):
            test = self._one()
            return lambda row: not test(row)
        if self._take("("):
            test = self.either()
            self._demand(")")
            return test
        return self._clause()

    def _clause(self) -> Test:
        name = _field(self._next())
        operator = self._next().text.lower()
        if operator == "is":
            negated = self._take("not")
            if not (self._take("empty") or self._take("null")):
                raise _wrong("Expecting EMPTY after 'is'.")
            return lambda row: bool(_values(row, name)) == negated
        if operator == "not":
            self._demand("in")
            return _unequal(name, self._list())
        if operator == "in":
            return _equal(name, self._list())
        return self._comparison(name, operator, self._next())

    def _comparison(self, name: str, operator: str, value: _Token) -> Test:
        if operator in ("<", "<=", ">", ">=") and name in _TIMES:
            return _time_test(name, operator, _moment(value.text, self._now))
        if operator == "=":
            return _equal(name, [value])
        if operator == "!=":
            return _unequal(name, [value])
        if operator in ("~", "!~"):
            if name not in ("summary", "description", "text"):
                raise Refused(400, f"The operator '~' is not supported by the '{name}' field.")
            found = _contains(name, value.text)
            return found if operator == "~" else lambda row: not found(row)
        raise _wrong(f"Expecting operator but got '{operator}'.")

    def _list(self) -> list[_Token]:
        self._demand("(")
        values = [self._next()]
        while self._take(","):
            values.append(self._next())
        self._demand(")")
        return values

    def _next(self) -> _Token:
        if not self._tokens:
            raise _wrong("Expecting a value but the query ends.")
        return self._tokens.pop(0)

    def _take(self, word: str) -> bool:
        if self._tokens and not self._tokens[0].quoted and self._tokens[0].text.lower() == word:
            self._tokens.pop(0)
            return True
        return False

    def _demand(self, word: str) -> None:
        if not self._take(word):
            raise _wrong(f"Expecting '{word}' but got '{self.peek()}'.")


def _values(row: Row, name: str) -> list[str]:
    value = row.get(name)
    values = value if isinstance(value, list | tuple) else [value]
    return [str(one) for one in values if one not in (None, "")]


def _wanted(name: str, tokens: Sequence[_Token]) -> set[str]:
    """The values as rows have them; the words EMPTY and NULL are not quoted."""
    if name == "statusCategory":
        return {_CATEGORIES.get(token.text.lower(), token.text) for token in tokens}
    # Labels differ by case; names of all else do not.
    return {token.text if name == "labels" else token.text.lower() for token in tokens}


def _shown(row: Row, name: str) -> set[str]:
    values = _values(row, name)
    return set(values) if name == "labels" else {value.lower() for value in values}


def _equal(name: str, tokens: Sequence[_Token]) -> Test:
    if any(not t.quoted and t.text.lower() in ("empty", "null", "unresolved") for t in tokens):
        return lambda row: not _values(row, name)
    wanted = _wanted(name, tokens)
    return lambda row: bool(_shown(row, name) & wanted)


def _unequal(name: str, tokens: Sequence[_Token]) -> Test:
    if any(not t.quoted and t.text.lower() in ("empty", "null", "unresolved") for t in tokens):
        return lambda row: bool(_values(row, name))
    wanted = _wanted(name, tokens)
    return lambda row: bool(_shown(row, name)) and not _shown(row, name) & wanted


def _contains(name: str, text: str) -> Test:
    words = re.findall(r"\w+", text.lower())

    def test(row: Row) -> bool:
        shown = set(re.findall(r"\w+", " ".join(_values(row, name)).lower()))
        return bool(words) and all(word in shown for word in words)

    return test


def _time_test(name: str, operator: str, moment: float) -> Test:
    compare: dict[str, Callable[[float], bool]] = {
        "<": lambda at: at < moment,
        "<=": lambda at: at <= moment,
        ">": lambda at: at > moment,
        ">=": lambda at: at >= moment,
    }
    return lambda row: compare[operator](float(row[name]))


def _moment(text: str, now: float) -> float:
    ago = _AGO.fullmatch(text)
    if ago:
        return now - int(ago[1]) * _UNITS[ago[2]]
    for form in ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d"):
        try:
            return datetime.strptime(text, form).astimezone().timestamp()
        except ValueError:
            continue
    raise Refused(400, f"Date value '{text}' for field is invalid.")
