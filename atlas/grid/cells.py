"""Which cell a point is in, and which grids suit how many points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atlas.errors import AtlasError
from atlas.layout.frame import is_inside

if TYPE_CHECKING:
    import numpy.typing as npt

OUTSIDE = -1
"""The cell of a point that is outside the frame or has no coordinates."""

_CHAIN = (5, 10, 20, 40, 80, 160)
_LARGEST_SIZE = 4096


def cell_index(xy: npt.NDArray[np.floating], size: int) -> npt.NDArray[np.int32]:
    """Give the cell of every point in a grid of ``size`` x ``size`` cells over [0, 1) x [0, 1).

    Cells are half open: a point on the line between two cells is in the right or lower one, so every point
    is in exactly one cell. A float32 coordinate times a small whole number is exact in float64, so that the
    cells of a grid are unions of cells of every grid whose size it divides.

    Parameters
    ----------
    xy
        (N, 2) coordinates, taken as float32; NaN where a point has none.
    size
        Cells a side, 1 to 4096.

    Returns
    -------
    ndarray
        (N,) int32 ``row * size + column``; -1 (`OUTSIDE`) for points outside the frame.

    Raises
    ------
    AtlasError
        The size is out of range or ``xy`` is not (N, 2).
    """
    if not 1 <= size <= _LARGEST_SIZE:
        raise AtlasError(f"A grid has 1 to {_LARGEST_SIZE} cells a side, not {size}.")
    points = np.asarray(xy, dtype=np.float32).astype(np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise AtlasError(f"Positions have shape (N, 2), not {points.shape}.")
    inside = is_inside(points)
    column_row = np.floor(np.where(inside[:, None], points, 0) * size).astype(np.int32)
    return np.where(inside, column_row[:, 1] * size + column_row[:, 0], OUTSIDE).astype(np.int32)


def default_grids(n_activations: int) -> tuple[int, ...]:
    """Grid sizes that suit a number of activations, coarse to fine, each dividing the next.

    The finest grid leaves 6 or more activations for each of its cells, empty ones counted: a layout fills
    about half of its frame, so an occupied cell holds 10 or more. At most four levels, as in the published
    atlases (20, 40, 80, 160 for a million activations).

    Parameters
    ----------
    n_activations
        Points in the layout.

    Returns
    -------
    tuple of int
        For example (10, 20, 40) for 20,000 activations, (5,) for 300.
    """
    fitting = [size for size in _CHAIN if 6 * size * size <= n_activations] or [_CHAIN[0]]
    finest = fitting[-1]
    coarsest = max(finest // 8, min(10, finest // 2), _CHAIN[0])
    return tuple(size for size in fitting if size >= coarsest)


def default_min_count(n_activations: int, size: int) -> int:
    """Fewest members a cell needs to be kept, 1 to 5: a third of what a cell holds on average, rounded.

    The published atlases leave out cells under 5 to 10 members; small sets cannot afford that.
    """
    return int(np.clip(round(n_activations / (3 * size * size)), 1, 5))
