"""Takes out of a project's pytest options what would get in the way of the healer.

What stops early, reorders, forks, waits for a person or measures is left out, whether
the plug-in that it belongs to is installed or not; all the rest may be needed and stays.
"""

from __future__ import annotations

#: Options that take no value and stop early, reorder, fork, wait or measure.
FLAGS = frozenset(
    [
        "-x",
        "--exitfirst",
        "--lf",
        "--last-failed",
        "--ff",
        "--failed-first",
        "--nf",
        "--new-first",
        "--cache-clear",
        "--sw",
        "--stepwise",
        "--sw-skip",
        "--stepwise-skip",
        "--sw-reset",
        "--stepwise-reset",
        "--pdb",
        "--trace",
        "--co",
        "--collect-only",
        "--collectonly",
        "--forked",
        "--boxed",
        "--looponfail",
        "--cov-append",
        "--cov-branch",
        "--no-cov",
        "--no-cov-on-fail",
    ]
)
#: The same with a value.
WITH_VALUE = frozenset(
    [
        "-n",
        "--numprocesses",
        "--maxprocesses",
        "--max-worker-restart",
        "--dist",
        "--tx",
        "--rsyncdir",
        "--maxfail",
        "--lfnf",
        "--last-failed-no-failures",
        "--pdbcls",
        "--color",
        "--tb",
        "--reruns",
        "--reruns-delay",
        "--only-rerun",
        "--cov-report",
        "--cov-config",
        "--cov-fail-under",
        "--cov-context",
        "--randomly-seed",
        "--random-order-seed",
        "--random-order-bucket",
    ]
)
#: The same with a value that may be left out.
WITH_OPTIONAL_VALUE = frozenset(["--cov"])
#: What selects tests: has no say where tests are named.
SELECTING = frozenset(["-k", "-m", "--deselect"])
#: Single letters that take a value, so that none of the letters after them is an option.
LETTERS_WITH_VALUE = "ckmnoprW"


def without_harmful(arguments: list[str], *, selecting: bool) -> list[str]:
    """The arguments without those that stop early, reorder, fork, wait or measure.

    `selecting`: also without those that select tests. Single letters come out one by one.
    """
    with_value = WITH_VALUE | SELECTING if selecting else WITH_VALUE
    kept: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, _ = word.partition("=")
        if word == "--":
            return [*kept, word, *rest]
        if is_cluster(word):
            rest[:0] = spelled_out(word)
        elif name in FLAGS:
            pass
        elif name in with_value or name in WITH_OPTIONAL_VALUE:
            needed = name in with_value or (rest and not rest[0].startswith("-"))
            if not equals and needed:
                del rest[:1]
        else:
            kept.append(word)
    return kept


def is_cluster(word: str) -> bool:
    """Whether a word is several single-letter options, or one with its value."""
    return len(word) > 2 and word[0] == "-" and word[1] != "-" and " " not in word


def spelled_out(word: str) -> list[str]:
    """The options of a cluster, one by one: `-xvn4` becomes `-x`, `-v`, `-n`, `4`."""
    words = []
    for index, letter in enumerate(word[1:], 1):
        words.append("-" + letter)
        if letter in LETTERS_WITH_VALUE:
            return [*words, word[index + 1 :]] if word[index + 1 :] else words
    return words


def names_of(nodeid: str) -> set[str]:
    """All names that stand for a test: its own, its functions, classes, file and folders."""
    # A file may have a bracket in its name, and parameters may hold anything.
    file, colons, rest = nodeid.partition("::")
    parts = [file, *(rest.partition("[")[0].split("::") if colons else [])]
    names = {"::".join(parts[: length + 1]) for length in range(len(parts))}
    folders = parts[0].split("/")[:-1]
    names |= {"/".join(folders[: length + 1]) for length in range(len(folders))}
    return names | {nodeid, "."}
