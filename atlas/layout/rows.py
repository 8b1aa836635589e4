"""Reading rows in chunks, from an array in memory or on disk alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK_ROWS = 8192
"""Rows read at once: 8,192 x 1,024 channels are 32 MB in float32."""

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]
Int64: TypeAlias = npt.NDArray[np.int64]


class RowArray(Protocol):
    """What is needed of an (N, C) array: a shape and slicing by rows. NumPy and Zarr arrays both fit."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        ...

    def __getitem__(self, key: Any, /) -> Any:  # noqa: ANN401 - whatever the array library allows
        """Give the rows of a slice."""
        ...


def iter_rows(array: RowArray, chunk_rows: int = CHUNK_ROWS) -> Iterator[tuple[int, Float32]]:
    """Yield ``(first_row, rows)`` from top to bottom.

    Parameters
    ----------
    array
        Any real dtype, shape (N, C).
    chunk_rows
        Rows a chunk; the last one may be shorter.

    Yields
    ------
    tuple[int, ndarray]
        The number of the first row, and the rows as float32 of shape (n, C).
    """
    for start in range(0, array.shape[0], chunk_rows):
        yield start, np.asarray(array[start : start + chunk_rows], dtype=np.float32)


def iter_chosen(array: RowArray, rows: Int64) -> Iterator[Float32]:
    """Yield the rows with the given numbers (ascending), as float32, some at a time."""
    for start, chunk in iter_rows(array):
        low, high = np.searchsorted(rows, [start, start + len(chunk)])
        if high > low:
            yield chunk[rows[low:high] - start]


def unit_rows(rows: Float32) -> Float32:
    """Rows divided by their Euclidean norm; a row of zeros stays zero. Same shape, float32."""
    # The largest entry goes first, so that squares of very small or very large values stay in range.
    one = np.float32(1)
    peak = np.abs(rows).max(axis=1, keepdims=True, initial=0)
    scaled = rows / np.where(peak > 0, peak, one)
    norm = np.sqrt(np.einsum("nc,nc->n", scaled, scaled))[:, None]
    unit: Float32 = (scaled / np.where(norm > 0, norm, one)).astype(np.float32, copy=False)
    return unit
