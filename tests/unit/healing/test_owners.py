"""Owners as CODEOWNERS names them, by the rules that GitHub and GitLab document."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic.event import Frame
from paramedic_workers.healing.model import IncidentBrief
from paramedic_workers.healing.owners import MAX_BYTES, MAX_OWNERS, CodeOwners, owners_of
from tests.support.results import make_result, make_unhealed

#: Each of these lines stands, by its meaning, in GitHub's documentation of code owners.
GITHUB = """\
# a comment
*       @all @everybody/else
*.js    @js #an inline comment
*.go    docs@shop.example
/build/logs/ @logs
docs/*  @docs-files
apps/   @apps
/shop/  @shop
/shop/github
/scripts/ @one @two
**/traces @traces
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("deep/down/file.rb", "@all @everybody/else"),
        ("deep/down/file.js", "@js"),
        ("main.go", "docs@shop.example"),
        ("build/logs/a/b.txt", "@logs"),
        ("x/build/logs/b.txt", "@all @everybody/else"),
        ("docs/start.md", "@docs-files"),
        ("docs/more/start.md", "@all @everybody/else"),
        ("x/docs/start.md", "@all @everybody/else"),
        ("apps/a.py", "@apps"),
        ("x/y/apps/z/a.py", "@apps"),
        ("apps", "@all @everybody/else"),
        ("shop/cart/total.py", "@shop"),
        ("shop/github/a.py", ""),
        ("shop/github", ""),
        ("scripts/run", "@one @two"),
        ("build/traces/x", "@traces"),
        ("traces/x", "@traces"),
        ("Main.GO", "@all @everybody/else"),
    ],
)
def test_the_last_line_that_matches_counts(path: str, owners: str) -> None:
    assert " ".join(CodeOwners.parse(GITHUB).of(path)) == owners


GITLAB = """\
* @all
path\\ with\\ spaces/ @spaces
\\#odd.py @odd
/docs/**/*.md @writers
LICENSE @legal this does not match ada@shop.example

[Cart] @cart
cart/
cart/special.py @@maintainer
!cart/generated.py

^[Texts][2] @group/sub/texts
*.md
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("path with spaces/a.py", "@spaces"),
        ("#odd.py", "@odd"),
        ("docs/a.md", "@writers @group/sub/texts"),
        ("docs/b/c/a.md", "@writers @group/sub/texts"),
        ("LICENSE", "@legal ada@shop.example"),
        ("cart/a.py", "@all @cart"),
        ("cart/special.py", "@all @@maintainer"),
        ("cart/generated.py", "@all"),
    ],
)
def test_sections_of_gitlab_count_each_for_itself(path: str, owners: str) -> None:
    assert " ".join(CodeOwners.parse(GITLAB).of(path)) == owners


@pytest.mark.parametrize(
    "line", ["[a-z].py @range", "@nobody", "a.py", "a.py nobody <b>@x</b>", "a.py #@comment"]
)
def test_what_is_no_owner_or_no_pattern_owns_nothing(line: str) -> None:
    assert CodeOwners.parse(line).of("a.py") == ()


def test_a_pattern_made_to_be_slow_is_not() -> None:
    slow = "/".join(["**"] * 200) + "/" + "*a" * 100 + "b @x"
    assert CodeOwners.parse(slow).of("/".join(["a" * 100] * 50)) == ()


# --- of a result


def tree(root: Path, text: str, place: str = "CODEOWNERS") -> Path:
    file = root / place
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return root


RULES = "shop/ @shop\ntests/ @tests\napi.py @api\n"


def test_a_patch_belongs_to_the_owners_of_its_files(tmp_path: Path) -> None:
    assert owners_of(tree(tmp_path, RULES), make_result(), ()) == ("@shop",)


def test_without_a_patch_the_test_and_the_innermost_frame_count(tmp_path: Path) -> None:
    result = make_unhealed()
    frames = tuple(
        Frame(file=file, function="f", line=1, in_app=in_app)
        for file, in_app in (("shop/a.py", True), ("shop/api.py", True), ("lib/x.py", False))
    )
    brief = IncidentBrief(fingerprint=result.incident, test=None, frames=frames)
    found = owners_of(tree(tmp_path, RULES), result, (brief,))
    assert found == ("@tests", "@api")


def test_node_ids_are_relative_to_the_folder_of_the_tests(tmp_path: Path) -> None:
    root = tree(tmp_path, "/backend/ @backend")
    assert owners_of(root, make_unhealed(), (), "backend") == ("@backend",)


def test_the_first_place_counts(tmp_path: Path) -> None:
    places = (".gitlab/CODEOWNERS", "docs/CODEOWNERS", "CODEOWNERS", ".github/CODEOWNERS")
    for number, place in enumerate(places):
        tree(tmp_path, f"* @place-{number}", place)
        assert owners_of(tmp_path, make_result(), ()) == (f"@place-{number}",)


def test_nothing_about_the_file_is_an_error(tmp_path: Path) -> None:
    assert owners_of(tmp_path, make_result(), ()) == ()
    (tmp_path / "CODEOWNERS").write_bytes(b"\xff\x00 \n* @\xff\n" + b"shop/ @shop\n")
    assert owners_of(tmp_path, make_result(), ()) == ("@shop",)
    assert owners_of(tmp_path, make_result(patch="no diff"), ()) == ()
    (tmp_path / "CODEOWNERS").write_text("* @a\n" + "#" * MAX_BYTES)
    assert owners_of(tmp_path, make_result(), ()) == ()
    (tmp_path / "CODEOWNERS").unlink()
    (tmp_path / "CODEOWNERS").symlink_to("/etc/hostname")
    assert owners_of(tmp_path, make_result(), ()) == ()


def test_owners_are_bounded(tmp_path: Path) -> None:
    many = " ".join(f"@a{number}" for number in range(100))
    assert len(owners_of(tree(tmp_path, f"* {many}"), make_result(), ())) == MAX_OWNERS
