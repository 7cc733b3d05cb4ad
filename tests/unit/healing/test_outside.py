"""Whether a failed import is the code's own mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic_workers.healing.model import TestOutcome, TestReport
from paramedic_workers.healing.outside import missing_module


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
