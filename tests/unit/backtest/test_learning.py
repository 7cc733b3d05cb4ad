"""From what was seen of each template to a factor for its prior."""

from __future__ import annotations

from paramedic_workers.backtest.learning import factors
from paramedic_workers.priors import GREATEST, LEAST
from paramedic_workers.repair.templates import TEMPLATES

FREQUENT, RARE = TEMPLATES[0].name, TEMPLATES[1].name


def test_nothing_seen_changes_nothing() -> None:
    assert set(factors({}).values()) == {1.0}
    assert set(factors({})) == {template.name for template in TEMPLATES}


def test_a_template_that_is_seen_more_often_comes_earlier() -> None:
    found = factors({FREQUENT: 4})
    assert found[FREQUENT] > 1.0 > found[RARE]


def test_one_fix_is_no_rule() -> None:
    once, often = factors({FREQUENT: 1}), factors({FREQUENT: 6})
    assert 1.0 < once[FREQUENT] < 1.5 < often[FREQUENT]


def test_no_factor_hides_a_template() -> None:
    found = factors({FREQUENT: 1_000})
    assert found[FREQUENT] == GREATEST
    assert found[RARE] >= LEAST
