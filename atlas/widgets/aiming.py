"""Where to fly: from a cell, cells or a place to the middle and the zoom of a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from atlas.errors import AtlasError
from atlas.widgets.selection import SelectedCell, Selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atlas.reader import AtlasReader

#: A cell that is flown to takes about a sixth of the view.
_CELLS_AROUND: Final = 6.0


def aim(
    world: AtlasReader, layer: str, target: str | Sequence[float] | SelectedCell | Selection, zoom: float
) -> tuple[float, float, float]:
    """Middle of a target, and the zoom that it fills well; a mere place leaves `zoom` as it is, 1 or more.

    Raises
    ------
    AtlasError
        There is no such cell, or the target is none.
    """
    if isinstance(target, SelectedCell):
        target = Selection(world, target.layer, [target.id])
    elif isinstance(target, str):
        target = Selection(world, layer, [target])
    if isinstance(target, Selection):
        left, top, right, bottom = target.bounds()
        across = max(right - left, bottom - top)
        sizes = [cell.level for cell in target[:1]]
        fitting = 1 / (across + (_CELLS_AROUND - 1) / sizes[0]) if sizes else 1.0
        return (left + right) / 2, (top + bottom) / 2, max(1.0, fitting)
    if len(target) != 2:
        raise AtlasError(f"Cannot fly to {target!r}; give a cell id such as '40/812', cells, or (x, y).")
    return float(target[0]), float(target[1]), max(1.0, zoom)
