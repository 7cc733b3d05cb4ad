"""Indentation: a line or a block that stands too far left or right.

if empty:                       if empty:
return 0                ->          return 0
"""

from __future__ import annotations

from collections.abc import Iterator

from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.syntax.broken import Broken, Idea, Line

#: Lines before the error from which depths are taken.
_LINES_BEFORE = 40
_KIND = "indentation"
#: Words of the parser's messages about indentation.
_ABOUT = (
    *("indent", "inconsistent use of tabs", "outside function", "outside loop"),
    *("not properly in loop", "expected 'except' or 'finally'"),
)
#: Words that begin a line that continues a statement further up.
_CONTINUES = ("else", "elif", "except", "finally", "case")


def ideas(broken: Broken) -> Iterator[Idea]:
    """The lines near the error, moved to every depth that is used before them."""
    about = any(words in broken.problem.message for words in _ABOUT)
    for line in broken.near[:2]:
        continues = line.text.split(":")[0].split() or [""]
        if not about and continues[0] not in _CONTINUES:
            continue
        factor = 1.0 if line is broken.near[0] else 0.4
        for place, depth in enumerate(_depths(broken, line)):
            weight = factor * 0.8 / (1.0 + 0.3 * place)
            for block in _blocks(broken, line):
                parts = tuple(_moved(block, line.indentation, depth))
                size = 0.0 if len(block) == 1 else 0.03
                yield Idea(parts, _KIND, _title(line.indentation, depth), weight - size)
    if "expected an indented block" in broken.problem.message:
        yield from _empty_block(broken)


def _depths(broken: Broken, line: Line) -> list[str]:
    """Depths that this line may have, the likeliest first."""
    before = broken.line_before(line)
    if before is None:
        return [""] if line.indentation else []
    found: list[str] = []
    if before.text.split("#")[0].rstrip().endswith(":"):
        found.append(before.indentation + broken.unit)
    found.append(before.indentation)
    earlier = broken.lines[max(0, before.number - _LINES_BEFORE) : before.number]
    levels = {ln.indentation for ln in earlier if not ln.is_blank}
    wanted = len(line.indentation.expandtabs())
    found += sorted(levels, key=lambda level: (abs(len(level.expandtabs()) - wanted), level))
    return [depth for depth in dict.fromkeys(found) if depth != line.indentation]


def _blocks(broken: Broken, line: Line) -> list[list[Line]]:
    """The line alone, and with the lines below it that stand as deep or deeper."""
    depth = len(line.indentation.expandtabs())
    block = [line]
    for further in broken.lines[line.number :]:
        if not further.text.strip():
            # A blank line ends most blocks that were shifted as a whole.
            break
        if len(further.indentation.expandtabs()) < depth:
            break
        block.append(further)
    return [block, [line]] if len(block) > 1 else [[line]]


def _moved(block: list[Line], old: str, new: str) -> Iterator[Replacement]:
    for line in block:
        length = len(old) if line.text.startswith(old) else len(line.indentation)
        yield Replacement(line.start, line.start + length, new)


def _empty_block(broken: Broken) -> Iterator[Idea]:
    before = broken.line_before(broken.error_line)
    if before is not None:
        ending = _line_end(broken, before)
        text = f"{ending}{before.indentation}{broken.unit}pass"
        yield Idea(
            (Replacement(before.end, before.end, text),), "empty block", "a missing `pass`", 0.35
        )


def _line_end(broken: Broken, line: Line) -> str:
    following = broken.lines[line.number].start if line.number < len(broken.lines) else line.end
    return broken.text[line.end : following] or "\n"


def _title(old: str, new: str) -> str:
    if len(new.expandtabs()) == len(old.expandtabs()):
        return "indentation of one kind"
    return (
        "a deeper block" if len(new.expandtabs()) > len(old.expandtabs()) else "a less deep block"
    )
