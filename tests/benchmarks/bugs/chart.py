"""A chart of bugs healed over time, as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 24, 48, 52
#: Seconds at the left edge: time is drawn as a logarithm, because most bugs are quick.
_FIRST = 0.2

_INK, _GRID = "#3b4252", "#d8dee9"


@dataclass(frozen=True)
class Curve:
    """Bugs healed: the seconds at which each of them was."""

    name: str
    seconds: Sequence[float]
    colour: str


def chart(title: str, curves: Sequence[Curve], *, bugs: int, budget: float) -> str:
    """The SVG: seconds to the right, bugs upwards, the whole height being all bugs.

    Args:
        title: stands above.
        curves: from the uppermost to the lowest.
        bugs: number of all.
        budget: seconds at the right edge.
    """
    axes = _Axes(max(bugs, 1), max(budget, 2 * _FIRST))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        ' font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="26" font-size="16" fill="{_INK}">{escape(title)}</text>',
        *axes.lines(),
    ]
    for number, curve in enumerate(curves):
        parts += _drawn(curve, number, axes)
    return "\n".join([*parts, "</svg>", ""])


@dataclass(frozen=True)
class _Axes:
    """Where seconds and bugs are on the paper."""

    bugs: int
    budget: float

    def x(self, seconds: float) -> float:
        """Of a time."""
        share = math.log(max(seconds, _FIRST) / _FIRST) / math.log(self.budget / _FIRST)
        return round(_LEFT + min(share, 1.0) * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, count: int) -> float:
        """Of a number of bugs."""
        return round(_HEIGHT - _BOTTOM - count / self.bugs * (_HEIGHT - _TOP - _BOTTOM), 1)

    def lines(self) -> Iterator[str]:
        """The grid with its numbers."""
        step = max(1, round(self.bugs / 5))
        for count in range(0, self.bugs + 1, step):
            y = self.y(count)
            yield f'<path d="M{_LEFT} {y}H{_WIDTH - _RIGHT}" stroke="{_GRID}"/>'
            yield _label(_LEFT - 8, y + 4, str(count), "end")
        for seconds in (0.2, 0.5, 1, 2, 5, 10, 20, 60, 300):
            if seconds <= self.budget:
                x = self.x(seconds)
                yield f'<path d="M{x} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="{_GRID}"/>'
                yield _label(x, _HEIGHT - _BOTTOM + 18, f"{seconds:g} s", "middle")
        yield _label(_LEFT, _HEIGHT - 12, f"of {self.bugs} bugs, by seconds since the start")


def _drawn(curve: Curve, number: int, axes: _Axes) -> Iterator[str]:
    path = f"M{axes.x(_FIRST)} {axes.y(0)}"
    for count, seconds in enumerate(sorted(curve.seconds), start=1):
        path += f"H{axes.x(seconds)}V{axes.y(count)}"
    path += f"H{axes.x(axes.budget)}"
    yield f'<path d="{path}" fill="none" stroke="{curve.colour}" stroke-width="2"/>'
    y = _HEIGHT - _BOTTOM - 20 * (number + 1)
    name = f"{curve.name}: {len(curve.seconds)}"
    yield f'<text x="{_WIDTH - _RIGHT - 8}" y="{y}" text-anchor="end" fill="{curve.colour}">'
    yield f"{escape(name)}</text>"


def _label(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{_INK}">{escape(text)}</text>'
