"""Classes side by side as a picture: a name over every panel, the same part of the layout in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, ImageDraw

from atlas.export.annotations import stamp
from atlas.export.board import Background, plan_board
from atlas.export.lettering import Lettering
from atlas.export.png import render_level

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

#: Up to so many panels lie in one row.
_ONE_ROW: Final = 3
#: Of 255, how strong a panel's ground and its empty places are.
_PLATE, _GHOST = 10, 26


def render_panels(
    level_size: int,
    cells: NDArray[np.int64],
    icon: Callable[[int], NDArray[np.uint8]],
    names: Sequence[str],
    panels: int,
    *,
    icon_px: int = 80,
    background: str = "white",
    title: str | None = None,
    footer: str | None = None,
    **options: Any,  # noqa: ANN401 - density, labels and markers of `render_level`
) -> Image.Image:
    """Draw a level of classes side by side.

    Parameters
    ----------
    level_size, cells, icon, icon_px, background, title, footer, **options
        See `render_level`.
    names : sequence of str
        Of the classes, panel by panel, row by row.
    panels : int
        Panels a side; divides `level_size`.

    Returns
    -------
    PIL.Image.Image
        Panels in one row for up to three classes, otherwise in rows as long as there are. All of them show the same
        part of the layout, the least that holds every cell; where other classes have a cell and this one has none
        there is an empty square, so that the same place can be found in every panel.
    """
    ground = Background.parse(background)
    plate = _plate(ground)
    whole = render_level(level_size, cells, icon, icon_px=icon_px, background=plate, **options)
    board = plan_board(level_size, icon_px, title=False, footer=False)
    parts = _Parts.of(cells, level_size, panels)
    width, height = parts.columns * board.pitch, parts.rows * board.pitch
    name_type = Lettering(max(15, round(0.07 * width)))
    across = len(names) if len(names) <= _ONE_ROW else panels
    pad = max(6, round(0.12 * icon_px))
    head, gap = round(1.5 * name_type.line_height), max(16, round(0.3 * icon_px))
    down = -(-len(names) // across)
    inner = across * (width + 2 * pad) + (across - 1) * gap
    title_type = Lettering(max(17, round(0.036 * inner)), weight=0.012)
    quiet_type = Lettering(max(11, round(0.02 * inner)), weight=0.008)
    above = round(1.8 * title_type.line_height) if title else 0
    below = round(1.8 * quiet_type.line_height) if footer else 0
    size = (
        2 * board.margin + inner,
        2 * board.margin + above + below + down * (height + 2 * pad + head) + (down - 1) * gap,
    )
    canvas = Image.new(whole.mode, size, ground.rgba if whole.mode == "RGBA" else ground.rgba[:3])
    for number, name in enumerate(names):
        row, column = divmod(number, across)
        left = board.margin + column * (width + 2 * pad + gap)
        top = board.margin + above + row * (height + 2 * pad + head + gap)
        if lines := name_type.wrap(name, width, 1):
            stamp(canvas, name_type.draw(lines, ground.ink), left, top)
        fill = Background.parse(plate).rgba[: len(canvas.getbands())]
        canvas.paste(fill, (left, top + head, left + width + 2 * pad, top + head + height + 2 * pad))
        for place in parts.empty(number):
            x, y = left + pad + place[1] * board.pitch, top + head + pad + place[0] * board.pitch
            stamp(canvas, _ghost(icon_px, ground), x, y)
        for cell in parts.of_panel(number):
            corner = board.corner(cell)
            place = parts.place(cell)
            square = whole.crop((*corner, corner[0] + icon_px, corner[1] + icon_px))
            x, y = left + pad + place[1] * board.pitch, top + head + pad + place[0] * board.pitch
            canvas.paste(square, (x, y))
    if title and (lines := title_type.wrap(title, size[0] - 2 * board.margin, 1)):
        stamp(canvas, title_type.draw(lines, ground.ink), board.margin, board.margin)
    if footer and (lines := quiet_type.wrap(footer, size[0] - 2 * board.margin, 1)):
        foot = size[1] - board.margin - quiet_type.line_height
        stamp(canvas, quiet_type.draw(lines, ground.quiet_ink), board.margin, foot)
    canvas.info["Title"] = title or f"{', '.join(names)}, side by side"
    return canvas


@dataclass(frozen=True)
class _Parts:
    """Cells of a level of panels: in which panel they are, and where in the part of it that is shown."""

    where: dict[int, tuple[int, tuple[int, int]]]
    rows: int
    columns: int

    @classmethod
    def of(cls, cells: NDArray[np.int64], level_size: int, panels: int) -> _Parts:
        side = level_size // panels
        row, column = cells // level_size, cells % level_size
        panel = row // side * panels + column // side
        within = np.stack([row % side, column % side], axis=1).reshape(-1, 2)
        least = within.min(axis=0) if len(cells) else np.zeros(2, dtype=np.int64)
        rows, columns = (within.max(axis=0) - least + 1).tolist() if len(cells) else (1, 1)
        places = [(int(r), int(c)) for r, c in within - least]
        return cls(dict(zip(cells.tolist(), zip(panel.tolist(), places, strict=True), strict=True)), rows, columns)

    def of_panel(self, number: int) -> list[int]:
        return [cell for cell, (panel, _) in self.where.items() if panel == number]

    def place(self, cell: int) -> tuple[int, int]:
        return self.where[cell][1]

    def empty(self, number: int) -> list[tuple[int, int]]:
        """Places where other panels have a cell and this one has none."""
        own = {place for panel, place in self.where.values() if panel == number}
        return sorted({place for _, place in self.where.values()} - own)


def _plate(ground: Background) -> str:
    """Colour that a panel lies on: the background with a hint of the ink."""
    if not ground.opaque:
        return "transparent"
    mixed = (round(g + (i - g) * _PLATE / 255) for g, i in zip(ground.rgba, ground.ink, strict=False))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _ghost(side: int, ground: Background) -> Image.Image:
    """An empty place."""
    square = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    inset = side // 3
    ImageDraw.Draw(square).rectangle((inset, inset, side - 1 - inset, side - 1 - inset), fill=(*ground.ink, _GHOST))
    return square
