"""From points to cells: assign, average, describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atlas.errors import AtlasError
from atlas.grid.cells import OUTSIDE, cell_index, default_min_count
from atlas.grid.level import Level
from atlas.grid.members import Members
from atlas.grid.mixture import is_mixture
from atlas.layout.rows import unit_rows

if TYPE_CHECKING:
    import numpy.typing as npt

    from atlas.grid.members import UnitMembers
    from atlas.layout.rows import Float32, Float64, Int64, RowArray


def make_grid(
    xy: npt.NDArray[np.floating],
    vectors: RowArray,
    size: int,
    *,
    attributions: RowArray | None = None,
    min_count: int | None = None,
    top_classes: int = 5,
    nearest: int = 9,
) -> Level:
    """Average the activations in every cell of a grid over the layout.

    Parameters
    ----------
    xy
        (N, 2) positions; the frame is [0, 1) x [0, 1). NaN for points without a position.
    vectors
        (N, C) raw activations, in memory or on disk; read in chunks.
    size
        Cells a side.
    attributions
        (N, K) attribution of every activation to every class.
    min_count
        Fewest members of a cell that is kept; by default `default_min_count` of the points inside.
    top_classes
        How many classes to list for each cell.
    nearest
        How many of the members nearest to the mean to list.

    Returns
    -------
    Level
        The cells with enough members. Means are accumulated in float64.

    Raises
    ------
    AtlasError
        Arrays of different length, or a size out of range.
    """
    point_cell = cell_index(xy, size)
    N = point_cell.size
    for name, array in (("vectors", vectors), ("attributions", attributions)):
        if array is not None and (len(array.shape) != 2 or array.shape[0] != N):
            raise AtlasError(f"{N} positions, but {name} of shape {array.shape}; the rows must match.")
    n_inside = int((point_cell != OUTSIDE).sum())
    if min_count is None:
        min_count = default_min_count(n_inside, size)

    occupied, counts = np.unique(point_cell[point_cell != OUTSIDE], return_counts=True)
    kept = counts >= max(min_count, 1)
    cell, count = occupied[kept].astype(np.int32), counts[kept].astype(np.int32)
    slot = _slots(point_cell, cell)

    members = Members(vectors, slot, cell.size)
    mean = members.mean()
    units = members.units()
    spread, near = _nearness(units, unit_rows(mean.astype(np.float32)), nearest)
    attribution = None
    if attributions is not None:
        attribution = Members(attributions, slot, cell.size).mean().astype(np.float32)
    return Level(
        size=size,
        cell=cell,
        count=count,
        mean=mean.astype(np.float32),
        spread=spread.astype(np.float32),
        mixture=is_mixture(units),
        attribution=attribution,
        top_classes=_largest(attribution, top_classes, cell.size),
        nearest=near,
        point_cell=point_cell,
        min_count=min_count,
        n_outside=N - n_inside,
        n_small=n_inside - int(count.sum()),
    )


def _slots(point_cell: npt.NDArray[np.int32], cell: npt.NDArray[np.int32]) -> Int64:
    """Index of every point's cell in ``cell``, or -1 if it is not there."""
    if not cell.size:
        return np.full(point_cell.size, -1, dtype=np.int64)
    slot = np.minimum(np.searchsorted(cell, point_cell), cell.size - 1)
    return np.where(cell[slot] == point_cell, slot, -1).astype(np.int64)


def _nearness(members: UnitMembers, direction: Float32, n_nearest: int) -> tuple[Float64, Int64]:
    """Mean cosine of the members to the mean's direction, and the members with the largest cosine."""
    cosine = np.zeros(members.slot.size)
    for chunk in members:
        cosine[chunk.rows] = chunk.similarity(direction)
    rows = np.flatnonzero(members.slot >= 0)
    slot = members.slot[rows]
    spread = np.bincount(slot, cosine[rows], minlength=members.n_cells) / np.maximum(members.count, 1)

    order = np.lexsort((rows, -cosine[rows], slot))
    starts = np.cumsum(members.count) - members.count
    rank = np.arange(rows.size) - np.repeat(starts, members.count)
    listed = rank < n_nearest
    near = np.full((members.n_cells, n_nearest), -1, dtype=np.int64)
    near[slot[order][listed], rank[listed]] = rows[order][listed]
    return spread, near


def _largest(attribution: Float32 | None, n_classes: int, n_cells: int) -> npt.NDArray[np.int32]:
    if attribution is None:
        return np.empty((n_cells, 0), dtype=np.int32)
    return np.argsort(-attribution, axis=1, kind="stable")[:, :n_classes].astype(np.int32)
