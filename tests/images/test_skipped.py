from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from atlas.images import SkippedImage, summarise
from atlas.images.skipped import encodable, one_line, unique


def test_the_report_counts_and_names_each_image_with_its_reason() -> None:
    text = summarise([SkippedImage("a/b.jpg", "the file is empty"), SkippedImage("c.png", "truncated")], 1030)
    assert text.splitlines() == [
        "2 of 1,030 images skipped:",
        "  a/b.jpg: the file is empty",
        "  c.png: truncated",
    ]


def test_the_report_says_when_nothing_was_skipped() -> None:
    assert summarise([], 1) == "Nothing was skipped: 1 image read."


def test_a_name_can_neither_break_a_line_nor_drive_a_terminal() -> None:
    text = summarise([SkippedImage("a\n\x1b[2J\u202e\udcff<b>'é'.jpg", "broken\r")], 1)
    assert text.splitlines()[1] == "  a\\n\\x1b[2J\\u202e\\udcff<b>'é'.jpg: broken\\r"


@given(st.text(st.characters()))
def test_any_name_prints_on_one_line(name: str) -> None:
    assert one_line(name).isprintable()
    assert len(f"x{one_line(name)}".splitlines()) == 1


@given(st.binary())
def test_any_file_name_can_be_stored(name: bytes) -> None:
    decoded = name.decode("utf-8", "surrogateescape")
    encodable(decoded).encode("utf-8")
    if max(decoded, default="") < "\udc80":
        assert encodable(decoded) == decoded


@given(st.lists(st.sampled_from(["a", "b", "a#2", "a#3", "b#2", "a#2#2"])))
def test_ids_become_distinct_and_single_ones_stay(ids: list[str]) -> None:
    result = unique(ids)
    assert len(set(result)) == len(ids)
    for before, after in zip(ids, result, strict=True):
        assert after.startswith(before)
        assert ids.count(before) > 1 or after == before
