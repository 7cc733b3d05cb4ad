"""Texts that do not parse, and what they become."""

from __future__ import annotations

import ast
import sys
from itertools import islice
from pathlib import Path

import pytest

from paramedic_workers.repair.source import Replacement, Text
from paramedic_workers.repair.syntax.broken import Problem, parsed
from paramedic_workers.repair.syntax.files import broken_files
from paramedic_workers.repair.syntax.mends import mends, replacements
from tests.support.projects import write_project

#: Broken text, healed text. The likeliest mend must be the right one.
CASES = [
    ("def f(\n    x,\n)\n    return x\n", "def f(\n    x,\n):\n    return x\n"),
    ("def f(\n    x, *y)\n    return x\n", "def f(\n    x, *y):\n    return x\n"),
    ("def f(x)\n    return x\n", "def f(x):\n    return x\n"),
    ("if a\n    b = 1\nelse:\n    b = 2\n", "if a:\n    b = 1\nelse:\n    b = 2\n"),
    ("if a:\n    b = 1\nelse\n    b = 2\n", "if a:\n    b = 1\nelse:\n    b = 2\n"),
    ("class A\n    x = 1\n", "class A:\n    x = 1\n"),
    ("for x in range(3)  # all\n    print(x)\n", "for x in range(3):  # all\n    print(x)\n"),
    ("try\n    f()\nexcept E:\n    pass\n", "try:\n    f()\nexcept E:\n    pass\n"),
    ("while x;\n    f()\n", "while x:\n    f()\n"),
    ("def f(p):\n    t = sum(p\n    return t\n", "def f(p):\n    t = sum(p)\n    return t\n"),
    ("def f(p:\n    return p\n", "def f(p):\n    return p\n"),
    ("x = [1, 2\ny = 3\n", "x = [1, 2]\ny = 3\n"),
    ("x = {'a': 1\ny = 3\n", "x = {'a': 1}\ny = 3\n"),
    ("x = f(1))\n", "x = f(1)\n"),
    ("x = p[0)\n", "x = p[0]\n"),
    ("x = f(p[0)\n", "x = f(p[0])\n"),
    ("x = 'hello\ny = 1\n", "x = 'hello'\ny = 1\n"),
    ("print('hello)\n", "print('hello')\n"),
    ("x = 'don't'\n", 'x = "don\'t"\n'),
    ("x = 'abc\"\n", "x = 'abc'\n"),
    ("x = abc'\n", "x = 'abc'\n"),
    ('def f():\n    """Doc.\n    return 1\n', 'def f():\n    """Doc."""\n    return 1\n'),
    ('def f():\n    """Doc.""\n    return 1\n', 'def f():\n    """Doc."""\n    return 1\n'),
    ("def f():\nreturn 1\n", "def f():\n    return 1\n"),
    (
        "def f():\n    a = 1\n      b = 2\n    return a + b\n",
        "def f():\n    a = 1\n    b = 2\n    return a + b\n",
    ),
    ("def f():\n    a = 1\n  return a\n", "def f():\n    a = 1\n    return a\n"),
    ("def f():\n    a = 1\n\treturn a\n", "def f():\n    a = 1\n    return a\n"),
    ("def f():\n    a = 1\nreturn a\n", "def f():\n    a = 1\n    return a\n"),
    ("def f(a, b):\n    return a && b\n", "def f(a, b):\n    return a and b\n"),
    ("def f(a, b):\n    return a||!b\n", "def f(a, b):\n    return a or not b\n"),
    ("if a:\n    b()\nelse if c:\n    d()\n", "if a:\n    b()\nelif c:\n    d()\n"),
    ("if a:\n    b()\nelseif c:\n    d()\n", "if a:\n    b()\nelif c:\n    d()\n"),
    ("function f(x):\n    return x\n", "def f(x):\n    return x\n"),
    ("f(x):\n    return x\n", "def f(x):\n    return x\n"),
    ("x = 1\nx++\n", "x = 1\nx += 1\n"),
    ("if x = 1:\n    y()\n", "if x == 1:\n    y()\n"),
    ("x = [1, 2 3]\n", "x = [1, 2, 3]\n"),
    ("x = [\n    'a',\n    b\n    c,\n]\n", "x = [\n    'a',\n    b,\n    c,\n]\n"),
    ("f(a b)\n", "f(a, b)\n"),
    ("x = {'a' 1}\n", "x = {'a': 1}\n"),
    ("x = {'a': 1 'b': 2}\n", "x = {'a': 1, 'b': 2}\n"),
    ("def f(x):\n    retrun x\n", "def f(x):\n    return x\n"),
    ("form os import path\n", "from os import path\n"),
    ("print 'a'\n", "print('a')\n"),
    ("try:\n    f()\nexcept E, e:\n    pass\n", "try:\n    f()\nexcept E as e:\n    pass\n"),
    ("x = \u201ca\u201d\n", 'x = "a"\n'),
    (
        "def f(x)\n    if x\n        return 1\n    return 2\n",
        "def f(x):\n    if x:\n        return 1\n    return 2\n",
    ),
    (
        "def f(x):\n    if x && null == x\n        return 1\n",
        "def f(x):\n    if x and None == x:\n        return 1\n",
    ),
    (
        "def f(x):\r\n    return (x\r\n\r\ndef g():\r\n    pass\r\n",
        "def f(x):\r\n    return (x)\r\n\r\ndef g():\r\n    pass\r\n",
    ),
    ("def f(:\n    return 1\n", "def f():\n    return 1\n"),
    ("def f:\n    return 1\n", "def f():\n    return 1\n"),
    ("for x of y:\n    f()\n", "for x in y:\n    f()\n"),
    (
        "def f(x):\n    return {\n        'a': x,\n        'b': x\n\ndef g():\n    return 1\n",
        "def f(x):\n    return {\n        'a': x,\n        'b': x}\n\ndef g():\n    return 1\n",
    ),
    ("if (a:\n    b()\n", "if (a):\n    b()\n"),
    pytest.param(
        "x = f'{a[0}'\n",
        "x = f'{a[0]}'\n",
        marks=pytest.mark.skipif(
            sys.version_info >= (3, 12), reason="the tokenizer of 3.12 reads into f-strings"
        ),
    ),
    ("x = f'{a'\n", "x = f'{a}'\n"),
]


@pytest.mark.parametrize(("broken", "healed"), CASES)
def test_the_likeliest_mend_is_the_right_one(broken: str, healed: str) -> None:
    mend = next(mends(broken))
    assert mend.text == healed
    assert mend.title


def test_mends_differ_in_meaning_and_all_parse() -> None:
    found = list(islice(mends("def f(p):\n    return sum(p * 2\n"), 10))
    trees = [ast.dump(ast.parse(mend.text)) for mend in found]
    assert len(trees) == len(set(trees)) > 1
    assert [mend.weight for mend in found] == sorted((m.weight for m in found), reverse=True)


def test_garbage_has_no_mend_and_right_code_needs_none() -> None:
    assert not list(mends("}}}} ((( def\n"))
    assert not list(mends("x = 1\n"))


def test_whatever_bracket_colon_or_quote_is_missing_it_is_found() -> None:
    text = (
        '"""Doc."""\n\n\ndef f(a, b=[1]):\n    """Doc."""\n\n    return g({"a": [a, b]}, \'c\')\n'
    )
    tree = ast.dump(ast.parse(text))
    missed = [
        n
        for n, character in enumerate(text)
        if character in ":()[]{}\"'"
        and isinstance(parsed(broken := text[:n] + text[n + 1 :]), Problem)
        and tree not in {ast.dump(ast.parse(m.text)) for m in islice(mends(broken), 40)}
    ]
    assert not missed


def test_a_return_outside_a_function_is_a_problem() -> None:
    problem = parsed("def f():\n    x = 1\nreturn x\n")
    assert isinstance(problem, Problem)
    assert problem.line == 3


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_everything_else_is_kept_byte_for_byte(mark: str, newline: str) -> None:
    healed = newline.join(
        (
            f"{mark}# Preise in \u20ac \u2028",
            "def f( a,b ):  # odd  layout",
            "\treturn 'x'\f",
            "",
            "",
        )
    )
    broken = healed.replace("):", ")")
    mend = next(mends(broken))
    assert mend.text == healed
    assert _apply(broken, mend.parts) == mend.text
    assert [part.text for part in mend.parts] == [":"]


def test_only_the_statements_around_the_error_are_parsed_in_a_large_file() -> None:
    functions = [f"def f{n}(x):\n    return [x, {n}]\n" for n in range(400)]
    healed = "".join(functions)
    broken = healed.replace("return [x, 200]", "return [x, 200")
    mend = next(mends(broken))
    assert mend.text == healed
    assert _apply(broken, mend.parts) == healed


def test_replacements_are_as_small_as_the_edits() -> None:
    old, new = "a = (1\nb = 2\nc = [3\n", "a = (1)\nb = 2\nc = [3]\n"
    assert [(part.start, part.text) for part in replacements(old, new)] == [(6, ")"), (19, "]")]
    assert _apply(old, replacements(old, new)) == new


def test_files_are_found_by_imports_and_only_those_that_may_change(tmp_path: Path) -> None:
    files = {
        "tests/test_shop.py": "import shop.cart\n",
        "shop/__init__.py": "",
        "shop/cart.py": "from . import prices\nfrom .taxes import rate\ndef total()\n    pass\n",
        "shop/prices.py": "def price(:\n",
        "shop/taxes.py": "rate = (1\n",
        "shop/unrelated.py": "def (\n",
    }
    project = write_project(tmp_path, files)
    test = project.root / "tests/test_shop.py"
    found = broken_files(project, [test], lambda path: not path.endswith("taxes.py"))
    assert [file.text.relative for file in found] == ["shop/cart.py", "shop/prices.py"]
    assert found[0].place == "shop/cart.py line 3 (expected ':')"


def _apply(text: str, parts: tuple[Replacement, ...]) -> str:
    return Text(Path("/m.py"), "m.py", text).apply(parts)
