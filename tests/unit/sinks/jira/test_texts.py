"""What a ticket says, and templates of somebody's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from paramedic_workers.errors import Phase, SettingsError, Verdict
from paramedic_workers.results import Cause, ProofStep, decode_result
from paramedic_workers.sinks.jira.attachments import LIMIT as FILE_LIMIT
from paramedic_workers.sinks.jira.cutting import LIMIT, written_length
from paramedic_workers.sinks.jira.documents import CodeBlock, Document, Heading
from paramedic_workers.sinks.jira.samples import sample_views
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.templating import FILTERS, TemplateName
from paramedic_workers.sinks.jira.texts import Texts, context_of
from paramedic_workers.sinks.jira.view import TicketView
from paramedic_workers.sinks.jira.wiki import to_wiki
from tests.support.results import PATCH, make_result, make_unhealed

TEXTS = Texts.load(JiraSettings())
SECRET = "https://ada:pa55@git.example/shop?token=t0ken"


def words(document: Document) -> str:
    """What a reader sees, roughly."""
    return to_wiki(document).replace("\\", "").replace("&#95;", "_").replace("&#58;", ":")


def full(verdict: Verdict) -> TicketView:
    return next(view for view in sample_views() if view.result.verdict is verdict)


def test_a_description_tells_everything() -> None:
    said = words(TEXTS.description(full(Verdict.HEALED)))
    for expected in (
        "Healed.",
        "A fix was found and proved.",
        "17×",
        "2026-03-01 12:00 UTC",
        "0123456789ab",
        "high",
        "@cart-team",
        "AssertionError",
        "tests/test_cart.py::test_total",
        "tests/test_cart.py::test_sum",
        "E   assert 3 == 5",
        "+    return sum(self.prices)",
        "It is the only candidate that passes.",
        "1 other patch",
        "git fetch origin paramedic/3f9ac1d2e4b5a697c8d0",
        "with the patch, run 1 of 3",
        "SHOP-7",
        "https://git.example/shop/tree/x",
        "heal.log, fix.patch, result.json, report.html",
        "The fix is on the main branch",
    ):
        assert expected in said, expected


@pytest.mark.parametrize(
    ("verdict", "advice"),
    [
        (Verdict.PROPOSED, "Read the patch"),
        (Verdict.UNHEALED, "innermost frame"),
        (Verdict.FLAKY, "state that tests share"),
        (Verdict.ENVIRONMENT, "paramedic config check"),
        (Verdict.FAILED, "paramedic dead-letters replay --target shop"),
    ],
)
def test_who_is_left_with_a_failure_is_told_what_to_do(verdict: Verdict, advice: str) -> None:
    said = words(TEXTS.description(full(verdict))).replace("&#45;", "-")
    assert advice in said


def test_without_a_branch_the_patch_is_the_way_to_take_it() -> None:
    view = TicketView(result=make_result(branch=None, unpublished="there is no remote"))
    said = words(TEXTS.description(view))
    assert "git apply fix.patch" in said
    assert "there is no remote" in said
    assert "git fetch" not in said


def test_a_huge_result_fits_and_says_where_the_whole_is() -> None:
    lines = "\n".join(f"{{line}} {number} | \\ 🎉" for number in range(30_000))
    result = make_result(
        patch=PATCH + "".join(f"+{line}\n" for line in lines.split("\n")),
        cause=Cause(phase=Phase.REPRODUCE, type="E" * 900, message=lines, traceback=lines),
        failing_tests=tuple(f"tests/test_{n}.py::test_{'x' * 200}" for n in range(500)),
        proof=(ProofStep(experiment="run" * 99, observation="seen" * 99, holds=True),) * 300,
        reasons=("because" * 99,) * 100,
    )
    description = TEXTS.description(TicketView(result=result))
    assert written_length(description) <= LIMIT
    blocks = [block for block in description.content if isinstance(block, CodeBlock)]
    assert "all of it is in heal.log" in blocks[0].text
    assert "all of it is in fix.patch" in blocks[1].text
    # The ends are there: what ran, and what went wrong.
    assert "{line} 0 " in blocks[0].text
    assert "{line} 29999 " in blocks[0].text


def test_no_secret_and_no_escape_gets_into_any_text() -> None:
    odd = f"\x1b[31m{SECRET}\x00"
    result = make_result(
        cause=Cause(phase=Phase.REPRODUCE, type="E", message=odd, traceback=odd),
        summary=odd,
        patch=f"{PATCH}+{odd}\n",
        output=odd,
        log=odd,
        unpublished=odd,
        reasons=(odd,),
        proof=(ProofStep(experiment=odd, observation=odd, holds=False),),
    )
    view = TicketView(result=result)
    files = TEXTS.attachments(view)
    texts = (
        TEXTS.summary(view),
        to_wiki(TEXTS.description(view)),
        to_wiki(TEXTS.comment(make_unhealed(), view)),
        *(file.content.decode() for file in files),
    )
    for text in texts:
        assert "pa55" not in text
        assert "t0ken" not in text
    for text in texts[:3]:
        assert "\x1b" not in text
        assert "\x00" not in text
    assert files[1].content.startswith(b"# Credentials are replaced in this patch")


def test_a_comment_says_what_has_changed() -> None:
    before = make_unhealed()
    said = words(TEXTS.comment(before, TicketView(result=make_result())))
    assert "Unhealed → healed." in said
    assert "+    return cents - cents" in said
    assert "git fetch origin paramedic/3f9ac1d2e4b5a697c8d0" in said.replace("&#38;", "&")
    back = words(TEXTS.comment(make_result(), TicketView(result=before), reopened=True))
    assert "It fails again" in back
    assert "no longer counts" in back
    other = Cause(phase=Phase.REPAIR, type="KeyError", message="'x'")
    said = words(TEXTS.comment(before, TicketView(result=make_unhealed(cause=other))))
    assert "KeyError" in said
    assert "AssertionError" in said
    assert "→" not in said


def test_a_landed_fix_is_told_with_its_test() -> None:
    said = words(TEXTS.landed(full(Verdict.HEALED)))
    assert "The fix has landed." in said
    assert "since 2026-03-01 12:00 UTC" in said
    said = words(TEXTS.landed(full(Verdict.UNHEALED)))
    assert "landed" not in said  # there is none of ours
    assert "It is mended" in said


def test_a_fix_that_has_landed_need_not_be_taken() -> None:
    before = full(Verdict.HEALED)
    after = full(Verdict.ALREADY_FIXED)
    landed = replace(after, result=msgspec.structs.replace(after.result, patch=PATCH, branch="b"))
    assert TEXTS.comment(before.result, landed) == TEXTS.landed(landed)
    said = words(TEXTS.description(landed))
    assert "The fix" in said
    assert "+    return cents - cents" in said
    assert "git fetch" not in said


def test_the_files_hold_all_of_it() -> None:
    result = make_result(output="the output", log="prepare: cloned")
    files = {file.name: file for file in TEXTS.attachments(TicketView(result=result))}
    assert list(files) == ["heal.log", "fix.patch", "result.json", "report.html"]
    assert files["fix.patch"].content.decode() == PATCH
    assert decode_result(files["result.json"].content) == result
    log = files["heal.log"].content.decode()
    for part in ("prepare: cloned", result.cause.traceback, "the output", result.summary):
        assert part in log
    assert b"<!doctype html>" in files["report.html"].content
    assert all("/" in file.media_type for file in files.values())
    without = TEXTS.attachments(TicketView(result=make_unhealed()))
    assert [file.name for file in without] == ["heal.log", "result.json", "report.html"]


def test_a_patch_is_attached_byte_for_byte() -> None:
    patch = PATCH.replace("\n", "\r\n") + "+\x0cpage\n"
    (file,) = [
        file
        for file in TEXTS.attachments(TicketView(result=make_result(patch=patch)))
        if file.name == "fix.patch"
    ]
    assert file.content == patch.encode()


def test_files_stay_below_what_jira_takes() -> None:
    huge = "\x01" * 2_500_000  # six bytes each in JSON
    files = TEXTS.attachments(TicketView(result=make_unhealed(output=huge, log=huge)))
    assert all(0 < len(file.content) <= FILE_LIMIT for file in files)
    result = decode_result(files[1].content)
    assert "characters are left out here" in result.output


def own(folder: Path, **templates: str) -> Texts:
    for name, text in templates.items():
        (folder / TemplateName[name.upper()]).write_text(text)
    return Texts.load(JiraSettings(templates=str(folder)))


def test_a_template_of_ones_own_takes_the_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "_mine.html.j2").write_text("<p>by hand: {{ result.target }}</p>")
    texts = own(
        tmp_path,
        summary="[{{ prefix }}]\n ours: {{ subject }}:",
        description="{% include '_mine.html.j2' %}",
    )
    view = full(Verdict.HEALED)
    assert texts.summary(view) == "[HEALED] ours: 2 tests in tests/test_cart.py"
    assert to_wiki(texts.description(view)) == "by hand: shop"
    assert texts.comment(view.result, view) == TEXTS.comment(view.result, view)


@pytest.mark.parametrize(
    ("name", "text", "where", "why"),
    [
        ("summary", "a\n{% if %}", "summary.txt.j2, line 2", "Expected an expression"),
        ("summary", "\n\n{{ resul.target }}", "summary.txt.j2, line 3", "'resul' is undefined"),
        ("summary", "{{ result.bogus }}", "summary.txt.j2, line 1", "bogus"),
        ("summary", "{% if count > 5 %}x{% endif %}", "summary.txt.j2", "writes nothing"),
        ("summary", " : ", "summary.txt.j2", "writes nothing"),
        ("summary", "{{ 1 / 0 }}", "summary.txt.j2, line 1", "division by zero"),
        ("summary", "{{ fixed_since|minute }}", "summary.txt.j2, line 1", "astimezone"),
        ("summary", "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "summary.txt.j2", "depth"),
        ("description", "<marquee>x</marquee>", "description.html.j2", "<marquee>"),
        ("description", "{% include 'none.j2' %}", "description.html.j2, line 1", "none.j2"),
        ("comment", "<p>{{ incident.count }}</p>", "comment.html.j2, line 1", "count"),
        ("landed", "<p></p>", "landed.html.j2", "writes nothing"),
        ("landed", "{{ result.__class__.__mro__ }}", "landed.html.j2, line 1", "unsafe"),
    ],
)
def test_a_broken_template_is_refused_at_start(
    tmp_path: Path, name: str, text: str, where: str, why: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        own(tmp_path, **{name: text})
    assert f"{tmp_path}/{where}" in caught.value.message
    assert why in caught.value.message
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_a_template_that_is_none_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "sumary.txt.j2").write_text("x")
    with pytest.raises(SettingsError, match=r"sumary\.txt\.j2.*summary\.txt\.j2"):
        Texts.load(JiraSettings(templates=str(tmp_path)))
    with pytest.raises(SettingsError, match="is no folder"):
        Texts.load(JiraSettings(templates=str(tmp_path / "none")))
    (tmp_path / "sumary.txt.j2").rename(tmp_path / "summary.txt.j2")
    (tmp_path / "summary.txt.j2").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(SettingsError, match="cannot be read"):
        Texts.load(JiraSettings(templates=str(tmp_path)))


def test_a_template_that_fails_at_night_does_not_lose_the_ticket(tmp_path: Path) -> None:
    texts = own(tmp_path, summary="{{ 7 // (result.count - 4711) }} x")
    view = full(Verdict.HEALED)
    late = replace(view, result=msgspec.structs.replace(view.result, count=4711))
    with capture_logs() as logs:
        assert texts.summary(late) == TEXTS.summary(late)
    assert [entry["log_level"] for entry in logs] == ["error"]


def test_every_text_is_the_same_twice() -> None:
    view = full(Verdict.HEALED)
    assert TEXTS.description(view) == TEXTS.description(view)
    assert TEXTS.summary(view) == TEXTS.summary(view)


def test_what_templates_may_use_is_documented() -> None:
    page = (Path(__file__).parents[4] / "docs/jira.md").read_text()
    for name in (*TemplateName, *context_of(full(Verdict.HEALED)), *FILTERS):
        assert f"`{name}`" in page, name


def test_nothing_that_came_from_the_target_is_markup() -> None:
    odd = "</pre></li><h1>owned</h1> & <a href='https://evil.example'>x</a>"
    cause = Cause(phase=Phase.REPRODUCE, type="E", message=odd, traceback=odd)
    view = TicketView(result=make_unhealed(cause=cause, failing_tests=(odd,), owners=(odd,)))
    content = TEXTS.description(view).content
    assert [block.text for block in content if isinstance(block, CodeBlock)] == [odd]
    assert all(block.level > 1 for block in content if isinstance(block, Heading))
    assert "href='https" not in str(content).replace(odd, "")
    assert str(content).count(odd) >= 4
