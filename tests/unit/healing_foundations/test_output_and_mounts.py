"""Output is bounded, credentials are not shown, and the mounts come in the safe order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paramedic_workers.errors import SandboxError
from paramedic_workers.healing.git import GitFailed
from paramedic_workers.healing.mounts import mount_arguments
from paramedic_workers.healing.processes import BoundedOutput


def _written(*chunks: bytes) -> str:
    output = BoundedOutput(limit=100)
    for chunk in chunks:
        os.write(output.descriptor, chunk)
    return output.text()


def test_short_output_is_kept_whole() -> None:
    assert _written(b"a" * 60, b"b" * 60, b"c" * 80) == "a" * 60 + "b" * 60 + "c" * 80


def test_of_long_output_the_beginning_and_the_end_are_kept() -> None:
    text = _written(b"begin" + b"x" * 20_000, b"y" * 20_000 + b"end")
    assert text.startswith("beginxxx")
    assert text.endswith("yyyend")
    assert "39808 bytes left out" in text
    assert len(text) < 300


def test_what_git_says_is_kept_without_credentials() -> None:
    assert "token" not in str(GitFailed("fetch", 128, "fatal: https://token@host/ not found"))


def _arguments(root: Path, *readable: Path) -> list[str]:
    return mount_arguments(root=root, readable=readable, writable=(), scratch=1000, network=False)


def test_the_private_folder_comes_before_what_lies_in_it(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: elsewhere")
    arguments = _arguments(tmp_path, tmp_path / "environment")
    tmpfs = arguments.index("/tmp", arguments.index("--tmpfs"))
    readable = arguments.index(str(tmp_path / "environment"))
    root = arguments.index(str(tmp_path), arguments.index("--bind"))
    administration = arguments.index(str(tmp_path / ".git"))
    assert tmpfs < readable < root < administration
    assert arguments[administration - 1] == "--ro-bind"
    assert arguments[-2:] == ["--remount-ro", "/"]


@pytest.mark.parametrize("path", [Path("/"), Path(), Path("relative/path")])
def test_the_root_of_everything_is_never_shown(tmp_path: Path, path: Path) -> None:
    with pytest.raises(SandboxError):
        _arguments(tmp_path, path)
