"""A level of an atlas as one picture."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, PngImagePlugin

from atlas.errors import AtlasError
from atlas.export.annotations import draw_labels, draw_markers, stamp
from atlas.export.board import Background, plan_board
from atlas.export.lettering import Lettering

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.export.annotations import Marker
    from atlas.export.board import Board

__all__ = ["density_sides", "render_level", "write_png"]

SMALLEST_SHARE: Final = 0.4
SMALLEST_SCALED_PX: Final = 12
FULL_QUANTILE: Final = 0.9


def density_sides(density: NDArray[np.int64], icon_px: int) -> NDArray[np.int64]:
    """Icon sides in pixels, (M,), for cells of so many members each.

    Area is proportional to the count: side = icon_px * sqrt(count / q), q the 90 % quantile of the counts,
    kept between 40 % of icon_px (or 12 px, if that is more) and icon_px.
    """
    if not len(density):
        return np.zeros(0, dtype=np.int64)
    full = max(1.0, float(np.quantile(density, FULL_QUANTILE)))
    smallest = max(SMALLEST_SHARE * icon_px, SMALLEST_SCALED_PX)
    sides: NDArray[np.int64] = np.clip(icon_px * np.sqrt(density / full), smallest, icon_px).round().astype(np.int64)
    return sides


def render_level(
    level_size: int,
    cells: NDArray[np.int64],
    icon: Callable[[int], NDArray[np.uint8]],
    *,
    icon_px: int = 80,
    background: str = "white",
    density: NDArray[np.int64] | None = None,
    labels: Sequence[str] | None = None,
    markers: Sequence[Marker] | None = None,
    title: str | None = None,
    footer: str | None = None,
) -> Image.Image:
    """Draw a level: its icons in their cells, empty cells blank.

    The picture is held once, at 4 bytes a pixel; icons are fetched one at a time.

    Parameters
    ----------
    level_size : int
        Cells in a row and in a column, g.
    cells : (M,) int
        Linear indices, row * g + column, of the cells that have an icon.
    icon : callable
        From a position in `cells`, 0 to M - 1, to that cell's icon, (S, S, 3) uint8; brought to `icon_px`.
    icon_px : int, optional
        Side of an icon in the picture, 16 to 384. Icons of that very size keep their pixels.
    background : str, optional
        "white", "transparent" or any colour that Pillow knows.
    density : (M,) int, optional
        Members of each cell: icons are sized by them, see `density_sides`.
    labels : sequence of M str, optional
        Class labels. A region of cells with one label gets a few, not one in each cell. Needs icons of 40 px.
    markers : sequence of Marker, optional
        Places to point out.
    title, footer : str, optional
        A line above and below the cells. The title also goes into the file.

    Returns
    -------
    PIL.Image.Image
        RGB, or RGBA when the background is transparent.

    Raises
    ------
    AtlasError
        When a setting or an array does not fit; a picture of more than a billion pixels is refused with the
        largest icon size that works.
    """
    cells = np.asarray(cells)
    _check(level_size, cells, density, labels)
    ground = Background.parse(background)
    board = plan_board(level_size, icon_px, title=bool(title), footer=bool(footer))
    canvas = Image.new(
        "RGB" if ground.opaque else "RGBA", board.size, ground.rgba[:3] if ground.opaque else ground.rgba
    )
    sides = np.full(len(cells), icon_px) if density is None else density_sides(density, icon_px)
    for row, (cell, side) in enumerate(zip(cells.tolist(), sides.tolist(), strict=True)):
        left, top = board.corner(cell)
        inset = (board.pitch - side) // 2
        canvas.paste(_sized(icon(row), side, row), (left + inset, top + inset))
    if labels is not None:
        draw_labels(canvas, board, cells, labels, dark=ground.dark or not ground.opaque)
    if markers:
        draw_markers(canvas, board, markers)
    _write_bands(canvas, board, ground, title, footer)
    canvas.info["Title"] = title or f"Activation atlas, {level_size} x {level_size} cells"
    return canvas


def write_png(image: Image.Image, path: Path) -> None:
    """Write a picture as PNG, whole or not at all, with its title and the name of this program inside.

    Raises
    ------
    AtlasError
        When the name does not end in .png or the file cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise AtlasError(f"{path.name}: a PNG picture needs a name that ends in .png")
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", str(image.info.get("Title", "Activation atlas")))
    text.add_text("Software", "activation-atlas")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            image.save(file, "PNG", pnginfo=text)
        part.replace(path)
    except OSError as error:
        raise AtlasError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _check(
    level_size: int, cells: NDArray[np.int64], density: NDArray[np.int64] | None, labels: Sequence[str] | None
) -> None:
    if cells.ndim != 1 or cells.dtype.kind not in "iu":
        raise AtlasError(f"cells are {cells.dtype} {cells.shape}: linear indices are whole numbers, shape (M,)")
    if len(cells) and not (cells.min() >= 0 and cells.max() < level_size**2):
        raise AtlasError(
            f"cells run from {cells.min()} to {cells.max()}: a level of {level_size} x {level_size} "
            f"has 0 to {level_size**2 - 1}"
        )
    for name, values in (("density", density), ("labels", labels)):
        if values is not None and len(values) != len(cells):
            raise AtlasError(f"{len(values)} values of {name} for {len(cells)} cells: give one for each cell")


def _sized(icon: NDArray[np.uint8], side: int, row: int) -> Image.Image:
    if icon.ndim != 3 or icon.shape[0] != icon.shape[1] or icon.shape[2] != 3 or icon.dtype != np.uint8:
        raise AtlasError(f"icon {row} is {icon.dtype} {icon.shape}: icons are uint8 (S, S, 3)")
    image = Image.fromarray(icon)
    return image if image.width == side else image.resize((side, side), Image.Resampling.LANCZOS)


def _write_bands(canvas: Image.Image, board: Board, ground: Background, title: str | None, footer: str | None) -> None:
    """Write the title above the cells and the footer below, at their left edge."""
    if title and (lines := (type_ := Lettering(board.title_px, weight=0.012)).wrap(title, board.side, 1)):
        stamp(canvas, type_.draw(lines, ground.ink), board.margin, board.margin)
    if footer and (lines := (type_ := Lettering(board.footer_px, weight=0.008)).wrap(footer, board.side, 1)):
        foot = board.size[1] - board.margin - type_.line_height
        stamp(canvas, type_.draw(lines, ground.quiet_ink), board.margin, foot)
