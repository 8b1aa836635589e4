"""Type in pictures: it fits, it stays on one line, it is smooth and it is there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.export.lettering import Lettering, plain

SMALL = Lettering(11)
LARGE = Lettering(60)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("crème brûlée", "creme brulee"),
        ("two\nlines\tand a \x07 bell", "two lines and a bell"),
        ("40 \u00d7 40 \u2014 fine", "40 x 40 - fine"),
        ("bad name \udce9", "bad name"),
        ("  ", ""),
    ],
)
def test_text_is_brought_to_letters_that_the_type_has(text: str, wanted: str) -> None:
    assert plain(text) == wanted


@given(text=st.text(max_size=60), width=st.integers(30, 300))
def test_text_cut_to_a_width_keeps_to_it(text: str, width: int) -> None:
    whole = plain(text)
    cut = SMALL.fit(whole, width)
    assert SMALL.width(cut) <= width
    assert cut == whole or (cut.endswith("…") and whole.startswith(cut[:-1]))


@given(text=st.text(max_size=80), width=st.integers(30, 200), lines=st.integers(1, 3))
def test_wrapped_text_keeps_to_width_and_lines(text: str, width: int, lines: int) -> None:
    wrapped = SMALL.wrap(text, width, lines)
    assert len(wrapped) <= lines
    assert all(0 < SMALL.width(line) <= width for line in wrapped)
    assert bool(wrapped) == bool(plain(text))


def test_words_go_to_the_next_line_whole() -> None:
    assert SMALL.wrap("great white shark", 70, 2) == ["great white", "shark"]
    assert SMALL.wrap("great white shark", 400, 2) == ["great white shark"]


@pytest.mark.parametrize("lettering", [SMALL, LARGE])
def test_no_letter_is_cut_off_at_an_edge(lettering: Lettering) -> None:
    ink = np.asarray(lettering.draw(["jgy|W_fQ(", "Wj"], (0, 0, 0)))[:, :, 3]
    assert ink.max() == 255
    for edge in (ink[0], ink[-1], ink[:, -1]):
        assert edge.max() < 60


def test_a_plate_is_solid_in_the_middle_and_round_at_the_corners() -> None:
    plate = np.asarray(SMALL.plate(["wok"], (0, 0, 0), (255, 0, 0, 200)))
    assert plate[0, 0, 3] < 60
    assert tuple(plate[plate.shape[0] // 2, 1]) == (255, 0, 0, 200)
    assert plate[:, :, 0].min() < 40, "the text is on it"
