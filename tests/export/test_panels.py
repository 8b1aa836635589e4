"""Panels of classes as a picture: the same place in each of them."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.export.panels import render_panels

COLOURS = np.array([(200, 0, 0), (0, 160, 0), (0, 0, 200), (120, 120, 0)], dtype=np.uint8)
PX = 20


def icon(row: int) -> np.ndarray:
    return np.broadcast_to(COLOURS[row], (PX, PX, 3))


def found(picture: np.ndarray, row: int) -> tuple[int, int]:
    """Left and top of an icon."""
    y, x = np.nonzero((picture == COLOURS[row]).all(axis=2))
    assert len(y) == PX * PX, "all of it is there, once"
    return int(x.min()), int(y.min())


def test_the_same_place_is_in_the_same_place_of_every_panel_and_panels_of_few_classes_are_in_a_row() -> None:
    # 2 x 2 panels of 3 x 3 cells: row 1, column 1 in the first three, and row 2, column 2 in the first.
    cells = np.array([1 * 6 + 1, 1 * 6 + 4, 4 * 6 + 1, 2 * 6 + 2])
    picture = np.asarray(render_panels(6, cells, icon, ["a", "b", "c"], 2, icon_px=PX))
    (x0, y0), (x1, y1), (x2, y2) = (found(picture, row) for row in range(3))
    assert y0 == y1 == y2
    assert x1 - x0 == x2 - x1 > 2 * PX
    x, y = found(picture, 3)
    assert (x - x0, y - y0) == (PX, PX), "one cell further, there is no space between such small icons"


def test_where_other_classes_have_a_cell_there_is_an_empty_square() -> None:
    cells = np.array([0, 3])
    with_ghosts = np.asarray(render_panels(4, cells, icon, ["a", "b"], 2, icon_px=PX)).astype(int)
    # Each panel shows two places, of which it has one.
    middle = with_ghosts[found(with_ghosts, 0)[1] + PX // 2]
    plate = with_ghosts[found(with_ghosts, 0)[1], found(with_ghosts, 0)[0] + PX + 2]
    grey = np.ptp(middle, axis=1) == 0
    assert (middle[grey].mean(axis=1) < plate.mean() - 5).any()


@pytest.mark.parametrize("background", ["white", "black", "transparent"])
def test_panels_without_cells_are_drawn_too(background: str) -> None:
    picture = render_panels(4, np.array([], dtype=np.int64), icon, ["a", "b"], 2, icon_px=PX, background=background)
    assert picture.width > picture.height
    assert picture.info["Title"] == "a, b, side by side"
