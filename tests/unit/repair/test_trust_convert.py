"""Patches of a backtest become data for the fit: what is known, and no code."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.trust.convert import converted

ENTRY: dict[str, Any] = {
    "package": "shop",
    "commit": "0123456789abcdef",
    "rank": 0,
    "label": "equivalent",
    "chosen": False,
    "diff": "secret",
    "evidence": {"plausible": 2},
}


def test_a_label_becomes_the_truth_and_the_eye_knows_better() -> None:
    [by_label] = converted([ENTRY])
    assert by_label == {
        "source": "shop 0123456789",
        "label": "right",
        "real": True,
        "offered": False,
        "evidence": {"plausible": 2},
    }
    [by_eye] = converted([{**ENTRY, "eye": "wrong", "chosen": True}])
    assert (by_eye["label"], by_eye["offered"]) == ("wrong", True)


def test_what_is_not_known_is_left_out() -> None:
    unknown = [{**ENTRY, "label": "unknown"}, {**ENTRY, "evidence": {}}]
    assert list(converted(unknown)) == []
