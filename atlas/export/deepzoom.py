"""A level as a deep zoom image: a pyramid of tiles for OpenSeadragon and every viewer that reads its format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from atlas.errors import AtlasError
from atlas.writing import new_folder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.level import AtlasLevel

TILE_PX: Final = 256
_QUALITY: Final = 90
#: One pixel of blank between icons, as in the viewer.
_GAP_PX: Final = 1
_FORMATS: Final = ("webp", "png")
# https://learn.microsoft.com/previous-versions/windows/silverlight/dotnet-windows-silverlight/cc645077(v=vs.95)
_DESCRIPTOR: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="{format}" Overlap="0" TileSize="{tile}">\n'
    '  <Size Width="{side}" Height="{side}"/>\n</Image>\n'
)


def write_deep_zoom(level: AtlasLevel, folder: Path, *, picture_format: str = "webp") -> Path:
    """Write `folder` with ``atlas.dzi`` and its tiles in ``atlas_files``, whole or not at all.

    Tiles without icons are not written: viewers show nothing where a tile is missing. Memory holds a few tiles.

    Parameters
    ----------
    level : AtlasLevel
        With icons.
    folder : Path
        Made; an earlier export in it is replaced.
    picture_format : {"webp", "png"}
        Of the tiles: WebP of quality 90, or PNG, four times as large and exact. Both leave blanks transparent.

    Returns
    -------
    Path
        The ``.dzi`` file.

    Raises
    ------
    AtlasError
        The level has no icons yet, the format is another, or the folder holds something else.
    """
    if level.icons is None:
        raise AtlasError(f"The icons of level {level.size} are not rendered yet; build the atlas again to go on.")
    if picture_format not in _FORMATS:
        raise AtlasError(f"Tiles cannot be {picture_format!r}; choose {' or '.join(repr(f) for f in _FORMATS)}.")
    if folder.suffix.lower() == ".dzi":
        raise AtlasError(f"{folder.name}: give a folder, such as {folder.stem}; atlas.dzi and its tiles come into it.")
    if folder.exists() and not (folder / "atlas.dzi").is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise AtlasError(f"{folder} exists and is not a deep zoom image; give another name.")
    try:
        with new_folder(folder) as part:
            pyramid = _Pyramid(level, part / "atlas_files", picture_format)
            pyramid.write(pyramid.top, 0, 0)
            text = _DESCRIPTOR.format(format=picture_format, tile=TILE_PX, side=pyramid.side)
            (part / "atlas.dzi").write_text(text, encoding="utf-8")
    except OSError as error:
        raise AtlasError(f"{folder} cannot be written: {error.strerror or error}") from error
    return folder / "atlas.dzi"


class _Pyramid:
    """Tiles by level; level 0 is one pixel, each next one twice as large, the last one full size."""

    def __init__(self, level: AtlasLevel, folder: Path, picture_format: str) -> None:
        assert level.icons is not None  # noqa: S101 - checked by the caller
        self._icons, self._folder, self._format = level.icons, folder, picture_format
        self._row_of = dict(zip(level.grid.cell.tolist(), range(len(level.grid)), strict=True))
        self._size = level.size
        self._icon_px = len(self._icons[0]) if len(level.grid) else 1
        self._pitch = self._icon_px + _GAP_PX
        self.side = level.size * self._pitch - _GAP_PX
        self._full = (self.side - 1).bit_length()
        # Above this level, the whole image is within one tile.
        self.top = min(self._full, (TILE_PX - 1).bit_length())
        for number in range(self._full + 1):
            (folder / str(number)).mkdir(parents=True)

    def write(self, number: int, row: int, column: int) -> NDArray[np.float32] | None:
        """Write one tile of level `number` and everything below it; returns its premultiplied pixels, None if blank."""
        side = -(-self.side // 2 ** (self._full - number))
        height, width = (min(TILE_PX, side - place * TILE_PX) for place in (row, column))
        if height <= 0 or width <= 0:
            return None
        tile = self._paint(row, column, height, width) if number == self._full else self._shrink(number, row, column)
        if tile is None:
            return None
        tile = tile[:height, :width]
        self._save(tile, number, row, column)
        if number == self.top:
            self._smaller(tile)
        return tile

    def _shrink(self, number: int, row: int, column: int) -> NDArray[np.float32] | None:
        quarters = np.zeros((2 * TILE_PX, 2 * TILE_PX, 4), dtype=np.float32)
        found = False
        for down in (0, 1):
            for right in (0, 1):
                quarter = self.write(number + 1, 2 * row + down, 2 * column + right)
                if quarter is not None:
                    found = True
                    top, left = down * TILE_PX, right * TILE_PX
                    quarters[top : top + len(quarter), left : left + quarter.shape[1]] = quarter
        return _halve(quarters) if found else None

    def _smaller(self, tile: NDArray[np.float32]) -> None:
        for number in range(self.top - 1, -1, -1):
            height, width = tile.shape[:2]
            tile = _halve(np.pad(tile, ((0, height % 2), (0, width % 2), (0, 0))))
            self._save(tile, number, 0, 0)

    def _paint(self, row: int, column: int, height: int, width: int) -> NDArray[np.float32] | None:
        tile = np.zeros((TILE_PX, TILE_PX, 4), dtype=np.float32)
        top, left = row * TILE_PX, column * TILE_PX
        found = False
        for r in range(top // self._pitch, min(self._size, (top + height - 1) // self._pitch + 1)):
            for c in range(left // self._pitch, min(self._size, (left + width - 1) // self._pitch + 1)):
                i = self._row_of.get(r * self._size + c)
                if i is None:
                    continue
                y, x = r * self._pitch - top, c * self._pitch - left
                # The part of the icon that lies in this tile.
                ys, xs = (slice(max(0, -p), min(self._icon_px, TILE_PX - p)) for p in (y, x))
                part = self._icons[i][ys, xs]
                if part.size:
                    found = True
                    place = tile[y + ys.start : y + ys.stop, x + xs.start : x + xs.stop]
                    place[..., :3], place[..., 3] = part, 255
        return tile if found else None

    def _save(self, tile: NDArray[np.float32], number: int, row: int, column: int) -> None:
        alpha = tile[..., 3:]
        colour = np.divide(tile[..., :3] * 255, alpha, out=np.zeros_like(tile[..., :3]), where=alpha > 0)
        pixels = np.concatenate([colour, alpha], axis=2).round().clip(0, 255).astype(np.uint8)
        path = self._folder / str(number) / f"{column}_{row}.{self._format}"
        # PNG has no quality, and passes over it.
        Image.fromarray(pixels).save(path, quality=_QUALITY)


def _halve(tile: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of every four pixels; colours are premultiplied, so that blanks do not darken an edge."""
    halved: NDArray[np.float32] = tile.reshape(len(tile) // 2, 2, tile.shape[1] // 2, 2, 4).mean(axis=(1, 3))
    return halved
