"""One pass over the members of all cells, in chunks of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from atlas.layout.rows import CHUNK_ROWS, unit_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atlas.layout.rows import Float32, Float64, Int64, RowArray

Bool: TypeAlias = npt.NDArray[np.bool_]

_KEPT_BYTES = 512 * 2**20


class MemberChunk(NamedTuple):
    """Some members, sorted by cell.

    Attributes
    ----------
    rows
        Row numbers, (n,) int64.
    slot
        The cell of each, (n,) int64, ascending: an index into the list of cells.
    values
        Their vectors, (n, C) float32.
    """

    rows: Int64
    slot: Int64
    values: Float32

    def similarity(self, directions: Float32) -> Float64:
        """Dot product of each vector with its cell's row of ``directions`` (M, C): (n,) float64."""
        similarity: Float64 = np.einsum("nc,nc->n", self.values, directions[self.slot]).astype(np.float64)
        return similarity

    def add_to(self, total: Float64, values: Float32) -> None:
        """Add ``values`` (n, C) to the rows of ``total`` (M, C) that belong to their cells, in float64."""
        starts = np.flatnonzero(np.diff(self.slot, prepend=-1))
        total[self.slot[starts]] += np.add.reduceat(values.astype(np.float64), starts, axis=0)

    def first_of_each_cell(self, key: Float64) -> Int64:
        """Positions in this chunk of the member with the smallest ``key`` in each cell that occurs."""
        order = np.lexsort((key, self.slot))
        first: Int64 = order[np.flatnonzero(np.diff(self.slot, prepend=-1))]
        return first


class Members:
    """The members of M cells; every iteration reads them anew.

    Parameters
    ----------
    array
        (N, C), in memory or on disk.
    slot
        (N,) int64: the cell of every row as an index 0 … M-1, or -1 for a row that is in none of them.
    n_cells
        M.
    chunk_rows
        Rows read at once.
    """

    def __init__(self, array: RowArray, slot: Int64, n_cells: int, chunk_rows: int = CHUNK_ROWS) -> None:
        self.array = array
        self.slot = slot
        self.n_cells = n_cells
        self.chunk_rows = chunk_rows
        self.count: Int64 = np.bincount(slot[slot >= 0], minlength=n_cells)

    def __iter__(self) -> Iterator[MemberChunk]:
        for start in range(0, self.slot.size, self.chunk_rows):
            here = self.slot[start : start + self.chunk_rows]
            order = np.argsort(here, kind="stable")
            order = order[np.searchsorted(here[order], 0) :]
            if order.size:
                values = np.asarray(self.array[start : start + self.chunk_rows])[order]
                yield MemberChunk(start + order, here[order], values.astype(np.float32))

    def units(self) -> UnitMembers:
        """Give the same members with vectors of length one."""
        return UnitMembers(self)

    def mean(self) -> Float64:
        """Mean of each cell's rows, (M, C) float64; zero for a cell without members."""
        total = np.zeros((self.n_cells, self.array.shape[1]))
        for chunk in self:
            chunk.add_to(total, chunk.values)
        total /= np.maximum(self.count, 1)[:, None]
        return total


class UnitMembers:
    """Members whose vectors have length one.

    Up to 512 MB they are computed once and kept; beyond that every iteration reads them anew.

    Parameters
    ----------
    members
        Their vectors may have any length; zeros stay zero.
    """

    def __init__(self, members: Members) -> None:
        self._members = members
        self.n_cells = members.n_cells
        self.n_channels = members.array.shape[1]
        self.slot = members.slot
        self.count = members.count
        few = 4 * self.count.sum() * self.n_channels <= _KEPT_BYTES
        self._kept = list(self._read()) if few else None

    def __iter__(self) -> Iterator[MemberChunk]:
        return self._read() if self._kept is None else iter(self._kept)

    def _read(self) -> Iterator[MemberChunk]:
        return (chunk._replace(values=unit_rows(chunk.values)) for chunk in self._members)
