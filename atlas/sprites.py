"""Icons on disk: sprite sheets of one fixed size.

A sheet is a WebP file of 1024 x 1024 pixels: small enough to be decoded in a blink (a 4096-pixel sheet
takes 67 MB), large enough that a level is a handful of files. Icons are laid row by row, each in a frame of
its own edge pixels.

The frame is there because lossy WebP halves the resolution of colour and blends it across icons when it is
decoded: of flat icons side by side, one border pixel in a hundred was off by 63 of 255 without a frame, by 3
with one (80 pixels, quality 95).
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["SHEET_PX", "SheetGeometry", "SheetReader", "write_sheets"]

SHEET_PX: Final = 1024
FRAME_PX: Final = 2  # one sample of the halved colour on each side
# An incompressible sheet takes 3 MB; anything much larger is no sheet.
MAX_FILE_BYTES: Final = 2 * 3 * SHEET_PX * SHEET_PX
BLANK: Final = 128


@dataclass(frozen=True, slots=True)
class SheetGeometry:
    """Where icons of one size lie in a sheet.

    Attributes
    ----------
    icon_px : int
        Side of an icon in pixels, from 1 to 1020.

    Raises
    ------
    AtlasError
        When no icon of that size fits a sheet.
    """

    icon_px: int

    def __post_init__(self) -> None:
        largest = SHEET_PX - 2 * FRAME_PX
        if not 1 <= self.icon_px <= largest:
            raise AtlasError(f"icons of {self.icon_px} px do not fit a sheet: choose a size from 1 to {largest}")

    @property
    def pitch(self) -> int:
        """Pixels from one icon to the next; even, so that no colour sample covers two icons."""
        return self.icon_px + self.icon_px % 2 + 2 * FRAME_PX

    @property
    def per_side(self) -> int:
        """Icons in a row, and rows in a sheet."""
        return SHEET_PX // self.pitch

    @property
    def per_sheet(self) -> int:
        """Icons in a full sheet."""
        return self.per_side**2

    def sheets(self, count: int) -> int:
        """Sheets that `count` icons take."""
        return -(-count // self.per_sheet)

    def place(self, index: int) -> tuple[int, int, int]:
        """Sheet number, top and left pixel of icon `index`."""
        sheet, within = divmod(index, self.per_sheet)
        row, column = divmod(within, self.per_side)
        return sheet, row * self.pitch + FRAME_PX, column * self.pitch + FRAME_PX


def sheet_name(number: int) -> str:
    """File name of a sheet, counted from 0."""
    return f"icons-{number:03d}.webp"


def write_sheets(
    folder: Path, icons: Iterable[NDArray[np.uint8]], icon_px: int, *, quality: int | None = 95
) -> list[str]:
    """Write icons as sprite sheets and remove the sheets of an earlier, longer set.

    Icons are taken one at a time, so they may come from a generator. Sheets get their names only when all of
    them are written: when an icon is refused, the folder stays as it was.

    Parameters
    ----------
    folder : Path
        Made if absent.
    icons : iterable of (S, S, 3) uint8
        In the order of the sheets, see `atlas.blocks`; an (M, S, S, 3) array will do.
    icon_px : int
        S, the side of every icon.
    quality : int or None, optional
        1 to 100, WebP's lossy quality; None is lossless. Measured on rendered icons of 80 px: 95 takes 4 KB
        an icon and keeps brightness to 44 dB (90: 3.5 KB, 41 dB); colour that changes from pixel to pixel is
        lost at any quality. Lossless takes 14 KB.

    Returns
    -------
    list of str
        File names in order; empty when there are no icons.

    Raises
    ------
    AtlasError
        When an icon has another shape or type, or the quality is out of range.
    """
    geometry = SheetGeometry(icon_px)
    if quality is not None and not 1 <= quality <= 100:
        raise AtlasError(f"icon quality is {quality}: choose 1 to 100, or None for lossless")
    folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    canvas = _blank()
    count = 0
    try:
        for icon in icons:
            _paint(canvas, geometry, count, icon)
            count += 1
            if count % geometry.per_sheet == 0:
                _save(canvas, folder, names, quality)
                canvas = _blank()
        if count % geometry.per_sheet:
            _save(canvas, folder, names, quality)
        for name in names:
            _part(folder, name).replace(folder / name)
    finally:
        for name in names:
            _part(folder, name).unlink(missing_ok=True)
    for stale in set(folder.glob("icons-*.webp")) - {folder / name for name in names}:
        stale.unlink()
    return names


class SheetReader:
    """Icons of one level, read from its sheets when they are asked for.

    Nothing a sheet says is trusted: its size is checked before anything is decoded, and a link is refused.

    Parameters
    ----------
    folder : Path
        Where `write_sheets` put the sheets.
    icon_px : int
        Side of an icon in pixels.
    count : int
        Number of icons.
    order : array (count,), optional
        Which icon is laid first, second and so on, see `atlas.blocks`; by default they are laid as they are numbered.
    cached : int, optional
        Decoded sheets kept in memory, 3 MB each.

    Raises
    ------
    AtlasError
        When a sheet is missing or a link; on reading, when a file is no sheet.
    """

    def __init__(
        self, folder: Path, icon_px: int, count: int, *, order: NDArray[np.int64] | None = None, cached: int = 16
    ) -> None:
        self._folder = folder
        self._geometry = SheetGeometry(icon_px)
        self._count = count
        self._places = np.arange(count)
        if order is not None:
            self._places[order] = np.arange(count)
        for number in range(self._geometry.sheets(count)):
            _refuse_links(folder / sheet_name(number))
        self._sheet = lru_cache(maxsize=max(1, cached))(self._decode)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Icon `index` as (S, S, 3) uint8, a copy; IndexError outside [0, count)."""
        if not 0 <= index < self._count:
            raise IndexError(f"icon {index} of {self._count}")
        number, top, left = self._geometry.place(int(self._places[index]))
        side = self._geometry.icon_px
        return self._sheet(number)[top : top + side, left : left + side].copy()

    @property
    def sheets(self) -> int:
        """Number of sheets."""
        return self._geometry.sheets(self._count)

    def read(self, number: int) -> bytes:
        """Sheet `number` as it is stored, a WebP file of 1024 x 1024 pixels.

        Raises
        ------
        AtlasError
            There is no such sheet, or the file is missing, a link, or no sheet.
        """
        if not 0 <= number < self.sheets:
            raise AtlasError(f"There is no sheet {number} of these icons: they have {self.sheets}.")
        path = self._folder / sheet_name(number)
        _refuse_links(path)
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES or _webp_size(data) != (SHEET_PX, SHEET_PX):
            raise AtlasError(f"{path} is not a sheet of {SHEET_PX} x {SHEET_PX} WebP pixels: build this level again")
        return data

    def _decode(self, number: int) -> NDArray[np.uint8]:
        data = self.read(number)
        try:
            with Image.open(io.BytesIO(data), formats=["WEBP"]) as image:
                return np.asarray(image.convert("RGB"))
        except OSError as error:
            path = self._folder / sheet_name(number)
            raise AtlasError(f"{path} is damaged: build this level again") from error


def _blank() -> NDArray[np.uint8]:
    return np.full((SHEET_PX, SHEET_PX, 3), BLANK, dtype=np.uint8)


def _paint(canvas: NDArray[np.uint8], geometry: SheetGeometry, index: int, icon: NDArray[np.uint8]) -> None:
    """Put one icon and its frame on the canvas of its sheet."""
    side = geometry.icon_px
    if icon.shape != (side, side, 3) or icon.dtype != np.uint8:
        raise AtlasError(
            f"icon {index} is {icon.dtype} {icon.shape}: icons of this level are uint8 ({side}, {side}, 3)"
        )
    _, top, left = geometry.place(index)
    before, after = FRAME_PX, geometry.pitch - side - FRAME_PX
    framed = np.pad(icon, ((before, after), (before, after), (0, 0)), mode="edge")
    canvas[top - before : top + side + after, left - before : left + side + after] = framed


def _part(folder: Path, name: str) -> Path:
    return folder / f".{name}.part"


def _save(canvas: NDArray[np.uint8], folder: Path, names: list[str], quality: int | None) -> None:
    """Write the canvas under a temporary name and append the name that it will get."""
    name = sheet_name(len(names))
    names.append(name)
    part = _part(folder, name)
    part.unlink(missing_ok=True)
    with part.open("xb") as file:
        Image.fromarray(canvas).save(
            file, "WEBP", method=4, lossless=quality is None, quality=50 if quality is None else quality
        )
        file.flush()
        os.fsync(file.fileno())


def _refuse_links(path: Path) -> None:
    if path.is_symlink() or not path.is_file():
        raise AtlasError(f"{path} is missing or is a link: build this level again")


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a plain still WebP, from its first bytes; None for anything else.

    The layouts are those of RFC 9649 (container, lossless) and RFC 6386, section 9.1 (lossy).
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    kind, head = data[12:16], data[20:30]
    if kind == b"VP8 " and head[3:6] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        return width, height
    if kind == b"VP8L" and head[:1] == b"\x2f":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
