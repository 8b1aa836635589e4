"""One level of an atlas: a grid and its icons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from atlas.grid import Level
    from atlas.sprites import SheetReader


@dataclass(frozen=True)
class AtlasLevel:
    """One grid of one layer, with its icons.

    Attributes
    ----------
    grid : Level
        Cells: index, count, mean, spread, attribution, nearest members.
    icons : SheetReader or None
        ``icons[i]`` is the icon of ``grid.cell[i]``, (S, S, 3) uint8; None while they are not rendered.
    cosine, target_cosine : array (M,) or None
        Achieved cosine of each icon to the cell's mean vector, and to the whitened target.
    overview : callable or None
        Reads the level in one picture, a WebP file, see `atlas.overview`; None where there is none.
    """

    grid: Level
    icons: SheetReader | None
    cosine: NDArray[np.float32] | None
    target_cosine: NDArray[np.float32] | None
    overview: Callable[[], bytes] | None = None

    @property
    def size(self) -> int:
        """Cells a side."""
        return self.grid.size

    def icon(self, row: int, column: int) -> NDArray[np.uint8]:
        """Icon of the cell in `row` and `column`, (S, S, 3) uint8.

        Raises
        ------
        AtlasError
            The cell is empty, or the level has no icons yet.
        """
        found = np.flatnonzero(self.grid.cell == row * self.size + column)
        if not len(found) or not 0 <= column < self.size:
            raise AtlasError(f"Cell ({row}, {column}) of level {self.size} is empty; `cells` lists those that are not.")
        if self.icons is None:
            raise AtlasError(f"The icons of level {self.size} are not rendered yet; build the atlas again to go on.")
        return self.icons[int(found[0])]
