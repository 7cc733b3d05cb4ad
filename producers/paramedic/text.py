"""Text that fits: cut in the middle, saying how much; always writable; and counts in words."""

from __future__ import annotations


def cut_middle(text: str, limit: int) -> str:
    """At most `limit` characters of `text`: its beginning, a note of what was cut, its end.

    Args:
        text: any text.
        limit: greatest number of characters of the answer, at least 64.
    """
    if len(text) <= limit:
        return text
    note = f" … [{len(text) - limit} characters cut] … "
    kept = limit - len(note) - 4  # the number in the note grows by what the note itself takes
    note = f" … [{len(text) - kept} characters cut] … "
    head = kept // 2
    return f"{text[:head]}{note}{text[len(text) - (kept - head) :]}"


def writable(text: str) -> str:
    """The text itself, or, where it holds lone surrogates, with these written as escapes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def one_line(text: str, limit: int = 300) -> str:
    """The text with all white space as single spaces, cut to `limit` characters."""
    return cut_middle(" ".join(text.split()), limit)


def counted(number: int, one: str, many: str = "") -> str:
    """The number and the noun in its form: "1 test", "1,200 tests".

    Args:
        number: how many there are.
        one: the noun, or a phrase, for one of them.
        many: the same for several, where it is not `one` with an `s`.
    """
    return f"1 {one}" if number == 1 else f"{number:,} {many or one + 's'}"
