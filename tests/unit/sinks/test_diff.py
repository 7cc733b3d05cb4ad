"""Unified diffs as files and numbered lines."""

from __future__ import annotations

from paramedic_workers.sinks.diff import LineKind, parse_diff

DIFF = """\
diff --git a/shop/cart.py b/shop/cart.py
index 1..2 100644
--- a/shop/cart.py
+++ b/shop/cart.py
@@ -10,3 +10,3 @@ def total(self):
 kept
--- a comment in SQL
+new
 kept too
@@ -30 +30,2 @@
-last
+last
+one more
\\ No newline at end of file
diff --git a/old.py b/old.py
--- a/old.py
+++ /dev/null
@@ -1 +0,0 @@
-gone
--- /dev/null\t2026-01-01
+++ b/new.py\t2026-01-01
@@ -0,0 +1 @@
+come
"""


def test_files_are_told_apart_and_counted() -> None:
    files = parse_diff(DIFF)
    assert [(f.path, f.added, f.removed) for f in files] == [
        ("shop/cart.py", 3, 2),
        ("old.py", 0, 1),
        ("new.py", 1, 0),
    ]


def test_lines_carry_their_numbers_before_and_after() -> None:
    lines = parse_diff(DIFF)[0].lines
    assert [(line.kind, line.old, line.new) for line in lines] == [
        (LineKind.HUNK, None, None),
        (LineKind.KEPT, 10, 10),
        (LineKind.REMOVED, 11, None),
        (LineKind.ADDED, None, 11),
        (LineKind.KEPT, 12, 12),
        (LineKind.HUNK, None, None),
        (LineKind.REMOVED, 30, None),
        (LineKind.ADDED, None, 30),
        (LineKind.ADDED, None, 31),
    ]
    assert lines[0].text == "def total(self):"
    assert lines[2].text == "-- a comment in SQL"


def test_what_is_no_diff_has_no_files() -> None:
    assert parse_diff("") == ()
    assert parse_diff("nothing\nof the kind") == ()
