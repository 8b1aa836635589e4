"""A level in one picture: what a viewer shows while cells are small on the screen.

A level of 160 x 160 cells has some hundred sheets. Seen from afar it takes one picture of a few hundred kilobytes.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from PIL import Image

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

FILE: Final = "overview.webp"
#: With fewer cells, the sheets themselves are few.
_LEAST_CELLS: Final = 1000
_MOST_ICON_PX, _MOST_PX = 16, 2048
_QUALITY: Final = 85
_MOST_BYTES: Final = 16 << 20


def overview_px(size: int, cells: int) -> int:
    """Side of an icon in the overview of a level of ``size`` x ``size``; 0 when it has none."""
    return min(_MOST_ICON_PX, _MOST_PX // size) if cells > _LEAST_CELLS else 0


def write_overview(folder: Path, size: int, cells: NDArray[np.int32], icon: Callable[[int], NDArray[np.uint8]]) -> int:
    """Write the overview of a level beside its sheets, if it is large enough to have one.

    Parameters
    ----------
    folder : Path
        Where its sheets are.
    size : int
        Cells a side.
    cells : array (M,)
        Linear indices of the cells that have an icon.
    icon : callable
        From a position in `cells` to the icon, (S, S, 3) uint8.

    Returns
    -------
    int
        See `overview_px`.
    """
    side = overview_px(size, len(cells))
    if side:
        canvas = Image.new("RGBA", (size * side, size * side))
        for i, cell in enumerate(cells.tolist()):
            row, column = divmod(cell, size)
            small = Image.fromarray(icon(i)).resize((side, side), Image.Resampling.BOX)
            canvas.paste(small, (column * side, row * side))
        canvas.save(folder / FILE, "WEBP", quality=_QUALITY, method=4)
    return side


def read_overview(folder: Path, size: int, side: int) -> bytes:
    """The overview as it is stored, a WebP file with transparent blanks.

    Raises
    ------
    AtlasError
        It is missing, a link, or of another size.
    """
    path = folder / FILE
    if path.is_symlink() or not path.is_file():
        raise AtlasError(f"The overview of level {size} is missing or is a link; build this level again.")
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    try:
        with Image.open(io.BytesIO(data), formats=["WEBP"]) as image:
            fits = image.size == (size * side, size * side) and len(data) <= _MOST_BYTES
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise AtlasError(f"The overview of level {size} is damaged; build this level again.") from error
    if not fits:
        raise AtlasError(f"The overview of level {size} is of another size; build this level again.")
    return data
