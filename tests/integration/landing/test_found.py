"""A fix is found on the main branch, whatever commits have brought it."""

from __future__ import annotations

from paramedic_workers.healing.git import Git
from paramedic_workers.landing.records import LandingHow
from tests.support.landing_scene import BAD, CART, look_at
from tests.support.repositories import Repository


def test_nothing_is_found_on_a_main_branch_without_it(
    shop: Repository, patch: str, revision: str
) -> None:
    assert look_at(shop).find(patch, revision) is None
    shop.commit({"README": "more"})
    assert look_at(shop).find(patch, revision) is None
    shop.commit({"cart.py": BAD + "more\n"})  # the same file, elsewhere
    assert look_at(shop).find(patch, revision) is None


def test_our_commit_is_found_where_it_was_merged(
    shop: Repository, patch: str, revision: str
) -> None:
    tree = shop.git("rev-parse", "paramedic/fix^{tree}")
    git = Git(directory=shop.path / ".git")
    ours = git.line("commit-tree", "-p", revision, "-F", "-", tree, stdin=b"Mend it")
    shop.commit({"README": "more"})
    shop.git("merge", "--quiet", "--no-ff", "--message", "Merge", ours)
    found = look_at(shop).find(patch, revision)
    assert found is not None
    assert (found.commit, found.how) == (ours, LandingHow.OUR_COMMIT)


def test_a_patch_that_git_would_write_otherwise_is_the_same(
    shop: Repository, patch: str, revision: str
) -> None:
    lines = patch.splitlines(keepends=True)
    bare = "".join(line for line in lines if not line.startswith(("diff ", "index ")))
    first, *_, last = bare.split(" line 12\n")
    narrow = first.replace("@@ -13,7 +13,7 @@", "@@ -14,6 +14,6 @@") + last
    picked = shop.commit({"cart.py": CART})
    for written in (bare, narrow):
        assert written != patch
        found = look_at(shop).find(written, revision)
        assert found is not None
        assert (found.commit, found.how) == (picked, LandingHow.SAME_PATCH)


def test_a_squashed_or_picked_fix_is_found_by_what_it_changes(
    shop: Repository, patch: str, revision: str
) -> None:
    shop.commit({"cart.py": "first\n" + BAD})  # so that its lines have other numbers
    shop.write({"cart.py": "first\n" + CART, "README": "squashed together"})
    squashed = shop.commit({}, "Squash")
    shop.commit({"README": "more"})
    found = look_at(shop).find(patch, revision)
    assert found is not None
    assert (found.commit, found.how) == (squashed, LandingHow.SAME_PATCH)


def test_a_fix_within_a_greater_change_is_found_by_its_lines(
    shop: Repository, patch: str, revision: str
) -> None:
    wider = shop.commit({"cart.py": CART.replace("line 13\n", "line 13, mended too\n")})
    found = look_at(shop).find(patch, revision)
    assert found is not None
    assert (found.commit, found.how) == (wider, LandingHow.SAME_LINES)


def test_another_change_of_the_same_lines_may_have_mended_it(
    shop: Repository, patch: str, revision: str
) -> None:
    other = shop.commit({"cart.py": CART.replace("line 15\n", "line 3 * 5\n")})
    found = look_at(shop).find(patch, revision)
    assert found is not None
    assert (found.commit, found.how) == (other, LandingHow.OTHER_CHANGE)


def test_a_revision_that_is_gone_from_the_repository_hinders_nothing(
    shop: Repository, patch: str
) -> None:
    landed = shop.commit({"cart.py": CART})
    found = look_at(shop).find(patch, "ab" * 20)
    assert found is not None
    assert found.commit == landed
