"""Whether a failed import is the code's own mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic.event import Frame
from paramedic_workers.healing.model import TestOutcome, TestReport
from paramedic_workers.healing.outside import asked_by, missing_module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src" / "shop").mkdir(parents=True)
    (tmp_path / "src" / "shop" / "cart.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "message", "module"),
    [
        ("ModuleNotFoundError", "No module named 'requests'", "requests"),
        ("ModuleNotFoundError", "No module named 'google.cloud'", "google.cloud"),
        ("ImportError", "cannot import name 'Old' from 'requests' (/venv/requests.py)", "requests"),
        ("ModuleNotFoundError", "No module named 'tkinter'", "tkinter"),
        ("ModuleNotFoundError", "No module named 'shop.carts'", None),
        ("ImportError", "cannot import name 'total' from 'shop.cart' (shop/cart.py)", None),
        ("ModuleNotFoundError", "No module named 'colections'", None),
        ("NameError", "name 'requests' is not defined", None),
        ("AssertionError", "No module named 'requests'", None),
    ],
)
def test_only_a_module_that_is_nobodys_here_is_outside_the_code(
    root: Path, kind: str, message: str, module: str | None
) -> None:
    report = TestReport(
        test="tests/test_x.py", outcome=TestOutcome.FAILED, exception_type=kind, message=message
    )
    assert missing_module(report, root) == module


@pytest.mark.parametrize(
    ("frames", "traceback", "asker"),
    [
        ((Frame(file="shop/a.py", function="f", line=3),), "", ("shop/a.py", 3)),
        (
            (),
            "tests/test_x.py:1: in <module>\n    from shop.a import f\n"
            "shop/a.py:2: in <module>\n    import requests\n"
            "/venv/lib/requests/__init__.py:7: in <module>\nE   ModuleNotFoundError",
            ("shop/a.py", 2),
        ),
        ((), "E   ModuleNotFoundError", None),
    ],
    ids=["by its frames", "by its traceback", "unknown"],
)
def test_who_asks_for_a_missing_module_is_the_innermost_own_file(
    frames: tuple[Frame, ...], traceback: str, asker: tuple[str, int] | None
) -> None:
    report = TestReport(
        test="tests/test_x.py",
        outcome=TestOutcome.FAILED,
        exception_type="ModuleNotFoundError",
        message="No module named 'requests'",
        traceback=traceback,
        frames=frames,
    )
    assert asked_by(report) == asker
