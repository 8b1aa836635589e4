"""Labels are spread over their regions; markers show where they point and do not hide each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from atlas.errors import AtlasError
from atlas.export.annotations import Marker, draw_labels, draw_markers, spread_labels, stamp
from atlas.export.board import plan_board

WHITE = (255, 255, 255)


@given(size=st.integers(1, 20), seed=st.integers(0, 1000), kinds=st.integers(1, 4))
def test_equal_labels_keep_apart_and_every_cell_has_one_near(size: int, seed: int, kinds: int) -> None:
    rng = np.random.Generator(np.random.Philox(seed))
    cells = np.flatnonzero(rng.random(size * size) < 0.7)
    labels = [f"class {kind}" for kind in rng.integers(0, kinds, len(cells))]
    chosen = spread_labels(cells, size, labels)
    places = np.stack(np.divmod(cells, size), axis=1)
    for row, label in enumerate(labels):
        same = [other for other in chosen if labels[other] == label]
        apart = np.abs(places[same] - places[row]).max(axis=1)
        assert apart.min() < 5
        assert row not in chosen or np.count_nonzero(apart < 5) == 1


def test_the_label_of_a_region_lies_well_inside_it() -> None:
    cells = np.arange(25)
    assert spread_labels(cells, 5, ["wok"] * 25) == [12]


def test_cells_without_a_label_get_none() -> None:
    assert spread_labels(np.array([0, 1]), 2, ["", ""]) == []
    assert spread_labels(np.array([], dtype=np.int64), 2, []) == []


def test_a_label_stays_inside_its_cell() -> None:
    board = plan_board(3, 64, title=False, footer=False)
    canvas = Image.new("RGB", board.size, "red")
    draw_labels(canvas, board, np.array([4]), ["an extraordinarily-long-winded label of many words"], dark=False)
    left, top = board.corner(4)
    touched = np.argwhere((np.asarray(canvas) != (255, 0, 0)).any(axis=2))
    assert len(touched) > 100
    assert touched.min(axis=0).tolist() >= [top, left]
    assert (touched.max(axis=0) < (top + board.pitch, left + board.pitch)).all()
    assert (touched.min(axis=0) >= (top, left)).all()


def test_labels_on_tiny_icons_are_refused_with_the_size_that_works() -> None:
    board = plan_board(3, 32, title=False, footer=False)
    with pytest.raises(AtlasError, match="use 40 or more"):
        draw_labels(Image.new("RGB", board.size), board, np.array([4]), ["wok"], dark=False)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("place", [(0, 0), (1, 1), (0.25, 0.75), (1, 0)])
def test_a_ring_surrounds_the_place_it_marks(mode: str, place: tuple[float, float]) -> None:
    board = plan_board(10, 40, title=True, footer=False)
    canvas = Image.new(mode, board.size, WHITE)
    draw_markers(canvas, board, [Marker(*place, text="", colour="#0000ff")])
    blue = np.argwhere((np.asarray(canvas)[:, :, :3] == (0, 0, 255)).all(axis=2))
    middle = (blue.min(axis=0) + blue.max(axis=0) + 1) / 2
    assert np.abs(middle[::-1] - board.point(*place)).max() <= 1


def test_texts_of_near_markers_do_not_cover_each_other() -> None:
    board = plan_board(10, 40, title=False, footer=False)
    alone, together = (Image.new("RGB", board.size, WHITE) for _ in range(2))
    markers = [Marker(0.5, 0.5, "first", "#0000ff"), Marker(0.53, 0.5, "second", "#ff0000")]
    draw_markers(alone, board, markers[:1])
    draw_markers(together, board, markers)

    def area(image: Image.Image, colour: tuple[int, int, int]) -> int:
        return int((np.abs(np.asarray(image).astype(int) - colour).max(axis=2) < 20).sum())

    assert area(together, (0, 0, 255)) > 0.8 * area(alone, (0, 0, 255))
    assert area(together, (255, 0, 0)) > 0.8 * area(alone, (0, 0, 255))


@pytest.mark.parametrize("x", [0.0, 0.5, 1.0])
def test_a_text_too_long_for_its_place_stays_in_the_picture(x: float) -> None:
    board = plan_board(1, 16, title=False, footer=False)
    canvas = Image.new("RGB", board.size, WHITE)
    draw_markers(canvas, board, [Marker(x, x, "a very long name indeed", "black")])
    assert (np.asarray(canvas) != 255).any()


def test_markers_outside_the_atlas_or_in_no_colour_are_refused() -> None:
    board = plan_board(4, 40, title=False, footer=False)
    canvas = Image.new("RGB", board.size)
    for marker, message in (
        (Marker(1.01, 0.5, "far"), "places are in"),
        (Marker(float("nan"), 0.5, "nowhere"), "places are in"),
        (Marker(0.5, 0.5, "odd", "blurple"), '"blurple" is no colour'),
    ):
        with pytest.raises(AtlasError, match=message):
            draw_markers(canvas, board, [marker])


@pytest.mark.parametrize(("left", "top"), [(-3, -3), (8, 8), (3, -2), (50, 0), (-50, 0)])
def test_an_overlay_over_the_edge_is_cut_off(left: int, top: int) -> None:
    for mode in ("RGB", "RGBA"):
        canvas = Image.new(mode, (10, 10), WHITE)
        stamp(canvas, Image.new("RGBA", (5, 5), (0, 0, 0, 255)), left, top)
        expected = np.full((10, 10, 3), 255, np.uint8)
        expected[max(0, top) : max(0, top + 5), max(0, left) : max(0, left + 5)] = 0
        assert np.array_equal(np.asarray(canvas)[:, :, :3], expected)
