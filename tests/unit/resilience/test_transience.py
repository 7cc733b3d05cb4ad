"""Troubles that pass are told from those that do not."""

from __future__ import annotations

import errno

import pytest

from paramedic_workers.errors import EnvironmentBuildError, Phase, StorageFull, Verdict
from paramedic_workers.healing.boundary import failure_of
from paramedic_workers.healing.git import GitFailed
from paramedic_workers.resilience.transience import git_is_transient, install_is_transient


@pytest.mark.parametrize(
    "said",
    [
        "fatal: unable to access 'https://h/r/': Could not resolve host: h",
        "ssh: connect to host h port 22: Connection refused\nfatal: Could not read from remote"
        " repository.\n\nPlease make sure you have the correct access rights",
        "fatal: unable to access 'http://h/r/': The requested URL returned error: 503",
        "fatal: unable to access 'http://h/r/': The requested URL returned error: 429",
        "fatal: unable to access 'http://h/r/': Failed to connect to h port 80: Timed out",
        "error: RPC failed; curl 56 Recv failure: Connection reset by peer\nfatal: early EOF",
        "fatal: the remote end hung up unexpectedly",
        "Connection closed by 10.0.0.1 port 22",
        "error: cannot lock ref 'refs/heads/x': Unable to create"
        " '/r/refs/heads/x.lock': File exists.",
        "fatal: it took longer than 120 seconds",
    ],
)
def test_gits_passing_troubles(said: str) -> None:
    assert git_is_transient(said)
    assert GitFailed("fetch", 128, said).transient


@pytest.mark.parametrize(
    "said",
    [
        "fatal: Authentication failed for 'https://h/r/'",
        "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
        "remote: Repository not found.\nfatal: repository 'https://h/r/' not found",
        "fatal: unable to access 'https://h/r/': The requested URL returned error: 403",
        "fatal: couldn't find remote ref refs/heads/gone",
        "fatal: '/nowhere' does not appear to be a git repository",
        "remote: error: GH006: Protected branch update failed",
        "! [rejected] x -> x (stale info)",
        "error: cannot lock ref 'refs/heads/x': is at a1 but expected b2",
        "fatal: unable to access 'https://h/': SSL certificate problem",
        "something that nobody has seen before",
    ],
)
def test_gits_permanent_troubles(said: str) -> None:
    assert not git_is_transient(said)


@pytest.mark.parametrize(
    "said",
    [
        "error: Failed to fetch: `http://h/six/`\n  Caused by: HTTP status server error (503"
        " Service Unavailable) for url (http://h/six/)",
        "error: Request failed\n Caused by: error sending request for url (http://h/six/)",
        "Caused by: tcp connect error: Connection refused (os error 111)",
        "Caused by: dns error: failed to lookup address information",
        "HTTP status client error (429 Too Many Requests) for url (http://h/)",
        "Caused by: operation timed out",
    ],
)
def test_an_index_that_is_away_may_be_back(said: str) -> None:
    assert install_is_transient(said)


@pytest.mark.parametrize(
    "said",
    [
        "No solution found when resolving dependencies: Because sixx was not found in the"
        " package registry",
        "error: Hash mismatch for `six==1.0`",
        "error: Failed to build `shop`\n  The build backend returned an error\n SyntaxError",
        "HTTP status client error (404 Not Found) for url (http://h/)",
        "HTTP status client error (401 Unauthorized) for url (http://h/)",
    ],
)
def test_what_cannot_be_installed_stays_so(said: str) -> None:
    assert not install_is_transient(said)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "/data/clones"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        GitFailed("fetch", 128, "fatal: write error: No space left on device"),
        EnvironmentBuildError("failed to write: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_named_whoever_met_it(error: BaseException) -> None:
    failure = failure_of(error, Phase.PREPARE)
    assert isinstance(failure.error, StorageFull)
    assert failure.error.transient
    assert failure.verdict is Verdict.ENVIRONMENT
    assert "No space is left" in failure.cause.message
    assert "cache_limit" in failure.cause.message
    assert str(error) in failure.cause.traceback
