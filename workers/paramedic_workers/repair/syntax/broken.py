"""A text that does not parse: where the parser gave up, and what stands around that place.

The text is cut into tokens by a reader that never gives up, for every idea of what is
wrong needs to see names, brackets and quotes where the parser saw none.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from paramedic_workers.repair.source import Replacement

_BYTE_ORDER_MARK = "\ufeff"
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|$)")
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
#: Lines before the error that may be meant by it.
_LINES_BEFORE = 8


class Kind(Enum):
    """What a token is."""

    STRING = auto()
    COMMENT = auto()
    NEWLINE = auto()
    SPACE = auto()
    NUMBER = auto()
    NAME = auto()
    OPEN = auto()
    CLOSE = auto()
    #: A quote that begins no string that ends.
    QUOTE = auto()
    OPERATOR = auto()


_TOKEN = re.compile(
    r"""
    (?P<STRING>(?:\b[rRbBfFuU]{1,2}(?=['"]))?(?:
        \"{3}(?:\\.|[^\\])*?\"{3} | '{3}(?:\\.|[^\\])*?'{3}
        | (?!\"{3})"(?:\\.|[^"\\\r\n])*" | (?!'{3})'(?:\\.|[^'\\\r\n])*'))
    | (?P<COMMENT>\#[^\r\n]*)
    | (?P<NEWLINE>\r\n|\r|\n)
    | (?P<SPACE>[ \t\f]+|\\(?:\r\n|\r|\n))
    | (?P<NUMBER>\d[\w.]*)
    | (?P<NAME>[^\W\d]\w*)
    | (?P<OPEN>[(\[{])
    | (?P<CLOSE>[)\]}])
    | (?P<QUOTE>\"{3}|'{3}|["'])
    | (?P<OPERATOR>\*\*=|//=|>>=|<<=|\.\.\.|===|!==|->|:=|&&|\|\||\+\+|--|<>|=>|=<|==|!=|<=|>=
        |\*\*|//|<<|>>|[-+*/%@&|^]=|.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """One token, by its place in the text."""

    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        """The position behind it."""
        return self.start + len(self.text)

    @property
    def ends_operand(self) -> bool:
        """Whether a value can end with it."""
        return self.kind in (Kind.STRING, Kind.NUMBER, Kind.NAME, Kind.CLOSE)

    @property
    def begins_operand(self) -> bool:
        """Whether a value can begin with it."""
        return self.kind in (Kind.STRING, Kind.NUMBER, Kind.NAME, Kind.OPEN)


@dataclass(frozen=True)
class Line:
    """A line without its line end; numbers count from 1."""

    number: int
    start: int
    text: str

    @property
    def end(self) -> int:
        """The position behind its last character."""
        return self.start + len(self.text)

    @property
    def indentation(self) -> str:
        """The white space before its code."""
        return self.text[: len(self.text) - len(self.text.lstrip(" \t\f"))]

    @property
    def is_blank(self) -> bool:
        """Whether it holds no code."""
        return not self.text.strip() or self.text.lstrip().startswith("#")


@dataclass(frozen=True)
class Idea:
    """One guess at what is wrong, as an edit."""

    parts: tuple[Replacement, ...]
    #: The family of edits.
    kind: str
    #: "a missing `:`".
    title: str
    #: How likely among all ideas, above 0 to about 1.
    weight: float


@dataclass(frozen=True)
class Problem:
    """Why a text does not parse, in the parser's words and by its position."""

    message: str
    line: int
    #: Characters before it in its line.
    column: int


def parsed(text: str) -> ast.Module | Problem:
    """The syntax tree of a text that compiles, or what keeps it from that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(text.removeprefix(_BYTE_ORDER_MARK))
            # `return` outside a function is seen by the compiler only.
            compile(tree, "<text>", "exec", dont_inherit=True)
        except SyntaxError as error:
            return Problem(error.msg or "", error.lineno or 1, max(0, (error.offset or 1) - 1))
        except (ValueError, RecursionError, MemoryError) as error:
            return Problem(str(error), 1, 0)
    return tree


class Broken:
    """A text and the problem that its parser has with it."""

    def __init__(self, text: str, problem: Problem) -> None:
        """Take both as they are."""
        self.text = text
        self.problem = problem

    @cached_property
    def lines(self) -> list[Line]:
        """All lines."""
        mark = len(_BYTE_ORDER_MARK) if self.text.startswith(_BYTE_ORDER_MARK) else 0
        found: list[Line] = []
        for match in _LINE.finditer(self.text, mark):
            found.append(Line(len(found) + 1, match.start(), match[1]))
            if not match[2]:
                break
        return found

    @cached_property
    def tokens(self) -> list[Token]:
        """All tokens of code, in order: no white space, no comments."""
        mark = self.lines[0].start
        every = (
            Token(Kind[match.lastgroup or "OPERATOR"], match.group(), match.start())
            for match in _TOKEN.finditer(self.text, mark)
        )
        passed_over = (Kind.SPACE, Kind.COMMENT, Kind.NEWLINE)
        return [token for token in every if token.kind not in passed_over]

    @cached_property
    def position(self) -> int:
        """Where the parser gave up."""
        line = self.error_line
        return min(line.start + self.problem.column, line.end)

    @cached_property
    def error_line(self) -> Line:
        """The line in which it gave up; a blank one stands for the code before it."""
        return self.lines[min(max(self.problem.line, 1), len(self.lines)) - 1]

    def line_before(self, line: Line) -> Line | None:
        """The last line of code before this one."""
        return next((ln for ln in reversed(self.lines[: line.number - 1]) if not ln.is_blank), None)

    @cached_property
    def near(self) -> list[Line]:
        """Lines that may be wrong, the likeliest first: this, the one before, the bracket's."""
        found = [self.error_line]
        before = self.line_before(self.error_line)
        found += [before] if before else []
        for opening in reversed(self.unclosed):
            if opening.start < self.position:
                found.append(self.line_at(opening.start))
        return list({line.number: line for line in found}.values())[:_LINES_BEFORE]

    def line_at(self, position: int) -> Line:
        """The line that holds this position."""
        return next(ln for ln in reversed(self.lines) if ln.start <= position or ln.number == 1)

    def closeness(self, line: Line) -> float:
        """How likely a line is meant, for its place among those nearby."""
        if line in self.near:
            return 1.0 / (1.0 + 0.5 * self.near.index(line))
        return 0.2

    def tokens_of(self, line: Line) -> list[Token]:
        """Tokens that begin in a line."""
        return [token for token in self.tokens if line.start <= token.start <= line.end]

    def token_before(self, position: int) -> Token | None:
        """The last token that ends at or before a position."""
        return next((t for t in reversed(self.tokens) if t.end <= position), None)

    @cached_property
    def unclosed(self) -> list[Token]:
        """Opening brackets that nothing closes, and those around the error."""
        stack: list[Token] = []
        for token in self.tokens:
            if token.kind is Kind.OPEN:
                stack.append(token)
            elif token.kind is Kind.CLOSE and stack and _BRACKETS[stack[-1].text] == token.text:
                stack.pop()
        return stack

    def enclosing(self, position: int) -> list[Token]:
        """Brackets that are open at a position, outermost first."""
        stack: list[Token] = []
        for token in self.tokens:
            if token.start >= position:
                break
            if token.kind is Kind.OPEN:
                stack.append(token)
            elif token.kind is Kind.CLOSE and stack:
                stack.pop()
        return stack

    @cached_property
    def unit(self) -> str:
        """What one level of indentation is in this text."""
        for line in self.lines:
            if line.indentation and not line.is_blank:
                return "\t" if line.indentation[0] == "\t" else line.indentation[:8]
        return "    "


def closer_of(opening: str) -> str:
    """The bracket that closes this one."""
    return _BRACKETS[opening]


def insertion(position: int, text: str) -> tuple[Replacement, ...]:
    """An edit that adds `text`."""
    return (Replacement(position, position, text),)


def substitution(token: Token, text: str) -> tuple[Replacement, ...]:
    """An edit that puts `text` in place of a token."""
    return (Replacement(token.start, token.end, text),)
