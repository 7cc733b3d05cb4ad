"""How candidates are tried: many in one process, as if each were alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from paramedic_workers.repair.messages import Letter
from tests.support.prepared import prepared
from tests.support.projects import write_project

STATEFUL = """
    import functools

    cache, last, history = {}, None, [[]]

    def in_a_dictionary(n):
        if n not in cache:
            cache[n] = n + n + 1
        return cache[n]

    def in_a_variable(n):
        global last
        if last is None:
            last = n + n + 1
        return last

    def in_a_list_in_a_list(n):
        history[0].append(n + n + 1)
        return history[0][0]

    @functools.lru_cache
    def in_a_cache(n):
        return n + n + 1

    class Memory:
        value = None

        def __init__(self):
            self.value = None

    memory = Memory()

    def in_a_class(n):
        if Memory.value is None:
            Memory.value = n + n + 1
        return Memory.value

    def in_an_object(n):
        if memory.value is None:
            memory.value = n + n + 1
        return memory.value

    def in_a_default(n, seen=[]):
        seen.append(n + n + 1)
        return seen[0]
"""
KINDS = [
    *("in_a_dictionary", "in_a_variable", "in_a_list_in_a_list", "in_a_cache"),
    *("in_a_class", "in_an_object", "in_a_default"),
]


def test_what_a_candidate_leaves_behind_does_not_reach_the_next(tmp_path: Path) -> None:
    tests = "\n".join(f"def test_{k}():\n    assert state.{k}(3) == 6" for k in KINDS)
    files = {"state.py": STATEFUL, "test_state.py": f"import state\n\n{tests}\n"}
    failing = [f"test_state.py::test_{kind}" for kind in KINDS]
    with prepared(write_project(tmp_path, files), failing) as ready:
        validator, candidates, seen = ready.validator, ready.candidates, ready.seen
        assert [test.name for test in seen.failing] == [f"test_{kind}" for kind in KINDS]
        for kind, test in zip(KINDS, seen.failing, strict=True):
            own = [c for c in candidates if c.function and c.function.name == kind]
            together = validator.sift(own, [test])
            alone = [validator.sift([candidate], [test])[0] for candidate in own[:12]]
            assert Letter.PASSED in [sifted.letter for sifted in alone[1:]], kind
            assert together[:12] == alone, kind


@pytest.mark.parametrize("scope", ["function", "session"])
def test_fixtures_that_take_long_are_no_hang(tmp_path: Path, scope: str) -> None:
    files = {
        "conftest.py": f"""
            import time
            import pytest

            @pytest.fixture(scope="{scope}")
            def machine():
                time.sleep(0.4)
                until = time.process_time() + 0.08
                while time.process_time() < until:
                    pass
                return 3
        """,
        "double.py": "def double(n):\n    return n + n + 1\n",
        "test_double.py": """
            from double import double

            def test_double(machine):
                assert double(machine) == 6
        """,
    }
    with prepared(write_project(tmp_path, files), ["test_double.py::test_double"]) as ready:
        validator, candidates, seen = ready.validator, ready.candidates, ready.seen
        assert seen.failing[0].seconds > 0.05
        letters = validator.sieve(candidates[:3])
    assert Letter.TIMED_OUT not in letters


def test_limits_shrink_when_many_candidates_hang_and_grow_with_patience(tmp_path: Path) -> None:
    files = {
        "count.py": """
            def count(number):
                steps = 0
                while number > 0:
                    number -= 1
                    steps += 2
                return steps
        """,
        "test_count.py": "from count import count\n\n\ndef test_it():\n    assert count(3) == 3\n",
    }
    with prepared(write_project(tmp_path, files), ["test_count.py::test_it"]) as ready:
        validator, candidates = ready.validator, ready.candidates
        # However long the test took on this machine.
        validator.failing = [replace(test, seconds=0.0) for test in validator.failing]
        first = validator.sieve(candidates)
        hanging = [c for c, x in zip(candidates, first, strict=True) if x is Letter.TIMED_OUT]
        assert validator.hangs == len(hanging) > 4
        asked: list[dict[str, object]] = []
        ask = validator.session.ask

        def listen(request: dict[str, object], answer: type, timeout: float) -> object:
            asked.append(request)
            return ask(request, answer, timeout)

        validator.session.ask = listen  # type: ignore[method-assign, assignment]
        validator.sieve(hanging[:2])
        validator.sieve(hanging[:2], patience=8.0)
    limits = [float(request["tests"][0][1]) for request in asked]  # type: ignore[index]
    assert limits[0] < 0.02
    assert limits[1] == pytest.approx(0.16)


def test_all_tests_can_be_tried_to_see_which_a_candidate_turns_green(tmp_path: Path) -> None:
    files = {
        "two.py": "def one():\n    return 2\n\n\ndef two():\n    return 1\n",
        "test_two.py": """
            from two import one, two

            def test_one():
                assert one() == 1

            def test_two():
                assert two() == 2

            def test_both():
                assert (one(), two()) == (1, 2)
        """,
    }
    failing = [f"test_two.py::test_{name}" for name in ("one", "two", "both")]
    with prepared(write_project(tmp_path, files), failing) as ready:
        validator, candidates, seen = ready.validator, ready.candidates, ready.seen
        one_test = validator.sift(candidates, seen.failing)
        all_tests = validator.sift(candidates, seen.failing, abort=False)
    greens = {
        c.function.name
        for c, sifted in zip(candidates, all_tests, strict=True)
        if sifted.passed and c.function
    }
    assert greens == {"one", "two"}
    assert sum(sifted.passed for sifted in one_test) < sum(s.passed for s in all_tests)


SURROUNDINGS = """
    import os
    import sys

    def in_a_variable(n):
        os.environ["LAST"] = os.environ.get("LAST") or str(n + n + 1)
        return int(os.environ["LAST"])

    def in_the_search_path(n):
        sys.path.append(str(n + n + 1))
        return int(next(p for p in sys.path if p.isdigit()))

    def in_the_folder(n):
        name = os.path.basename(os.getcwd())
        if not name.isdigit():
            name = str(n + n + 1)
            os.makedirs(f"/tmp/surroundings/{name}", exist_ok=True)
            os.chdir(f"/tmp/surroundings/{name}")
        return int(name)

    def in_a_file(n, folder):
        path = folder.parent / "last"
        if not path.exists():
            path.write_text(str(n + n + 1))
        return int(path.read_text())

    def in_a_key(n, seen={0: None}):
        if 0 in seen:
            del seen[0]
            seen[n + n + 1] = None
        return next(iter(seen))
"""
PLACES = ["in_a_variable", "in_the_search_path", "in_the_folder", "in_a_key"]


def test_surroundings_are_put_back_without_a_new_process(tmp_path: Path) -> None:
    tests = "\n".join(f"def test_{p}():\n    assert places.{p}(3) == 6" for p in PLACES)
    file = "def test_in_a_file(tmp_path):\n    assert places.in_a_file(3, tmp_path) == 6"
    text = f"import places\n\n{tests}\n\n{file}\n"
    places = SURROUNDINGS.replace("/tmp/surroundings", str(tmp_path / "folders"))
    failing = [f"test_places.py::test_{place}" for place in (*PLACES, "in_a_file")]
    root = tmp_path / "root"
    root.mkdir()
    project = write_project(root, {"places.py": places, "test_places.py": text})
    with prepared(project, failing) as ready:
        validator, candidates, seen = ready.validator, ready.candidates, ready.seen
        for place, test in zip((*PLACES, "in_a_file"), seen.failing, strict=True):
            own = [c for c in candidates if c.function and c.function.name == place]
            together = validator.sift(own, [test])
            alone = [validator.sift([candidate], [test])[0] for candidate in own[:40]]
            assert Letter.PASSED in [sifted.letter for sifted in alone[1:]], place
            assert together[:40] == alone, place
