"""Numbers in sentences."""

from __future__ import annotations

import pytest

from paramedic.text import counted


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (0, ("test",), "0 tests"),
        (1, ("test",), "1 test"),
        (1200, ("test",), "1,200 tests"),
        (1, ("test passes", "tests pass"), "1 test passes"),
        (2, ("test passes", "tests pass"), "2 tests pass"),
    ],
)
def test_a_number_and_its_noun_agree(number: int, words: tuple[str, ...], said: str) -> None:
    assert counted(number, *words) == said
