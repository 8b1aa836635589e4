"""Classes side by side as a picture: a name over every panel, space between panels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image

from atlas.export.annotations import stamp
from atlas.export.board import Background, plan_board
from atlas.export.lettering import Lettering
from atlas.export.png import render_level

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray


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
        Rows of panels that hold no class are left out.
    """
    ground = Background.parse(background)
    whole = render_level(level_size, cells, icon, icon_px=icon_px, background=background, **options)
    board = plan_board(level_size, icon_px, title=False, footer=False)
    side = board.side // panels
    name_type = Lettering(max(13, round(0.07 * side)))
    title_type = Lettering(max(15, round(0.036 * board.side)), weight=0.012)
    quiet_type = Lettering(max(10, round(0.02 * board.side)), weight=0.008)
    head = round(1.5 * name_type.line_height)
    gap = max(8, round(0.06 * side))
    above = round(1.6 * title_type.line_height) if title else 0
    below = round(1.6 * quiet_type.line_height) if footer else 0
    rows = -(-len(names) // panels)
    size = (
        2 * board.margin + panels * side + (panels - 1) * gap,
        2 * board.margin + above + below + rows * (side + head) + (rows - 1) * gap,
    )
    canvas = Image.new(whole.mode, size, ground.rgba if whole.mode == "RGBA" else ground.rgba[:3])
    for number, name in enumerate(names):
        row, column = divmod(number, panels)
        left, top = board.margin + column * (side + gap), board.margin + above + row * (side + head + gap)
        if lines := name_type.wrap(name, side, 1):
            stamp(canvas, name_type.draw(lines, ground.ink), left, top)
        corner = board.margin + column * side, board.margin + row * side
        canvas.paste(whole.crop((*corner, corner[0] + side, corner[1] + side)), (left, top + head))
    if title and (lines := title_type.wrap(title, size[0] - 2 * board.margin, 1)):
        stamp(canvas, title_type.draw(lines, ground.ink), board.margin, board.margin)
    if footer and (lines := quiet_type.wrap(footer, size[0] - 2 * board.margin, 1)):
        foot = size[1] - board.margin - quiet_type.line_height
        stamp(canvas, quiet_type.draw(lines, ground.quiet_ink), board.margin, foot)
    canvas.info["Title"] = title or f"{', '.join(names)}, side by side"
    return canvas
