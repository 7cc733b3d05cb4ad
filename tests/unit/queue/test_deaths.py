"""How a process ended, in words."""

from __future__ import annotations

import pytest

from paramedic_workers.deaths import exit_status, words_for_exit


@pytest.mark.parametrize(
    ("told", "status", "words"),
    [
        ("Worker exited prematurely: signal 11 (SIGSEGV) Job: 3.", -11, "killed by SIGSEGV"),
        ("Worker exited prematurely: exitcode 3.", 3, "ended with exit status 3"),
        ("Worker exited prematurely: KeyboardInterrupt.", None, "died"),
        ("signal 63", -63, "killed by signal 63"),
    ],
)
def test_what_the_pool_tells_becomes_words(told: str, status: int | None, words: str) -> None:
    assert exit_status(told) == status
    assert words_for_exit(status).startswith(words)
