"""Whether a target has changed since a letter was kept, as its repository says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from paramedic_workers.dead_letters.changes import TargetChanges, main_head
from paramedic_workers.dead_letters.criteria import Criteria
from paramedic_workers.dead_letters.model import DeadLetter, Original, Reason
from paramedic_workers.dead_letters.selection import Selection, select
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.errors import RepositoryError
from paramedic_workers.settings import TargetSettings
from tests.support.queueing import Flow
from tests.support.repositories import Repository, make_repository

LONG_AGO, LATER = datetime(2001, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path / "shop", {"shop.py": "x = 1\n"})


def changes(repository: Path | str) -> TargetChanges:
    target = TargetSettings(name="shop", repository=str(repository))
    return TargetChanges(targets={"shop": target})


def letter(number: int = 1, **changed: Any) -> DeadLetter:
    values: dict[str, Any] = {
        "id": f"{number:032x}",
        "at": LONG_AGO,
        "reason": Reason.ERROR,
        "queue": "paramedic.heal",
        "target": "shop",
        "error_type": "RuntimeError",
        "message": "It broke.",
        "original": Original(body=b""),
    }
    return DeadLetter(**{**values, **changed})


def test_a_commit_after_the_letter_is_a_change(repository: Repository) -> None:
    look = changes(repository.path)
    head = repository.git("rev-parse", "HEAD").strip()
    assert look.since(letter(revision="1f" * 20))
    assert look.since(letter())
    assert not look.since(letter(revision=head)), "the same commit"
    assert not look.since(letter(at=LATER)), "an older commit"


def test_a_repository_elsewhere_is_asked_by_its_url(repository: Repository) -> None:
    head = main_head(TargetSettings(name="shop", repository=f"file://{repository.path}"))
    assert head.commit == repository.git("rev-parse", "HEAD").strip()
    assert head.at.year > 2001


def test_what_cannot_be_known_is_said(tmp_path: Path) -> None:
    look = changes(tmp_path / "gone")
    with pytest.raises(RepositoryError, match="no repository"):
        look.since(letter())
    with pytest.raises(RepositoryError, match="bank"):
        look.since(letter(target="bank"))


def test_letters_are_chosen_by_it(repository: Repository, flow: Flow) -> None:
    store = DeadLetters(flow.client)
    head = repository.git("rev-parse", "HEAD").strip()
    store.keep(letter(1))
    store.keep(letter(2, revision=head, at=LATER))
    store.keep(letter(3, target="bank", at=LATER))
    store.keep(letter(4))
    look = changes(repository.path).since
    chosen = select(store, Selection(), look)
    assert sorted(chosen.ids) == [letter(1).id, letter(4).id]
    assert [doubt for doubt in chosen.doubts if "bank" in doubt] == list(chosen.doubts)
    assert len(chosen.doubts) == 1
    first = select(store, Selection(criteria=Criteria(limit=1)), look)
    assert len(first.ids) == 1, "the limit counts what is chosen, not what is looked at"
    by_id = select(store, Selection(ids=(letter(2).id, letter(1).id)), look)
    assert by_id.ids == (letter(1).id,)
