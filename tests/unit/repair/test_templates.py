"""Each family of edits, by what it makes of one line."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.support.template_edits import Types, edits


def bodies(line: str, **knowledge: object) -> dict[str, set[str]]:
    """What each template makes of the one line of `def f(a, b, items): …`."""
    before = f"def f(a, b, items):\n    {line}\n"
    found: dict[str, set[str]] = {}
    for template, _, after in edits(before, **knowledge):  # type: ignore[arg-type]
        body = textwrap.dedent(after.partition("\n")[2]).rstrip("\n")
        found.setdefault(template, set()).add(body)
    return found


INTS: Types = {"a": {"int"}, "b": {"int"}, "items": {"list"}}


@pytest.mark.parametrize(
    ("template", "before", "after"),
    [
        ("comparison operator", "return a <= b", "return a < b"),
        ("comparison operator", "return a  not   in items", "return a  in items"),
        ("comparison operator", "return 0 < a < b", "return 0 < a <= b"),
        ("and/or", "return a and b or items", "return a or b or items"),
        ("operand dropped", "return a and b and items", "return a and items"),
        ("`not` dropped", "return not (a or b)", "return (a or b)"),
        ("condition negated", "return a or b", "return not (a or b)"),
        ("arithmetic operator", "return a - b", "return a + b"),
        ("arithmetic operator", "return a * (b // 2)", "return a * (b % 2)"),
        ("augmented assignment", "a += b", "a -= b"),
        ("augmented assignment", "a += b", "a = b"),
        ("augmented assignment", "a = b", "a += b"),
        ("operands swapped", "return a - (b + 1)", "return (b + 1) - a"),
        ("operand dropped", "return a - b", "return a"),
        ("sign", "return -a", "return a"),
        ("off by one", "return range(a)", "return range(a + 1)"),
        ("off by one", "return items[a:b]", "return items[a:b - 1]"),
        ("off by one", "return a + 1", "return a"),
        ("number", "return a * 10", "return a * 11"),
        ("number", "return a * 10", "return a * 0"),
        ("truth value", "return True", "return False"),
        ("truth value", "return None", "return False"),
        ("other name", "return a", "return b"),
        ("other builtin", "return min(items)", "return max(items)"),
        ("other builtin", "return any(items)", "return all(items)"),
        ("confused method", "return a.lstrip()", "return a.rstrip()"),
        ("arguments swapped", "return f(a, b)", "return f(b, a)"),
        ("elements swapped", "return [a, b]", "return [b, a]"),
        ("fields swapped", "return f'{a} {b!r}'", "return f'{b} {a!r}'"),
        ("argument dropped", "return round(a, 2)", "return round(a)"),
        ("sort order", "return sorted(items)", "return sorted(items, reverse=True)"),
        ("call dropped", "return list(items)", "return items"),
        ("call dropped", "return a.strip()", "return a"),
        ("call added", "return a - b", "return abs(a - b)"),
        ("call added", "return items", "return len(items)"),
        ("index", "return items[0]", "return items[-1]"),
        ("slice", "return items[1:a]", "return items[:a]"),
        ("slice added", "return items", "return items[1:]"),
        ("slice added", "return items", "return items[:a]"),
        ("returned value", "return len(items)", "return items"),
        ("forgotten return", "f(a, b)", "return f(a, b)"),
        ("other expression", "return a / len(items)", "return len(items) / len(items)"),
    ],
)
def test_what_a_template_does(template: str, before: str, after: str) -> None:
    found = bodies(before, types=INTS)
    assert after in found.get(template, set()), found


@pytest.mark.parametrize(
    ("before", "types", "after"),
    [
        ('return "wirte", a == "write"', INTS, 'return "write", a == "write"'),
        ("return \"wirte\", a == 'write'", INTS, "return \"wirte\", a == 'wirte'"),
        ('return ""', INTS, 'return " "'),
    ],
)
def test_texts_keep_their_quotes(before: str, types: Types, after: str) -> None:
    assert after in bodies(before, types=types)["text"]


def test_docstrings_and_formatted_texts_are_no_constants() -> None:
    assert "text" not in bodies('"""Say something."""', types=INTS)


def test_a_name_of_the_same_type_goes_first() -> None:
    types: Types = {"a": {"int"}, "b": {"int"}, "items": {"list"}}
    weights = {
        after: weight
        for template, weight, after in edits("def f(a, b, items):\n    return a\n", types=types)
        if template == "other name"
    }
    assert weights["def f(a, b, items):\n    return b\n"] >= 0.8
    assert weights["def f(a, b, items):\n    return items\n"] < 0.3


def test_an_undefined_name_becomes_the_one_spelled_most_alike() -> None:
    found = [
        (weight, after)
        for template, weight, after in edits(
            "def f(width, height):\n    return widht * height\n",
            error=("NameError", "name 'widht' is not defined"),
        )
        if template == "undefined name"
    ]
    assert max(found)[1] == "def f(width, height):\n    return width * height\n"


def test_an_attribute_is_chosen_from_those_the_object_has() -> None:
    found = bodies(
        "return a.adress",
        types={"a": {"Person"}},
        attributes={"Person": {"address": "str", "age": "int"}},
        error=("AttributeError", "'Person' object has no attribute 'adress'"),
    )
    assert found["undefined attribute"] == {"return a.address"}


@pytest.mark.parametrize(
    ("error", "types", "guard"),
    [
        (("AttributeError", "'NoneType' …"), {"a": {"NoneType", "str"}}, "if a is None:"),
        (("IndexError", "…"), {"a": {"list"}}, "if not a:"),
        (("ZeroDivisionError", "…"), {"a": {"int"}}, "if a == 0:"),
    ],
)
def test_guards_follow_the_error_and_the_types(
    error: tuple[str, str], types: Types, guard: str
) -> None:
    found = bodies("return a", types=types, error=error)["guard"]
    assert f"{guard}\n    return None\nreturn a" in found
    assert "guard" not in bodies("return a", types={"a": {"float"}}, error=("KeyError", "'a'"))


class TestImports:
    """The family that changes the top level of a module."""

    def imports(self, text: str, error: tuple[str, str], root: Path) -> list[str]:
        return [after for name, _, after in edits(text, error=error, root=root) if "import" in name]

    def test_from_the_standard_library(self, tmp_path: Path) -> None:
        error = ("NameError", "name 'json' is not defined")
        [after] = self.imports('"""Doc."""\n\nimport os\n\n\nX = json.dumps(os)\n', error, tmp_path)
        assert after == '"""Doc."""\n\nimport os\nimport json\n\n\nX = json.dumps(os)\n'

    def test_after_a_docstring_with_the_files_own_line_ends(self, tmp_path: Path) -> None:
        error = ("NameError", "name 'math' is not defined")
        [after] = self.imports('"""Doc."""\r\nX = math.pi\r\n', error, tmp_path)
        assert after == '"""Doc."""\r\n\r\nimport math\r\nX = math.pi\r\n'

    def test_an_idiom(self, tmp_path: Path) -> None:
        error = ("NameError", "name 'defaultdict' is not defined")
        [after] = self.imports("def f():\n    return defaultdict(int)\n", error, tmp_path)
        assert after.startswith("from collections import defaultdict\n\n\ndef f")

    def test_from_the_repository(self, tmp_path: Path) -> None:
        package = tmp_path / "src/shop"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "cart.py").write_text("class Cart:\n    pass\n")
        error = ("NameError", "name 'Cart' is not defined")
        [after] = self.imports("X = Cart()\n", error, tmp_path)
        assert after == "from shop.cart import Cart\n\nX = Cart()\n"

    def test_a_name_that_is_not_used_here_is_not_imported(self, tmp_path: Path) -> None:
        assert not self.imports("X = 1\n", ("NameError", "name 'json' is not defined"), tmp_path)


def test_what_changes_nothing_is_not_proposed() -> None:
    before = "def f(a, b, items):\n    return not a and items[0] == len(items[1:]) - 1 or b\n"
    for template, weight, after in edits(before, types=INTS):
        assert after != before, template
        assert 0 < weight <= 1, template


def test_every_edit_compiles() -> None:
    before = textwrap.dedent(
        """
        def f(a, b, items):
            total = 0  # of all
            for n, item in enumerate(items):
                if (item is None
                        and not n):  # first
                    continue
                total += max(item.get("size", 1), a ** -b) if item else -1
            return sum(x for x in items), {a: b}, lambda y: y + 1, total
        """
    )
    count = 0
    for template, _, after in edits(before, types={**INTS, "item": {"dict"}, "n": {"int"}}):
        compile(after, template, "exec")
        assert "# of all" in after or template == "statement dropped"
        count += 1
    assert count > 200
