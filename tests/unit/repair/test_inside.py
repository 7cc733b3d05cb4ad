"""The parts of the engine's inner half that need no process of their own."""

from __future__ import annotations

import os
import sys
import threading
import types
from pathlib import Path

import pytest

from paramedic_workers.repair.inside.changes import Changes
from paramedic_workers.repair.inside.options import knows_paths
from paramedic_workers.repair.inside.state import SharedState
from paramedic_workers.repair.inside.surroundings import Surroundings

CONTENT = """
import collections, functools

class Shelf:
    kind = "wood"
    boards = [1, 2]

shelf = Shelf()
names = {"one": 1, "two": [2]}
order = collections.OrderedDict(names)
letters = {"a", "b"}
queue = collections.deque([1, 2, 3])
flag = None

@functools.lru_cache
def remembered(n):
    return n
"""

CHANGES = {
    "a new name": "other = 1",
    "a lost name": "del flag",
    "another value": "flag = True",
    "a row": "names['three'] = 3",
    "a row under another key": "names['uno'] = names.pop('one')",
    "rows in another order": "order.move_to_end('one')",
    "an inner list": "names['two'].append(3)",
    "a set": "letters.add('c')",
    "a set of the same size": "letters.remove('a'); letters.add('c')",
    "a queue": "queue.rotate(1)",
    "an attribute of a class": "Shelf.kind = 'steel'",
    "a new attribute of a class": "Shelf.colour = 'red'",
    "a list of a class": "Shelf.boards.clear()",
    "an attribute of an object": "shelf.label = 'A'",
    "a cache": "remembered(1)",
}


def content() -> types.ModuleType:
    module = types.ModuleType("content")
    exec(CONTENT, vars(module))
    return module


def told(module: types.ModuleType) -> str:
    names = {name: value for name, value in vars(module).items() if not name.startswith("__")}
    kinds = {name: value for name, value in vars(module.Shelf).items() if name[0] != "_"}
    cached = module.remembered.cache_info().currsize
    shown = {**names, "letters": sorted(names["letters"])}
    return repr([sorted(map(str, shown.items())), kinds, vars(module.shelf), cached])


@pytest.mark.parametrize("change", CHANGES)
def test_everything_that_a_candidate_changes_in_a_module_is_put_back(change: str) -> None:
    module = content()
    before = told(module)
    state = SharedState([module])
    for _ in range(2):
        exec(CHANGES[change], vars(module))
        assert told(module) != before
        state.put_back()
        assert told(module) == before


def test_what_has_not_changed_keeps_its_identity() -> None:
    module = content()
    held = dict(vars(module))
    SharedState([module]).put_back()
    assert all(vars(module)[name] is value for name, value in held.items())


def test_surroundings_are_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEPT", "1")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    streams, path, depth = (sys.stdin, sys.stdout), list(sys.path), sys.getrecursionlimit()
    surroundings = Surroundings(str(scratch))
    os.environ["KEPT"] = "2"
    os.environ["ADDED"] = "3"
    sys.path.insert(0, "elsewhere")
    sys.setrecursionlimit(depth + 1)
    (scratch / "folder").mkdir()
    (scratch / "folder" / "file").write_text("x")
    (scratch / "link").symlink_to(scratch / "folder")
    os.chdir("/")
    sys.stdin = sys.stdout = None
    is_same = surroundings.put_back()
    assert (sys.stdin, sys.stdout) == streams
    assert is_same
    assert (sys.path, sys.getrecursionlimit()) == (path, depth)
    assert Path.cwd() == tmp_path
    assert os.environ["KEPT"] == "1"
    assert "ADDED" not in os.environ
    assert list(scratch.iterdir()) == []


def test_what_cannot_be_put_back_is_told() -> None:
    surroundings = Surroundings()
    released = threading.Event()
    thread = threading.Thread(target=released.wait)
    thread.start()
    assert not surroundings.put_back()
    released.set()
    thread.join()
    assert surroundings.put_back()


def test_changes_are_taken_back_in_reverse_order() -> None:
    module = content()
    before = told(module)
    changes = Changes()
    changes.item(vars(module), "flag", 1)
    changes.item(vars(module), "flag", 2)
    changes.item(vars(module), "new", 3)
    changes.attribute(module.Shelf, "kind", "steel")
    changes.attribute(module.Shelf, "colour", "red")
    changes.refill(module.names, {"three": 3})
    changes.refill(module.queue, [9])
    assert told(module) != before
    changes.take_back()
    assert told(module) == before


def test_a_pytest_that_does_not_tell_its_version_knows_no_paths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert knows_paths()
    monkeypatch.delattr(pytest, "version_tuple")
    assert not knows_paths()
