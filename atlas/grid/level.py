"""One grid over the layout: its non-empty cells and what is known of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from atlas.errors import AtlasError
from atlas.grid.table import CellTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

_SCALARS = ("size", "min_count", "n_outside", "n_small")
_DTYPES = {
    "cell": np.int32,
    "count": np.int32,
    "mean": np.float32,
    "spread": np.float32,
    "mixture": np.bool_,
    "top_classes": np.int32,
    "nearest": np.int64,
    "point_cell": np.int32,
}


@dataclass(frozen=True)
class Level:
    """A grid of ``size`` x ``size`` cells, of which M have enough members to be kept.

    Attributes
    ----------
    size
        Cells a side, g.
    cell
        (M,) int32, ascending: ``row * size + column``, row 0 at the top.
    count
        (M,) int32 members.
    mean
        (M, C) float32 mean of the raw activations.
    spread
        (M,) float32 mean cosine of the members to the mean: 1 when all point the same way.
    mixture
        (M,) bool: the members fall into two groups (see `atlas.grid.mixture`).
    attribution
        (M, K) float32 mean attribution to every class, or None.
    top_classes
        (M, T) int32 classes with the largest mean attribution, largest first; T is 0 without attributions.
    nearest
        (M, P) int64 row numbers of the members nearest to the mean by cosine, nearest first, then -1.
    point_cell
        (N,) int32 cell of every point, also of points in cells that were not kept; -1 outside the frame.
    min_count
        Fewest members of a kept cell.
    n_outside
        Points outside the frame or without coordinates.
    n_small
        Points in cells with too few members.
    """

    size: int
    cell: npt.NDArray[np.int32]
    count: npt.NDArray[np.int32]
    mean: npt.NDArray[np.float32]
    spread: npt.NDArray[np.float32]
    mixture: npt.NDArray[np.bool_]
    attribution: npt.NDArray[np.float32] | None
    top_classes: npt.NDArray[np.int32]
    nearest: npt.NDArray[np.int64]
    point_cell: npt.NDArray[np.int32]
    min_count: int
    n_outside: int
    n_small: int

    def __len__(self) -> int:
        return self.cell.size

    @property
    def row(self) -> npt.NDArray[np.int32]:
        """(M,) row of each cell, 0 at the top."""
        return self.cell // np.int32(self.size)

    @property
    def column(self) -> npt.NDArray[np.int32]:
        """(M,) column of each cell, 0 at the left."""
        return self.cell % np.int32(self.size)

    @property
    def centre(self) -> npt.NDArray[np.float64]:
        """(M, 2) x and y of the middle of each cell, in [0, 1]."""
        return (np.stack([self.column, self.row], axis=1) + 0.5) / self.size

    def members(self, cell: int) -> npt.NDArray[np.int64]:
        """Row numbers of the points in a cell, given by its linear index, ascending."""
        return np.flatnonzero(self.point_cell == cell)

    def table(self, class_names: Sequence[str] | None = None) -> CellTable:
        """Give the cells as a table.

        Parameters
        ----------
        class_names
            Name of every class, in order; adds a column "class".

        Returns
        -------
        CellTable
            Columns cell, row, column, x, y (centre), count, spread, mixture and, with attributions,
            class_index, class and attribution (of the class with the largest mean).

        Raises
        ------
        AtlasError
            There are fewer names than classes.
        """
        x, y = self.centre.T
        columns: dict[str, np.ndarray[Any, Any]] = {
            "cell": self.cell,
            "row": self.row,
            "column": self.column,
            "x": x,
            "y": y,
            "count": self.count,
            "spread": self.spread,
            "mixture": self.mixture,
        }
        if self.attribution is not None and self.top_classes.shape[1]:
            top = self.top_classes[:, 0]
            columns["class_index"] = top
            if class_names is not None:
                if len(class_names) < self.attribution.shape[1]:
                    raise AtlasError(
                        f"{len(class_names)} names for {self.attribution.shape[1]} classes; give one each."
                    )
                columns["class"] = np.array([class_names[index] for index in top], dtype=object)
            columns["attribution"] = self.attribution[np.arange(len(self)), top]
        return CellTable(columns)

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Everything as named arrays, to be stored; `from_arrays` is the way back."""
        stored = {name: getattr(self, name) for name in _DTYPES}
        stored["scalars"] = np.array([getattr(self, name) for name in _SCALARS], dtype=np.int64)
        if self.attribution is not None:
            stored["attribution"] = self.attribution
        return stored

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Level:
        """Build a level from what `arrays` gave, read back as NumPy or Zarr arrays.

        Raises
        ------
        AtlasError
            An array is missing, has a wrong shape, or names a cell outside the grid.
        """
        missing = [name for name in (*_DTYPES, "scalars") if name not in arrays]
        if missing:
            raise AtlasError(f"This stored level lacks {', '.join(missing)}; build the level again.")
        read: dict[str, Any] = {name: np.asarray(arrays[name], dtype) for name, dtype in _DTYPES.items()}
        stored = "attribution" in arrays
        read["attribution"] = np.asarray(arrays["attribution"], np.float32) if stored else None
        values = np.asarray(arrays["scalars"][:], dtype=np.int64)
        if values.shape != (len(_SCALARS),):
            raise AtlasError(f"This stored level has scalars of shape {values.shape}; build the level again.")
        level = cls(**read, **dict(zip(_SCALARS, values.tolist(), strict=True)))
        level._check()
        return level

    def _check(self) -> None:
        M = len(self)
        wide: dict[str, np.ndarray[Any, Any]] = {
            "mean": self.mean,
            "top_classes": self.top_classes,
            "nearest": self.nearest,
        }
        if self.attribution is not None:
            wide["attribution"] = self.attribution
        flat: dict[str, np.ndarray[Any, Any]] = {
            "cell": self.cell,
            "count": self.count,
            "spread": self.spread,
            "mixture": self.mixture,
        }
        wrong = [name for name, array in flat.items() if array.shape != (M,)]
        wrong += [name for name, array in wide.items() if array.ndim != 2 or array.shape[0] != M]
        if self.point_cell.ndim != 1:
            wrong.append("point_cell")
        if not wrong:
            n_cells, n_points = self.size**2, self.point_cell.size
            if M and (self.cell[0] < 0 or self.cell[-1] >= n_cells or (np.diff(self.cell) <= 0).any()):
                wrong.append("cell")
            if ((self.nearest < -1) | (self.nearest >= n_points)).any():
                wrong.append("nearest")
            if ((self.point_cell < -1) | (self.point_cell >= n_cells)).any():
                wrong.append("point_cell")
        if wrong:
            raise AtlasError(f"This stored level has {', '.join(wrong)} that do not fit; build it again.")
