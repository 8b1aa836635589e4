"""What the viewer is told about the cells of a level, as plain columns in one buffer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atlas.level import AtlasLevel

#: Every column starts at a multiple of this, so that a browser can look at it without a copy.
_ALIGNMENT: Final = 4
_MOST_CLASSES: Final = 5
_INT8_MAX: Final = 127


@dataclass(frozen=True)
class PackedCells:
    """The cells of a level, ready to be sent.

    Attributes
    ----------
    n : int
        Cells.
    columns : dict
        ``{name: {"dtype", "shape", "offset", "bytes"}}``, little-endian.
    data : bytes
        All columns, one after the other.
    """

    n: int
    columns: dict[str, dict[str, Any]]
    data: bytes

    def header(self) -> dict[str, Any]:
        """Everything but the data."""
        return {"n": self.n, "columns": self.columns}


def pack_cells(level: AtlasLevel) -> PackedCells:
    """Columns cell, count, spread, cosine (NaN where unknown), mixture, top_class (n, T), top_value (n, T).

    T is 5 or less, the classes with the largest mean attribution, largest first; 0 without attributions.
    """
    grid, n = level.grid, len(level.grid)
    top = grid.top_classes[:, :_MOST_CLASSES] if grid.attribution is not None else np.zeros((n, 0), np.int32)
    values = np.take_along_axis(grid.attribution, top, axis=1) if grid.attribution is not None else top
    cosine = np.full(n, np.nan) if level.cosine is None else level.cosine
    return _pack(
        n,
        {
            "cell": grid.cell.astype("<i4"),
            "count": grid.count.astype("<i4"),
            "spread": grid.spread.astype("<f4"),
            "cosine": cosine.astype("<f4"),
            "mixture": grid.mixture.astype(np.uint8),
            "top_class": top.astype("<i4"),
            "top_value": values.astype("<f4"),
        },
    )


def _pack(n: int, arrays: dict[str, NDArray[Any]]) -> PackedCells:
    columns: dict[str, dict[str, Any]] = {}
    parts: list[bytes] = []
    at = 0
    for name, array in arrays.items():
        data = np.ascontiguousarray(array).tobytes()
        columns[name] = {"dtype": array.dtype.name, "shape": list(array.shape), "offset": at, "bytes": len(data)}
        gap = -len(data) % _ALIGNMENT
        parts += [data, bytes(gap)]
        at += len(data) + gap
    return PackedCells(n, columns, b"".join(parts))


def class_attribution(level: AtlasLevel, class_index: int) -> NDArray[np.float32]:
    """Mean attribution of every cell to one class, (n,) float32.

    Raises
    ------
    AtlasError
        The atlas has no attributions, or not so many classes.
    """
    table = level.grid.attribution
    if table is None:
        raise AtlasError("This atlas has no attributions: collect with attributions=True to ask about classes.")
    if not 0 <= class_index < table.shape[1]:
        raise AtlasError(f"There is no class {class_index}: this atlas knows 0 to {table.shape[1] - 1}.")
    return np.ascontiguousarray(table[:, class_index], dtype="<f4")


def quantise_attribution(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Attributions in a byte each: ``table ≈ codes * scale``, off by half a scale at most.

    Parameters
    ----------
    table : array (n, K)
        Mean attribution of every cell to every class.

    Returns
    -------
    codes : array (n, K), int8
    scale : array (K,), float32
        The largest magnitude of a class over 127; 0 for a class that nothing speaks for or against.
    """
    largest = np.abs(table).max(axis=0, initial=0.0)
    scale = (largest / _INT8_MAX).astype(np.float32)
    codes = np.divide(table, scale, out=np.zeros_like(table), where=scale > 0)
    return np.rint(codes).clip(-_INT8_MAX, _INT8_MAX).astype(np.int8), scale
