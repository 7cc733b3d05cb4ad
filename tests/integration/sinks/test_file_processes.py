"""The file sink among processes: several that deliver at once, and one that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

from paramedic_workers.results import Result, decode_result, encode_result
from paramedic_workers.sinks.file import FileSink
from tests.support.results import make_result, make_unhealed
from tests.support.waiting import wait_for

DELIVER = """
import sys
from pathlib import Path
from paramedic_workers.results import decode_result
from paramedic_workers.sinks.file import FileSink

sink = FileSink(Path(sys.argv[1]))
results = [decode_result(Path(name).read_bytes()) for name in sys.argv[2:]]
print("ready", flush=True)
sys.stdin.readline()
for _ in range(5):
    for result in results:
        sink.deliver(result)
"""


def start(reports: Path, files: list[Path]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DELIVER, str(reports), *map(str, files)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def go(*processes: subprocess.Popen[str]) -> None:
    """Let all of them begin at the same time."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def kept(folder: Path, results: list[Result]) -> list[Path]:
    files = [folder / f"{number}.json" for number in range(len(results))]
    for file, result in zip(files, results, strict=True):
        file.write_bytes(encode_result(result))
    return files


def stray_files(reports: Path) -> list[Path]:
    return [file for file in reports.rglob(".new-*") if file.is_file()]


def test_two_processes_lose_no_result_of_one_incident(tmp_path: Path) -> None:
    first = make_result()
    results = [
        make_unhealed(
            started_at=first.started_at + timedelta(minutes=number), summary=f"try {number}"
        )
        for number in range(6)
    ]
    files = kept(tmp_path, results)
    reports = tmp_path / "reports"
    processes = [start(reports, files), start(reports, files[::-1])]
    go(*processes)
    assert [process.wait(60) for process in processes] == [0, 0]

    folder = FileSink(reports).folder(first.incident)
    assert decode_result((folder / "result.json").read_bytes()) == results[-1]
    history = {decode_result(file.read_bytes()).id for file in (folder / "history").iterdir()}
    assert history == {result.id for result in results[:-1]}
    assert "5 earlier results" in (folder / "report.html").read_text()
    assert "1 incident<" in (reports / "index.html").read_text()
    assert stray_files(reports) == []
    for process in processes:
        process.communicate()


def test_a_kill_leaves_whole_files_and_the_next_delivery_completes_them(tmp_path: Path) -> None:
    results = [make_result(incident=f"incident-{number}", log="x" * 50_000) for number in range(40)]
    files = kept(tmp_path, results)
    reports = tmp_path / "reports"
    process = start(reports, files)
    go(process)
    wait_for("some reports", lambda: len(list(reports.glob("*/result.json"))) > 5)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    for page in reports.rglob("*.html"):
        text = page.read_text()
        HTMLParser().feed(text)
        assert text.rstrip().endswith("</html>")
    for file in reports.rglob("result.json"):
        decode_result(file.read_bytes())
    (next(reports.glob("*/result.json")).parent / ".new-half").write_text("half a fi")

    sink = FileSink(reports)
    for result in results:
        sink.deliver(result)
    assert all((sink.folder(result.incident) / "report.html").exists() for result in results)
    assert stray_files(reports) == []
    assert "40 incidents" in (reports / "index.html").read_text()
