"""What is written on a level: class labels in their cells, markers at places."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageColor, ImageDraw

from atlas.errors import AtlasError
from atlas.export.board import INK, PAPER, carries_white
from atlas.export.lettering import Lettering

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from atlas.export.board import Board

__all__ = ["Marker", "draw_labels", "draw_markers", "spread_labels", "stamp"]

SMALLEST_LABELLED_ICON: Final = 40
SMALLEST_FOR_TWO_LINES: Final = 64
APART: Final = 5  # cells between two labels of the same text
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Marker:
    """A place on the atlas with a name.

    Attributes
    ----------
    x, y : float
        In [0, 1], y down.
    text : str
        A few words; may be empty.
    colour : str, optional
        Any colour that Pillow knows.
    layer : str, optional
        Layer whose map the place is on; by default the first.
    """

    x: float
    y: float
    text: str
    colour: str = "#e5484d"
    layer: str | None = None

    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue; AtlasError when the colour is unknown or the place outside the atlas."""
        if not (0 <= self.x <= 1 and 0 <= self.y <= 1):
            raise AtlasError(f'marker "{self.text}" is at ({self.x}, {self.y}): places are in [0, 1]')
        try:
            red, green, blue = ImageColor.getrgb(self.colour)[:3]
        except ValueError as error:
            raise AtlasError(f'marker "{self.text}": "{self.colour}" is no colour') from error
        return red, green, blue


def stamp(canvas: Image.Image, overlay: Image.Image, left: int, top: int) -> None:
    """Lay an RGBA overlay on the canvas, touching only what lies under it; parts outside are cut off."""
    right = min(overlay.width, canvas.width - left)
    bottom = min(overlay.height, canvas.height - top)
    box = (max(0, -left), max(0, -top), right, bottom)
    if box[0] >= box[2] or box[1] >= box[3]:
        return
    part = overlay.crop(box)
    place = (left + box[0], top + box[1])
    if canvas.mode == "RGBA":
        canvas.alpha_composite(part, place)
    else:
        canvas.paste(part, place, part)


def spread_labels(cells: NDArray[np.int64], level_size: int, labels: Sequence[str]) -> list[int]:
    """Choose the cells that get their label written: a region of one label gets a few, well inside it.

    Cells amid many of their own kind come first; a cell is passed over when one of the same label within 4
    rows and columns has been chosen.

    Parameters
    ----------
    cells : (M,) int
        Linear indices.
    level_size : int
        Cells in a row.
    labels : sequence of M str
        Empty where there is nothing to say.

    Returns
    -------
    list of int
        Positions in `cells`, in order.
    """
    rows_of: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        if label:
            rows_of.setdefault(label, []).append(row)
    chosen: list[int] = []
    for rows in rows_of.values():
        down, across = np.divmod(cells[rows], level_size)
        down, across = down - down.min(), across - across.min()
        region = np.zeros((down.max() + 1, across.max() + 1), dtype=np.int64)
        region[down, across] = 1
        company = sliding_window_view(np.pad(region, 2), (5, 5)).sum(axis=(2, 3))[down, across]
        taken = np.zeros_like(region, dtype=bool)
        for at in np.argsort(-company, kind="stable"):
            y, x = int(down[at]), int(across[at])
            near = taken[max(0, y - APART + 1) : y + APART, max(0, x - APART + 1) : x + APART]
            if not near.any():
                taken[y, x] = True
                chosen.append(rows[at])
    return sorted(chosen)


def draw_labels(
    canvas: Image.Image, board: Board, cells: NDArray[np.int64], labels: Sequence[str], *, dark: bool
) -> None:
    """Write class labels at the foot of their cells, on translucent plates, in one or two lines.

    Raises
    ------
    AtlasError
        When icons are too small for type.
    """
    if board.icon_px < SMALLEST_LABELLED_ICON:
        raise AtlasError(
            f"labels cannot be read on icons of {board.icon_px} px: "
            f"use {SMALLEST_LABELLED_ICON} or more, or leave labels out"
        )
    lettering = Lettering(max(9, round(0.135 * board.icon_px)))
    across, _ = lettering.padding()
    most = 2 if board.icon_px >= SMALLEST_FOR_TWO_LINES else 1
    ink, plate = (PAPER, (*INK, 205)) if dark else (INK, (255, 255, 255, 225))
    for row in spread_labels(cells, board.level_size, labels):
        lines = lettering.wrap(labels[row], board.icon_px - 2 * across - 2, most)
        if not lines:
            continue
        overlay = lettering.plate(lines, ink, plate, centred=True)
        left, top = board.corner(int(cells[row]))
        foot = top + board.pitch - max(2, board.pitch // 24)
        stamp(canvas, overlay, left + (board.pitch - overlay.width) // 2, foot - overlay.height)


def draw_markers(canvas: Image.Image, board: Board, markers: Sequence[Marker]) -> None:
    """Draw a ring at each marker's place and its text beside it, clear of other texts where there is room.

    Raises
    ------
    AtlasError
        When a place lies outside the atlas or a colour is unknown.
    """
    colours = [marker.rgb() for marker in markers]
    radius = max(7, round(0.3 * board.pitch), round(0.012 * board.side))
    places = [tuple(map(round, board.point(marker.x, marker.y))) for marker in markers]
    rings: list[Box] = [(x - radius, y - radius, x + radius, y + radius) for x, y in places]
    for (x, y), colour in zip(places, colours, strict=True):
        drawn = _ring(radius, colour)
        stamp(canvas, drawn, x - drawn.width // 2, y - drawn.height // 2)
    lettering = Lettering(max(11, round(0.017 * board.side)))
    width = board.size[0]
    taken = list(rings)
    for marker, ring, colour in zip(markers, rings, colours, strict=True):
        lines = lettering.wrap(marker.text, width // 3, 1)
        if not lines:
            continue
        plate = lettering.plate(lines, PAPER if carries_white(colour) else INK, (*colour, 240))
        box = _free_place(ring, plate.size, canvas.size, taken)
        taken.append(box)
        stamp(canvas, plate, box[0], box[1])


def _ring(radius: int, colour: tuple[int, int, int]) -> Image.Image:
    """Draw a ring that shows on any icon: its colour between white, with a soft dark rim; RGBA."""
    line = max(2, round(0.18 * radius))
    side = 2 * (radius + 2 * line)
    ring = Image.new("RGBA", (side * 4, side * 4), (0, 0, 0, 0))
    pen = ImageDraw.Draw(ring)

    def circle(outer: float, fill: tuple[int, int, int, int], thick: float) -> None:
        middle = side * 2
        reach = outer * 4
        pen.ellipse(
            (middle - reach, middle - reach, middle + reach - 1, middle + reach - 1),
            outline=fill,
            width=max(1, round(thick * 4)),
        )

    circle(radius + 1.5 * line, (0, 0, 0, 110), 3.5 * line)
    circle(radius + line, (255, 255, 255, 255), 2.5 * line)
    circle(radius + 0.5 * line, (*colour, 255), 1.5 * line)
    return ring.resize((side, side), Image.Resampling.BOX)


def _free_place(ring: Box, size: tuple[int, int], canvas: tuple[int, int], taken: Sequence[Box]) -> Box:
    """Choose the first box beside a ring that lies in the picture and on nothing taken, or just in it."""
    inside = [
        box
        for box in _places(ring, size)
        if box[0] >= 0 and box[1] >= 0 and box[2] <= canvas[0] and box[3] <= canvas[1]
    ]
    for box in inside:
        if not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            return box
    if inside:
        return inside[0]
    left = max(0, min(ring[2], canvas[0] - size[0]))
    top = max(0, min(ring[3], canvas[1] - size[1]))
    return left, top, left + size[0], top + size[1]


def _places(ring: Box, size: tuple[int, int]) -> Iterator[Box]:
    """Yield boxes around a ring: right, left, below, above, then round about and further away."""
    x, y, radius = (ring[0] + ring[2]) / 2, (ring[1] + ring[3]) / 2, (ring[2] - ring[0]) / 2
    for far in (1.5, 2.5, 4.0):
        for turn in (0, 180, 90, 270, 45, 135, 225, 315):
            angle = math.radians(turn)
            reach = far * radius
            middle_x = x + math.cos(angle) * (reach + size[0] / 2)
            middle_y = y + math.sin(angle) * (reach + size[1] / 2)
            left, top = round(middle_x - size[0] / 2), round(middle_y - size[1] / 2)
            yield left, top, left + size[0], top + size[1]
