"""Families that change more than a token, each by one edit that people have made."""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from paramedic_workers.repair.knowledge import Knowledge
from paramedic_workers.repair.messages import ErrorSeen, Place
from paramedic_workers.repair.scope import Scope
from paramedic_workers.repair.source import Source
from paramedic_workers.repair.templates import TEMPLATES, Replacement, Site
from paramedic_workers.repair.templates.priors import PRIORS
from tests.support.template_edits import edits


@dataclass(frozen=True)
class Case:
    """One edit: the family, and the source before and after."""

    family: str
    before: str
    after: str
    types: dict[str, set[str]] = field(default_factory=dict)
    error: tuple[str, str] | None = None
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)


#: Types of the names in one-line cases.
_TYPES = {
    "a": {"int"},
    "b": {"int"},
    "items": {"list"},
    "text": {"str"},
    "table": {"dict"},
    "seen": {"set"},
}


def line(family: str, before: str, after: str, *error: str, **types: set[str]) -> Case:
    """A case within `def f(a, b, items, text, table, seen): …`."""
    header = "def f(a, b, items, text, table, seen):\n"
    first, second = (header + textwrap.indent(part, "    ") + "\n" for part in (before, after))
    problem = (error[0], error[1]) if error else None
    return Case(family, first, second, types={**_TYPES, **types}, error=problem)


_CONVERSIONS = [
    line(
        "missing conversion",
        'return "n: " + a',
        'return "n: " + str(a)',
        *("TypeError", 'can only concatenate str (not "int") to str'),
    ),
    line(
        "missing conversion",
        "return items[text]",
        "return items[int(text)]",
        *("TypeError", "list indices must be integers or slices, not str"),
    ),
    line(
        "missing conversion",
        "seen.add(items)",
        "seen.add(tuple(items))",
        *("TypeError", "unhashable type: 'list'"),
    ),
    line(
        "missing conversion",
        'return md5("text")',
        "return md5(text.encode())",
        *("TypeError", "Strings must be encoded before hashing"),
    ),
    line(
        "missing conversion",
        "return table.keys()[0]",
        "return list(table.keys())[0]",
        *("TypeError", "'dict_keys' object is not subscriptable"),
    ),
]

_DEFAULTS = [
    line("missing key", "return table[a]", "return table.get(a)", "KeyError", "1"),
    line("missing key", "return table[a]", "return table.get(a, 0)", "KeyError", "1"),
    line("missing default", "return table.get(a)", "return table.get(a, 0)"),
    line("missing default", "return table.pop(a)", "return table.pop(a, None)", "KeyError", "1"),
    line("missing default", "return next(a)", "return next(a, None)", "StopIteration", ""),
    line(
        "missing default",
        "return max(items)",
        "return max(items, default=0)",
        *("ValueError", "max() arg is an empty sequence"),
    ),
    line(
        "missing default",
        "return len(items)",
        "return len((items or []))",
        *("TypeError", "object of type 'NoneType' has no len()"),
        items={"list", "NoneType"},
    ),
    Case(
        "missing default",
        "def f(x, to=[]):\n    to.append(x)\n    return to\n",
        "def f(x, to=None):\n    if to is None:\n        to = []\n"
        "    to.append(x)\n    return to\n",
    ),
]

_CONDITIONS = [
    line("none check", "return 1 if a else 2", "return 1 if a is not None else 2"),
    line("none check", "if not a:\n    return b", "if a is None:\n    return b"),
    line("none check", "if a == None:\n    return b", "if a is None:\n    return b"),
    line("none check", "return a or b", "return b if a is None else a"),
    line(
        "type check",
        "return isinstance(a, int)",
        "return isinstance(a, (int, float))",
    ),
    line("type check", "return type(a) == dict", "return isinstance(a, dict)"),
    line("type check", "return type(a) != dict", "return not isinstance(a, dict)"),
    line("condition extended", "if a:\n    b = 1", "if a and b > 0:\n    b = 1"),
    line("condition extended", "if a or b:\n    b = 1", "if (a or b) and items:\n    b = 1"),
    line(
        "condition extended",
        'return text == "x" and a == 1',
        'return text == "x" and a == 1 and not items',
    ),
    line(
        "condition extended",
        "if a + b == len(items):\n    return 1",
        "if a + b == len(items) or b + a == len(items):\n    return 1",
    ),
    Case(
        "condition extended",
        "def f(a, b):\n    if b and a.read():\n        return 1\n",
        'def f(a, b):\n    if b and a.read() or hasattr(a, "read"):\n        return 1\n',
        error=("AttributeError", "'A' object has no attribute 'read'"),
    ),
    Case(
        "early exit",
        "def f(a):\n    if not a:\n        return True\n    return a.host.lower()\n",
        "def f(a):\n    if not a:\n        return True\n"
        "    if a.host is None:\n        return True\n    return a.host.lower()\n",
        types={"a": {"Url"}},
        attributes={"Url": {"host": "NoneType"}},
    ),
    line("condition replaced", "while True:\n    a -= 1", "while items:\n    a -= 1"),
    line("condition added", "items.append(a)", "if a not in items:\n    items.append(a)"),
    line("condition added", "items.append(a)", "if a == b:\n    items.append(a)"),
    line("filter added", "return [x for x in items]", "return [x for x in items if x]"),
    line("filter dropped", "return [x for x in items if x]", "return [x for x in items]"),
    line(
        "early exit",
        "if a:\n    return 0\nreturn b",
        "if a:\n    return 0\nif a == b:\n    return 0\nreturn b",
    ),
    line(
        "branches swapped",
        "if a:\n    return 1  # one\nelse:\n    return 2",
        "if a:\n    return 2\nelse:\n    return 1  # one",
    ),
    line("branches swapped", "return a if b else items", "return items if b else a"),
]

_STATEMENTS = [
    line(
        "statement added",
        "for x in items:\n    a = x",
        "for x in items:\n    a = x\n    seen.add(x)",
        x={"int"},
    ),
    line("step in a loop", "while a < b:\n    use(a)", "while a < b:\n    use(a)\n    a += 1"),
    line(
        "statement copied",
        "if a:\n    items.clear()\nelse:\n    b = 1",
        "if a:\n    items.clear()\nelse:\n    b = 1\n    items.clear()",
    ),
    line("statement moved", "a = 1\nb = a", "b = a\na = 1"),
    line(
        "statement moved",
        "for x in items:\n    a += x\n    return a",
        "for x in items:\n    a += x\nreturn a",
    ),
    line(
        "statement moved",
        "for x in items:\n    a = x\nb += a",
        "for x in items:\n    a = x\n    b += a",
    ),
    line("statement dropped", "a = 1\nreturn b", "return b"),
    line("loop control", "for x in items:\n    break", "for x in items:\n    continue"),
    line(
        "loop control",
        "for x in items:\n    if x:\n        a = x",
        "for x in items:\n    if x:\n        a = x\n        break",
    ),
    line("forgotten return", "items = sorted(items)", "items = sorted(items)\nreturn items"),
    line(
        "forgotten return",
        "if a:\n    return True\nb = 1",
        "if a:\n    return True\nb = 1\nreturn False",
    ),
    line("generator", "yield items", "yield from items"),
    line("generator", "yield from items", "yield items"),
    Case(
        "unset attribute",
        "class A:\n    def __init__(self, size):\n        self.name = 1\n",
        "class A:\n    def __init__(self, size):\n        self.name = 1\n"
        "        self.size = size\n",
        error=("AttributeError", "'A' object has no attribute 'size'"),
    ),
    Case(
        "unset attribute",
        "class A(B):\n    def __init__(self, size):\n        self.name = 1\n",
        "class A(B):\n    def __init__(self, size):\n        super().__init__()\n"
        "        self.name = 1\n",
        error=("AttributeError", "'A' object has no attribute 'size'"),
    ),
]

_SAFE_REPR = "\n\ndef g(a):\n    return safe_repr(a)\n\n\nfrom reprlib import repr as safe_repr\n"
_CLEAN = "\n    def clean(self, text):\n        return text\n"
_CALLS = [
    line("call added", 'return f"{a} of {b:.0f}"', 'return f"{a} of {abs(b):.0f}"'),
    line(
        "running value", 'return "%.*f" % (a - b - 1, a)', 'return "%.*f" % (max(0, a - b - 1), a)'
    ),
    line("operand dropped", 'return "%s=%s" % (a, b)', "return b"),
    Case(
        "other function",
        "def f(a):\n    return repr(a)\n" + _SAFE_REPR,
        "def f(a):\n    return safe_repr(a)\n" + _SAFE_REPR,
    ),
    Case(
        "call nested",
        "class A:\n    def f(self, a):\n        return str(a)\n" + _CLEAN,
        "class A:\n    def f(self, a):\n        return self.clean(str(a))\n" + _CLEAN,
    ),
    Case(
        "call nested",
        "def f(a):\n    return g(a)\n\n\ndef g(a, b=1):\n    return a\n",
        "def f(a):\n    return g(g(a))\n\n\ndef g(a, b=1):\n    return a\n",
    ),
    line("aggregate", "return items[-1]", "return sum(items)"),
    line("aggregate", "return [x for x in items]", "return sum(x for x in items)"),
    line("range", "return range(a)", "return range(1, a)"),
    line("range", "return range(1, a)", "return range(a)"),
    line("range", "for k, v in table:\n    a = k", "for k, v in table.items():\n    a = k"),
    line("range", "for i, x in items:\n    a = i", "for i, x in enumerate(items):\n    a = i"),
    line("keyword added", "return open(text)", 'return open(text, encoding="utf-8")'),
    line("keyword added", "return sorted(items)", "return sorted(items, key=len)"),
    line(
        "keyword added",
        "return sorted(items)[0]",
        "return sorted(items, key=lambda x: (len(x), x))[0]",
    ),
    line("keyword added", 'return text.split(":")', 'return text.split(":", 1)'),
    Case(
        "keyword passed on",
        "def f(a, strict):\n    return g(a)\n\n\ndef g(a, strict=False):\n    return a\n",
        "def f(a, strict):\n    return g(a, strict=strict)\n\n\n"
        "def g(a, strict=False):\n    return a\n",
    ),
    Case(
        "unknown keyword",
        'def f():\n    return g(colour="red")\n\n\ndef g(color):\n    return color\n',
        'def f():\n    return g(color="red")\n\n\ndef g(color):\n    return color\n',
        error=("TypeError", "g() got an unexpected keyword argument 'colour'"),
    ),
    line(
        "missing argument",
        "return g(a)",
        "return g(a, b)",
        *("TypeError", "g() missing 1 required positional argument: 'b'"),
    ),
    Case(
        "missing await",
        "async def f(a):\n    return g(a)\n\n\nasync def g(a):\n    return a\n",
        "async def f(a):\n    return await g(a)\n\n\nasync def g(a):\n    return a\n",
    ),
    Case(
        "missing owner",
        "class A:\n    def f(self):\n        return size\n",
        "class A:\n    def f(self):\n        return self.size\n",
        error=("NameError", "name 'size' is not defined"),
    ),
    Case(
        "missing self",
        "class A:\n    def f():\n        return 1\n",
        "class A:\n    def f(self):\n        return 1\n",
        error=("TypeError", "f() takes 0 positional arguments but 1 was given"),
    ),
    Case(
        "missing self",
        "class A:\n    def f(x):\n        return 1\n",
        "class A:\n    @staticmethod\n    def f(x):\n        return 1\n",
        error=("TypeError", "A.f() takes 1 positional argument but 2 were given"),
    ),
    Case(
        "method reference",
        "def f(a):\n    return a.size\n",
        "def f(a):\n    return a.size()\n",
        types={"a": {"Box"}},
        attributes={"Box": {"size": "method"}},
    ),
]

_VALUES = [
    line("grouping", "return a + b / 2", "return (a + b) / 2"),
    line("grouping", "return a * b + 2", "return a * (b + 2)"),
    line("grouping", "return (a + b) / 2", "return a + b / 2"),
    line("grouping", "return a or b and items", "return (a or b) and items"),
    line("operand dropped", "return a ** b * len(items)", "return a ** len(items)"),
    line("running value", "for x in items:\n    a = x", "for x in items:\n    a = max(a, x)"),
    line("running value", "return a - b", "return max(0, a - b)"),
    line("operand added", "return len(items)", "return len(items) + a"),
    line("operand added", "return items", "return items + seen", seen={"list"}),
    line("copy", "x = items\nreturn x", "x = list(items)\nreturn x"),
    line("copy", "return [[0] * a] * b", "return [[0] * a for _ in range(b)]"),
    line(
        "changed while iterated",
        "for x in table:\n    del table[x]",
        "for x in list(table):\n    del table[x]",
        *("RuntimeError", "dictionary changed size during iteration"),
    ),
    line("composed expression", "return min(items)", "return -a"),
    line("composed expression", 'return items.count("1")', 'return bin(a)[2:].count("1")'),
    line("other name", 'return "text"', "return text"),
    line("element dropped", "return a in (1, 2, 3)", "return a in (1, 3)"),
    line("element dropped", 'return {"a": 1, "b": 2}', 'return {"a": 1}'),
    line("text", 'return "aeiouyY"', 'return "aeiou"'),
    line("text", 'return "("', 'return ")"'),
    line("forgotten prefix", 'return "n {a}"', 'return f"n {a}"'),
]

_PATTERNS = [
    line("pattern", r'return re.findall(r"\d+,\d*", text)', r'return re.findall(r"\d+,\d+", text)'),
    line("pattern", r'return re.split(r"a.b", text)', r'return re.split(r"a\.b", text)'),
    line("pattern", r'return re.split("a.b", text)', r'return re.split(r"a\.b", text)'),
    line("pattern", r'return re.sub(r"<.*>", "", text)', r'return re.sub(r"<.*?>", "", text)'),
    line("pattern", 're.match(r"[a-z]", text)', 're.match(r"[a-zA-Z]", text)'),
    line("pattern", 're.match(r"x", text)', 're.fullmatch(r"x", text)'),
    line("pattern", 're.search("x", text)', 're.search("x", text, flags=re.IGNORECASE)'),
    line("pattern", 'return re.compile(rb"a+$")', r'return re.compile(rb"a+\Z")'),
    line("pattern", "re.split(text, a)", "re.split(re.escape(text), a)"),
]

_TEXTS = [
    line("letter case", 'return text != "UTF-8"', 'return text.lower() != "utf-8"'),
    line("letter case", 'return text in ("A", "b")', 'return text.lower() in ("a", "b")'),
    line(
        "letter of a text",
        'return text[0] != "."',
        'return not text.startswith(".")',
        *("IndexError", "string index out of range"),
    ),
    line("letter of a text", 'return text[-1] in ("x", "y")', 'return text[-1:] in ("x", "y")'),
    line("letter of a text", 'return "-" in text', 'return text.startswith("-")'),
    line("letter of a text", 'return text.endswith("-")', 'return "-" in text'),
    line("text as well", 'return text == "y", "yes"', 'return text in ("y", "yes"), "yes"'),
    line(
        "text as well",
        'return text.startswith("y"), "j"',
        'return text.startswith(("y", "j")), "j"',
    ),
    line("constant for a name", "return max(0, b)", "return max(a, b)"),
    line(
        "missing default",
        "return text.strip()",
        "return (text.strip() if text is not None else None)",
        *("AttributeError", "'NoneType' object has no attribute 'strip'"),
        text={"NoneType", "str"},
    ),
    line(
        "missing owner",
        "return text.getattr(a)",
        "return getattr(text, a)",
        *("AttributeError", "'str' object has no attribute 'getattr'"),
    ),
    Case(
        "constant for a name",
        "class A:\n    def f(self):\n        return max(0, 1)\n",
        "class A:\n    def f(self):\n        return max(self.least, 1)\n",
        types={"self": {"A"}},
        attributes={"A": {"least": "int"}},
    ),
]

_EXCEPTIONS = [
    line("forgotten raise", 'ValueError("no")', 'raise ValueError("no")'),
    line("forgotten raise", 'return ValueError("no")', 'raise ValueError("no")'),
    line(
        "raised exception",
        "raise KeyError(a)",
        "raise ValueError(a)",
    ),
    line(
        "caught exception",
        "try:\n    a = 1\nexcept OSError:\n    pass",
        "try:\n    a = 1\nexcept (OSError, ValueError):\n    pass",
        *("ValueError", "bad"),
    ),
    line(
        "caught exception",
        "try:\n    a = 1\nexcept (OSError, ValueError):\n    pass",
        "try:\n    a = 1\nexcept OSError:\n    pass",
    ),
    line(
        "exception swallowed",
        "a = int(text)",
        "try:\n    a = int(text)\nexcept ValueError:\n    a = None",
        *("ValueError", "invalid literal for int()"),
    ),
]

CASES = [
    *_CONVERSIONS,
    *_DEFAULTS,
    *_CONDITIONS,
    *_STATEMENTS,
    *_CALLS,
    *_VALUES,
    *_PATTERNS,
    *_TEXTS,
    *_EXCEPTIONS,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.family}: {case.after[-30:]!r}")
def test_what_a_family_does(case: Case) -> None:
    found = [
        after
        for family, _, after in edits(
            case.before, types=case.types, error=case.error, attributes=case.attributes
        )
        if family == case.family
    ]
    assert case.after in found, "\n".join(found)


def test_every_edit_of_every_case_compiles_and_has_a_weight() -> None:
    for case in CASES:
        before = {"types": case.types, "error": case.error, "attributes": case.attributes}
        for family, weight, after in edits(case.before, **before):  # type: ignore[arg-type]
            assert 0 < weight <= 1, family
            assert after != case.before, family
            if family not in ("statement moved", "generator", "forgotten return", "loop control"):
                compile(after, family, "exec")


def test_line_ends_and_tabs_of_the_file_are_kept() -> None:
    before = "def f(a, items):\r\n\tfor x in items:\r\n\t\ta = x  # ä\r\n\treturn a\r\n"
    found = [after for _, _, after in edits(before, types={"a": {"int"}, "x": {"int"}})]
    assert "def f(a, items):\r\n\tfor x in items:\r\n\t\ta = x  # ä\r\n\t\tbreak\r\n" not in found
    assert any("\r\n\t\ta += 1\r\n" in after for after in found)
    assert any("\r\n\tif " in after for after in found)
    assert all("\n" not in after.replace("\r\n", "") for after in found)
    assert all("    " not in after for after in found)


def test_a_statement_is_added_after_a_last_line_without_an_end() -> None:
    found = [after for _, _, after in edits("def f(a):\n    a += 1", types={"a": {"int"}})]
    assert "def f(a):\n    a += 1\n    return a" in found


class TestWhatTheFailedAssertionSays:
    """Constants and exceptions that stand in the line of the test that failed."""

    def edits_after(self, folder: Path, source: str, test: str, kind: str) -> dict[str, list[str]]:
        file = folder / "test_module.py"
        file.write_text(test)
        last = test.count("\n")
        error = ErrorSeen(kind, "", (Place(str(file), last),))
        found: dict[str, list[str]] = {}
        for family, _, after in edits(source, error=error):
            found.setdefault(family, []).append(after)
        return found

    def test_what_is_returned_where_a_function_runs_off_its_end(self, tmp_path: Path) -> None:
        found = self.edits_after(
            tmp_path,
            "def f(a):\n    if a > 1:\n        return a\n",
            'def test_f():\n    assert f(1) == ""\n',
            "AssertionError",
        )
        after = 'def f(a):\n    if a > 1:\n        return a\n    return ""\n'
        assert after in found["forgotten return"]

    def test_a_text_in_place_of_none(self, tmp_path: Path) -> None:
        found = self.edits_after(
            tmp_path,
            'def f(a):\n    a["type"] = None\n    return a\n',
            'def test_f():\n    assert f({}) == {"type": "null"}\n',
            "AssertionError",
        )
        assert 'def f(a):\n    a["type"] = "null"\n    return a\n' in found["expected constant"]

    def test_a_text_spelled_almost_alike(self, tmp_path: Path) -> None:
        found = self.edits_after(
            tmp_path,
            'def f(a):\n    return ("Jupyter", "Mars")\n',
            'def test_f():\n    assert f(1) == ("Jupiter",)\n',
            "AssertionError",
        )
        assert found["spelling in a text"] == ['def f(a):\n    return ("Jupiter", "Mars")\n']

    def test_a_word_inside_a_text(self, tmp_path: Path) -> None:
        found = self.edits_after(
            tmp_path,
            'def f(a):\n    return "the recieved data, in a long message"\n',
            'def test_f():\n    assert f(1) == "received"\n',
            "AssertionError",
        )
        after = 'def f(a):\n    return "the received data, in a long message"\n'
        assert after in found["spelling in a text"]

    def test_the_answer_itself_ranks_last(self, tmp_path: Path) -> None:
        found = self.edits_after(
            tmp_path,
            "def f(a):\n    return 3\n",
            "def test_f():\n    assert f(1) == 42\n",
            "AssertionError",
        )
        assert found["expected constant"] == ["def f(a):\n    return 42\n"]
        assert PRIORS["expected constant"] == min(PRIORS.values())

    def test_the_exception_that_should_have_been_raised(self, tmp_path: Path) -> None:
        found = self.edits_after(
            tmp_path,
            "def f(count):\n    return count * 2\n",
            "def test_f():\n    with pytest.raises(ValueError, match='negative'):\n        f(-1)\n",
            "Failed",
        )
        guard = '    if count < 0:\n        raise ValueError("negative")\n'
        # Types are not known here, so the conditions are those about any value.
        assert all("raise ValueError" in after for after in found["guard that raises"])
        assert any('raise ValueError("negative")' in after for after in found["guard that raises"])
        assert guard not in found["guard that raises"]

    def test_the_type_of_an_exception(self, tmp_path: Path) -> None:
        found = self.edits_after(
            tmp_path,
            "def f(a):\n    raise LookupError(a)\n",
            "def test_f():\n    with pytest.raises(RuntimeError):\n        f(-1)\n",
            "LookupError",
        )
        assert "def f(a):\n    raise RuntimeError(a)\n" in found["raised exception"]

    def test_a_unittest_message(self) -> None:
        error = ErrorSeen("AssertionError", "'colour' != 'color'\n- colour")
        found = [a for f, _, a in edits('def f():\n    return "colour"\n', error=error)]
        assert 'def f():\n    return "color"\n' in found


def test_an_error_at_a_statement_counts_more_than_one_elsewhere() -> None:
    before = "def f(a, table):\n    b = table[a]\n    return table[b]\n"
    here = ErrorSeen("KeyError", "1", (Place("/nowhere/module.py", 2),))
    found = {
        after: weight
        for family, weight, after in edits(before, types={"table": {"dict"}}, error=here)
        if family == "missing key" and ("get(a)" in after or "get(b)" in after)
    }
    weights = {("get(a)" in after): weight for after, weight in found.items()}
    assert weights[True] > weights[False]


def test_a_loop_that_hangs_gets_its_step_first() -> None:
    before = "def f(low, high):\n    while low < high:\n        use(high)\n"
    types = {"low": {"int"}, "high": {"int"}}

    def weight_of_step(error: tuple[str, str] | None) -> float:
        found = edits(before, types=types, error=error)
        return next(w for f, w, a in found if f == "step in a loop" and "low += 1" in a)

    assert weight_of_step(None) == 1.0
    assert weight_of_step(("AssertionError", "")) <= 0.5


def test_what_is_only_added_is_an_insertion() -> None:
    """A longer replacement would count as a greater change than it is."""
    source = Source(Path("/nowhere/module.py"), "module.py", "x = size\n")
    [name] = [n for n in ast.walk(source.tree) if isinstance(n, ast.Name) and n.id == "size"]
    site = Site(source, Scope(source, None, {}), Knowledge(), name)
    [added] = site.replace(name, "size + 1")
    [other] = site.replace(name, "len(size)")
    assert added.parts == (Replacement(8, 8, " + 1"),)
    assert other.parts == (Replacement(4, 8, "len(size)"),)


def test_an_unused_name_goes_first() -> None:
    before = "def f(amount, unused, other):\n    return amount + other\n"
    types = {name: {"int"} for name in ("amount", "unused", "other")}
    weights = {
        after: weight
        for family, weight, after in edits(before, types=types)
        if family == "other name"
    }
    unused = weights["def f(amount, unused, other):\n    return unused + other\n"]
    assert unused > weights["def f(amount, unused, other):\n    return other + other\n"]


def test_every_family_has_its_prior_in_one_place_and_no_prior_is_left_over() -> None:
    assert {template.name for template in TEMPLATES} == set(PRIORS)
    assert all(template.prior == PRIORS[template.name] for template in TEMPLATES)
    assert all(0 < prior <= 1 for prior in PRIORS.values())


def test_deletions_and_written_down_answers_rank_last() -> None:
    last = sorted(PRIORS, key=lambda name: PRIORS[name])[:2]
    assert set(last) == {"statement dropped", "expected constant"}
