"""Which icons share a sheet: those of a square of the grid, so that what is seen together is fetched together.

A window of 18 x 12 cells meets 4 to 6 sheets of 12 x 12 icons that are laid out so. Laid out by rows of the grid it
would meet 12 to 24, and each is fetched and decoded whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from atlas.sprites import SheetGeometry

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What a level's record says of its sheets; where it says nothing, icons are laid in the order of the cells.
BLOCKS: Final = "blocks"


def block_order(cell: NDArray[np.integer[Any]], size: int, icon_px: int) -> NDArray[np.int64]:
    """Order in which the icons of a grid are laid into sheets: square after square, no place left empty.

    Parameters
    ----------
    cell : array (M,)
        Linear indices of the cells that have an icon.
    size : int
        Cells a side.
    icon_px : int
        Side of an icon: a square has as many cells a side as a sheet has icons.

    Returns
    -------
    array (M,), int64
        Positions in `cell`: squares by rows, within each its cells by rows.
    """
    side = SheetGeometry(icon_px).per_side
    row, column = np.divmod(np.asarray(cell, dtype=np.int64), size)
    return np.lexsort((column, row, column // side, row // side))
