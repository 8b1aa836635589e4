"""How numbers are kept in a store, and the array that reads them back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from atlas.errors import AtlasError

if TYPE_CHECKING:
    import zarr
    from numpy.typing import NDArray

Encoding = Literal["float16", "float32", "uint8"]
ENCODINGS: tuple[Encoding, ...] = ("float16", "float32", "uint8")

HOLE = 255
"""The byte that no value is encoded as: where it turns up, a chunk is missing. NaN does this for floats."""

_TOP = HOLE - 1


def checked(values: NDArray[np.float32], encoding: Literal["float16", "float32"], what: str) -> NDArray[Any]:
    """Convert to a floating type of the store; nothing is clipped and nothing infinite gets in.

    Parameters
    ----------
    values : ndarray
        Any shape.
    encoding : {"float16", "float32"}
        The type wanted.
    what : str
        Names the values in messages, such as "activations of mixed4c".

    Raises
    ------
    AtlasError
        A value is not finite, or larger than float16 holds (65,504).
    """
    if not np.isfinite(values).all():
        raise AtlasError(f"Some {what} are not finite; check the network's preprocessing and weights.")
    limit = float(np.finfo(np.float16).max)
    largest = float(np.abs(values).max(initial=0.0))
    if encoding == "float16" and largest > limit:
        raise AtlasError(
            f"The {what} reach {largest:.4g}, more than float16 holds ({limit:,.0f}); use encoding='float32'."
        )
    return values.astype(encoding)


@dataclass(frozen=True)
class Quantizer:
    """One byte per value, with a step and a zero point of each column: value = (byte - zero) * scale.

    0.0 is kept exactly, so that what a ReLU silenced stays silent. The error is at most half a step, a step
    being 1/254 of the column's range (zero included).

    Attributes
    ----------
    scale : ndarray of float32, (C,)
        Step of each column, above 0.
    zero : ndarray of uint8, (C,)
        The byte that stands for 0.0.
    """

    scale: NDArray[np.float32]
    zero: NDArray[np.uint8]

    @classmethod
    def fit(cls, low: NDArray[Any], high: NDArray[Any]) -> Quantizer:
        """Cover the range from `low` to `high` of each column, widened to hold 0."""
        low, high = np.minimum(low.astype(np.float64), 0), np.maximum(high.astype(np.float64), 0)
        scale = (high - low) / _TOP
        scale = np.maximum(np.where(scale > 0, scale, 1), np.finfo(np.float32).tiny).astype(np.float32)
        return cls(scale, np.clip(np.rint(-low / scale), 0, _TOP).astype(np.uint8))

    def encode(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Bytes from 0 to 254 for values (N, C)."""
        steps = np.rint(values.astype(np.float32) / self.scale) + self.zero
        encoded: NDArray[np.uint8] = np.clip(steps, 0, _TOP).astype(np.uint8)
        return encoded

    def decode(self, encoded: NDArray[np.uint8], columns: Any = slice(None)) -> NDArray[np.float32]:  # noqa: ANN401
        """Values of bytes; `columns` says which columns they are of."""
        decoded: NDArray[np.float32] = (encoded.astype(np.float32) - self.zero[columns]) * self.scale[columns]
        return decoded


class StoredArray:
    """Rows (N, C) of a store, read and decoded when they are asked for.

    Indexing is numpy's for one or two indices made of integers, slices, integer arrays and, for rows, boolean
    masks; two arrays pick their rows and columns independently (as `numpy.ix_` does). What comes out is a
    numpy array.

    Parameters
    ----------
    array : zarr.Array
        At least `rows` rows; what lies beyond them is not read.
    rows : int
        Rows that are there.
    name : str
        Named in messages.
    quantizer : Quantizer or None
        Decodes bytes; None for floating arrays.
    """

    ndim = 2

    def __init__(self, array: zarr.Array[Any], rows: int, name: str, quantizer: Quantizer | None = None) -> None:
        self._array = array
        self._name = name
        self._quantizer = quantizer
        self.shape = (rows, int(array.shape[1]))
        self.dtype = np.dtype(np.float32) if quantizer is not None else np.dtype(array.dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<StoredArray {self._name}: {self.shape[0]} x {self.shape[1]} {self.dtype}>"

    def __array__(self, dtype: Any = None, /, *, copy: bool | None = None) -> NDArray[Any]:  # noqa: ANN401
        if copy is False:
            raise ValueError("rows of a store cannot be had without a copy")
        rows = self[:]
        return rows if dtype is None else rows.astype(dtype, copy=False)

    def __getitem__(self, key: Any, /) -> NDArray[Any]:  # noqa: ANN401 - numpy's indexing
        keys = key if isinstance(key, tuple) else (key,)
        if len(keys) > 2:
            raise IndexError(f"{self._name} has two dimensions, not {len(keys)}")
        rows = _selection(keys[0], self.shape[0], self._name)
        columns = _selection(keys[1] if len(keys) == 2 else slice(None), self.shape[1], self._name)
        stored = self._read(rows, columns)
        return stored if self._quantizer is None else self._quantizer.decode(stored, columns)

    def _read(self, rows: _Index, columns: _Index) -> NDArray[Any]:
        try:
            stored: NDArray[Any] = np.asarray(self._array.oindex[rows, columns])
        except (ValueError, RuntimeError, OSError) as error:
            raise AtlasError(f"{self._name} is damaged ({error}); collect it again or fetch a fresh copy.") from error
        # A chunk is whole or absent, so one column tells.
        first = stored[:, 0] if stored.ndim == 2 and stored.size else stored
        holes = first == HOLE if self._quantizer is not None else np.isnan(first)
        if np.any(holes):
            raise AtlasError(f"{self._name} lacks some of its chunks; collect it again or fetch a fresh copy.")
        return stored


_Index = int | slice | np.ndarray[Any, np.dtype[np.int64]]


def _selection(index: Any, n: int, name: str) -> _Index:  # noqa: ANN401 - numpy's indexing
    """Bring an index into an axis of length `n` to an integer, contiguous slice or integer array."""
    if isinstance(index, slice):
        start, stop, step = index.indices(n)
        return slice(start, max(start, stop)) if step == 1 else np.arange(start, stop, step)
    chosen = np.asarray(index)
    if chosen.size == 0:
        chosen = chosen.astype(np.int64)
    if chosen.dtype == bool and chosen.shape == (n,):
        return np.flatnonzero(chosen)
    if chosen.ndim > 1 or not np.issubdtype(chosen.dtype, np.integer):
        raise IndexError(f"{name} takes integers, slices, integer arrays and masks of {n}, not {index!r}")
    if np.any((chosen < -n) | (chosen >= n)):
        raise IndexError(f"{name} has {n} along this axis; {index!r} is outside")
    wrapped = np.where(chosen < 0, chosen + n, chosen).astype(np.int64)
    return int(wrapped) if wrapped.ndim == 0 else wrapped
