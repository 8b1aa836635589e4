"""Every point is in exactly one cell or outside, and grids nest."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from atlas.errors import AtlasError
from atlas.grid import OUTSIDE, cell_index, default_grids, default_min_count

SIZES = st.integers(1, 200)


def boundaries(size: int) -> list[np.float32]:
    """Coordinates on the lines of a grid, and the floats just below and above them."""
    lines = [np.float32(k / size) for k in range(size + 1)]
    around = [np.nextafter(line, np.float32(side)) for line in lines for side in (-1, 2)]
    return [*lines, *around]


@st.composite
def positions(draw: st.DrawFn) -> tuple[np.ndarray, int, int]:
    """Some points, a grid size, and how many times finer a second grid is."""
    size, factor = draw(st.integers(1, 60)), draw(st.integers(1, 5))
    anywhere = st.floats(-0.5, 1.5, width=32)
    special = st.sampled_from([*boundaries(size), *boundaries(size * factor), np.float32(np.nan)])
    points = hnp.arrays(np.float32, st.tuples(st.integers(0, 30), st.just(2)), elements=st.one_of(anywhere, special))
    return draw(points), size, factor


@given(positions())
def test_a_point_is_in_the_one_cell_whose_half_open_square_holds_it(case: tuple[np.ndarray, int, int]) -> None:
    xy, size, _ = case
    for (x, y), cell in zip(xy.astype(float), cell_index(xy, size), strict=True):
        if 0 <= x < 1 and 0 <= y < 1:
            row, column = divmod(int(cell), size)
            assert column <= x * size < column + 1
            assert row <= y * size < row + 1
        else:
            assert cell == OUTSIDE


@given(positions())
def test_a_cell_holds_exactly_the_members_of_its_children(case: tuple[np.ndarray, int, int]) -> None:
    xy, size, factor = case
    coarse, fine = cell_index(xy, size), cell_index(xy, size * factor)
    row, column = np.divmod(fine, size * factor)
    parent = np.where(fine == OUTSIDE, OUTSIDE, (row // factor) * size + column // factor)
    assert np.array_equal(parent, coarse)


@given(SIZES)
def test_the_frame_is_half_open(size: int) -> None:
    last = np.nextafter(np.float32(1), np.float32(0))
    xy = np.array([[0, 0], [last, last], [1, 0.5], [0.5, 1], [np.nextafter(np.float32(0), np.float32(-1)), 0]])
    assert cell_index(xy.astype(np.float32), size).tolist() == [0, size * size - 1, -1, -1, -1]


@pytest.mark.parametrize("size", [0, -3, 5000])
def test_a_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(AtlasError, match=str(size)):
        cell_index(np.zeros((1, 2)), size)


def test_positions_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(AtlasError, match=r"\(3, 4\)"):
        cell_index(np.zeros((3, 4)), 5)


@given(st.integers(0, 3_000_000))
def test_default_grids_nest_and_leave_enough_members(n: int) -> None:
    sizes = default_grids(n)
    assert 1 <= len(sizes) <= 4
    assert all(fine % coarse == 0 and fine > coarse for coarse, fine in itertools.pairwise(sizes))
    assert sizes[-1] == 5 or n / sizes[-1] ** 2 >= 6


@pytest.mark.parametrize(
    ("n", "sizes"),
    [(0, (5,)), (300, (5,)), (1000, (5, 10)), (20_000, (10, 20, 40)), (1_000_000, (20, 40, 80, 160))],
)
def test_default_grids_for_common_numbers(n: int, sizes: tuple[int, ...]) -> None:
    assert default_grids(n) == sizes


@given(st.integers(0, 3_000_000), st.integers(1, 320))
def test_the_default_minimum_is_between_one_and_five(n: int, size: int) -> None:
    assert 1 <= default_min_count(n, size) <= 5


def test_the_default_minimum_grows_with_the_number_of_members() -> None:
    assert [default_min_count(n, 10) for n in (50, 600, 900, 10_000)] == [1, 2, 3, 5]
