"""Values in searches stay values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paramedic_workers.sinks.jira.jql import bounded, labelled, one_of, quoted


@given(st.text(min_size=1).filter(lambda text: text.strip() and text.isprintable()))
def test_a_quoted_value_is_one_string_that_says_the_same(value: str) -> None:
    text = quoted(value)
    assert text[0] == text[-1] == '"'
    said, escaped = [], False
    for sign in text[1:-1]:
        if escaped or sign not in '\\"':
            said.append(sign)
            escaped = False
        else:
            assert sign == "\\", "the string ends before its end"
            escaped = True
    assert not escaped
    assert "".join(said) == value


def test_line_ends_and_control_characters_are_blanks() -> None:
    assert quoted('a" OR project = OPS\n\x00') == '"a\\" OR project = OPS  "'


@pytest.mark.parametrize("value", ["", "  ", "\n"])
def test_an_empty_value_is_no_condition(value: str) -> None:
    with pytest.raises(ValueError, match="condition"):
        quoted(value)


def test_conditions_are_made_of_quoted_values() -> None:
    assert labelled('x"') == 'labels = "x\\"" ORDER BY created ASC'
    assert one_of("key", ["SHOP-1"]) == 'key = "SHOP-1"'
    assert one_of("key", ["SHOP-1", "OPS-2"]) == 'key IN ("SHOP-1", "OPS-2")'
    with pytest.raises(ValueError, match="key"):
        one_of("key", [])


@pytest.mark.parametrize("jql", ["", " ", "ORDER BY created", " order  by key"])
def test_a_search_for_everything_is_not_made(jql: str) -> None:
    with pytest.raises(ValueError, match="condition"):
        bounded(jql)
