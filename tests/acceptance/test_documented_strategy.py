"""The strategy that docs/extend.md shows heals a real checkout."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.support.command_line import LEAN_PYTEST, CommandLine
from tests.support.documents import code_block, install
from tests.support.repositories import make_repository

FILES = {
    "diary.py": "from datetime import date\n\n\ndef first_day(lines):\n"
    "    days = []\n    for text in lines:\n        days.append(date.fromisoformat(text))\n"
    "    return min(days)\n",
    "test_diary.py": "from datetime import date\n\nfrom diary import first_day\n\n\n"
    "def test_first_day():\n"
    "    assert first_day(['2026-03-02\\n', '2026-03-01\\n']) == date(2026, 3, 1)\n\n\n"
    "def test_one_day():\n    assert first_day(['2026-03-02']) == date(2026, 3, 2)\n",
    "pyproject.toml": LEAN_PYTEST,
    ".gitignore": "__pycache__/\n.pytest_cache/\n",
}


def test_the_documented_strategy_is_found_tried_and_proved(tmp_path: Path) -> None:
    source = code_block("extend.md", "python", "class StripStrategy")
    project = code_block("extend.md", "toml", "paramedic_strip:StripStrategy")
    install(tmp_path / "site", "paramedic-strip", "paramedic_strip", source, project)
    make_repository(tmp_path / "diary", FILES)
    (tmp_path / "paramedic.toml").write_text(
        f'[targets.diary]\nrepository = "diary"\npython = "{sys.executable}"\n'
        'strategies = ["strip"]\n'
    )
    paramedic = CommandLine(tmp_path)
    done = paramedic.run("heal", "diary", "--json", PYTHONPATH=str(tmp_path / "site"))
    assert done.returncode == 0, done
    (result,) = json.loads(done.stdout)["results"]
    assert (result["strategy"], result["verdict"]) == ("strip", "healed")
    assert "+        days.append(date.fromisoformat(text.strip()))" in result["patch"]
    assert result["reasons"][0] == "The text is stripped before it is read as a date."
