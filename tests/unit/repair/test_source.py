"""Positions and edits: whatever is not edited stays byte for byte."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paramedic_workers.repair.diffs import unified_diff
from paramedic_workers.repair.source import NotPython, Replacement, Source, header_lines


def source(text: str) -> Source:
    return Source(Path("/p/m.py"), "m.py", text)


def first(kind: type[ast.AST], of: Source) -> ast.AST:
    return next(node for node in ast.walk(of.tree) if isinstance(node, kind))


@pytest.mark.parametrize(
    "text",
    [
        "x = f(a)\n",
        "# ünïcode\ns = 'äöü€𝄞'; x = f(a)  # ß\n",
        "if s:\r\n\tx = f(a)\r\n",
        "\ufeffx = f(a)\n",
        "a = '''\n\f'''\rx = f(a)\r",
        "x = (  # comment\n    f(a)\n)",
    ],
)
def test_only_the_edited_expression_changes(text: str) -> None:
    it = source(text)
    call = first(ast.Call, it)
    part = it.replace(call, "g(b)")
    assert part is not None
    assert it.of(call) == "f(a)"
    assert it.apply([part]) == text.replace("f(a)", "g(b)")


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("x = 'é'\n".encode(), "utf-8"),
        ("\ufeffx = 'é'\r\n".encode(), "utf-8"),
        ("# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"), "iso-8859-1"),
    ],
)
def test_a_file_is_read_so_that_it_can_be_written_back(
    tmp_path: Path, data: bytes, encoding: str
) -> None:
    file = tmp_path / "m.py"
    file.write_bytes(data)
    it = Source.read(file, tmp_path)
    assert (it.relative, it.encoding) == ("m.py", encoding)
    assert it.text.encode(it.encoding) == data


@pytest.mark.parametrize("data", [b"def f(:\n", b"x = '\xe9'\n", b"\x00"])
def test_what_is_no_python_is_said_to_be_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.py").write_bytes(data)
    with pytest.raises(NotPython):
        Source.read(tmp_path / "m.py", tmp_path)


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        ("a * b", "b", "c + d", "a * (c + d)"),
        ("a - b", "b", "c - d", "a - (c - d)"),
        ("a - b", "a", "c - d", "c - d - b"),
        ("a ** b", "a", "-c", "(-c) ** b"),
        ("a ** b", "b", "-c", "a ** -c"),
        ("not a", "a", "b and c", "not (b and c)"),
        ("a.b", "a", "c or d", "(c or d).b"),
        ("f(a)", "a", "b if c else d", "f(b if c else d)"),
        ("f(a)", "a", "b, c", "f((b, c))"),
        ("(a) * b", "a", "c + d", "(c + d) * b"),
        ("a < b", "b", "c == d", "a < (c == d)"),
        ("a if b else c", "b", "lambda: d", "a if (lambda: d) else c"),
        ("[x for x in a]", "a", "b if c else d", "[x for x in (b if c else d)]"),
        ("-a", "a", "b ** c", "-b ** c"),
    ],
)
def test_parentheses_are_added_where_precedence_asks_for_them(
    before: str, old: str, new: str, after: str
) -> None:
    it = source(f"{before}\n")
    node = next(n for n in ast.walk(it.tree) if isinstance(n, ast.expr) and it.of(n) == old)
    part = it.replace(node, new)
    assert part is not None
    assert it.apply([part]) == f"{after}\n"


_OPERANDS = st.recursive(
    st.sampled_from(["a", "b", "1", "f(x)"]),
    lambda inner: st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(["+", "**", "and", "<", "%"]), inner),
        st.builds("{}{}".format, st.sampled_from(["-", "not "]), inner),
        st.builds("{} if {} else {}".format, inner, inner, inner),
        st.builds("lambda: {}".format, inner),
    ),
    max_leaves=6,
)


@given(_OPERANDS, _OPERANDS, st.integers(min_value=0))
def test_a_replaced_node_has_exactly_the_new_expression(before: str, new: str, pick: int) -> None:
    try:
        it, wanted = source(f"{before}\n"), ast.parse(new, mode="eval").body
    except (NotPython, SyntaxError):
        return
    nodes = [node for node in ast.walk(it.tree) if isinstance(node, ast.expr)]
    node = nodes[pick % len(nodes)]
    part = it.replace(node, new)
    if part is None:
        return
    expected = ast.dump(it.tree).replace(ast.dump(node), ast.dump(wanted), 1)
    after = ast.dump(ast.parse(it.apply([part])))
    assert after == expected or ast.dump(it.tree).count(ast.dump(node)) > 1


def test_an_operator_is_found_between_comments_and_line_breaks() -> None:
    it = source("x = (a  # < not this\n     <  # nor < this\n     b)\n")
    compare = first(ast.Compare, it)
    assert isinstance(compare, ast.Compare)
    span = it.token_between(compare.left, compare.comparators[0], "<")
    assert span is not None
    assert it.apply([Replacement(*span, ">=")]) == (
        "x = (a  # < not this\n     >=  # nor < this\n     b)\n"
    )


def test_the_header_of_a_statement_ends_where_its_body_begins() -> None:
    it = source("if (a and\n        b):\n    c\nelse:\n    d\n")
    assert list(header_lines(it.tree.body[0])) == [1, 2]


def test_diffs_show_what_git_needs() -> None:
    without_end = source("a = 1\r\nb = 2")
    diff = unified_diff(without_end, "a = 1\r\nb = 3")
    assert diff == (
        "--- a/m.py\n+++ b/m.py\n@@ -1,2 +1,2 @@\n a = 1\r\n"
        "-b = 2\n\\ No newline at end of file\n+b = 3\n\\ No newline at end of file\n"
    )


def test_a_diff_that_could_not_match_the_bytes_of_the_file_is_not_made() -> None:
    text = "x = 'é'\na = 1\nb = 2\nc = 3\nd = 4\n"
    it = Source(Path("/p/m.py"), "m.py", text, "iso-8859-1")
    near, far = unified_diff(it, text.replace("a = 1", "a = 2")), None
    far = unified_diff(it, text.replace("d = 4", "d = 5"))
    assert near is None
    assert far is not None
    assert far.isascii()


def test_the_header_of_a_match_ends_before_its_first_case() -> None:
    match = ast.parse(
        "match (\n    a\n):\n    case 1:\n        pass\n    case _:\n        pass\n"
    ).body[0]
    assert list(header_lines(match)) == [1, 2, 3]
