"""A comparison of two classes as a picture: cells framed by the class they speak for, an axis with both names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, ImageDraw

from atlas.errors import AtlasError
from atlas.export.annotations import stamp
from atlas.export.board import NEUTRAL, Background, plan_board
from atlas.export.lettering import Lettering
from atlas.export.png import density_sides, render_level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from atlas.export.board import Board, Colour

# Orange and blue: told apart with any colour vision. On white both carry type (contrast 4.5 : 1 and more, WCAG 2.2);
# the lighter pair does on black.
ON_LIGHT: Final[tuple[Colour, Colour]] = ((189, 80, 8), (29, 98, 176))
ON_DARK: Final[tuple[Colour, Colour]] = ((255, 159, 92), (122, 184, 255))
_FAINTEST, _FULL = 40, 255


def render_compared(
    level_size: int,
    cells: NDArray[np.int64],
    icon: Callable[[int], NDArray[np.uint8]],
    difference: NDArray[np.floating],
    axes: Mapping[str, str],
    *,
    icon_px: int = 80,
    background: str = "white",
    density: NDArray[np.int64] | None = None,
    title: str | None = None,
    footer: str | None = None,
    **options: Any,  # noqa: ANN401 - labels and markers of `render_level`
) -> Image.Image:
    """Draw a level of a comparison.

    Parameters
    ----------
    level_size, cells, icon, icon_px, background, density, title, footer, **options
        See `render_level`.
    difference : (M,) float
        Which class a cell speaks for, -1 (all for the right one) to 1 (all for the left one): the colour of its frame,
        and how strong it is.
    axes : mapping
        "left" and "right", the names of the classes, and "vertical", what lies along the other axis.

    Returns
    -------
    PIL.Image.Image

    Raises
    ------
    AtlasError
        See `render_level`; `difference` has another length than `cells`.
    """
    if len(difference) != len(cells):
        raise AtlasError(f"{len(difference)} differences for {len(cells)} cells: give one for each cell")
    ground = Background.parse(background)
    picture = render_level(level_size, cells, icon, icon_px=icon_px, background=background, density=density, **options)
    board = plan_board(level_size, icon_px, title=False, footer=False)
    colours = ON_DARK if ground.dark else ON_LIGHT
    sides = np.full(len(cells), icon_px) if density is None else density_sides(density, icon_px)
    for cell, side, value in zip(cells.tolist(), sides.tolist(), difference.tolist(), strict=True):
        left, top = board.corner(cell)
        inset = (board.pitch - side) // 2
        stamp(picture, _frame(side, value, colours), left + inset, top + inset)
    return _with_axes(picture, board, ground, colours, axes, title, footer)


def _frame(side: int, value: float, colours: tuple[Colour, Colour]) -> Image.Image:
    """Draw the frame of an icon, RGBA: stronger where the cell speaks for one class alone."""
    frame = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    colour = colours[0] if value > 0 else colours[1]
    strength = round(_FAINTEST + (_FULL - _FAINTEST) * min(1.0, abs(value)))
    ImageDraw.Draw(frame).rectangle((0, 0, side - 1, side - 1), outline=(*colour, strength), width=max(2, side // 22))
    return frame


def _with_axes(
    picture: Image.Image,
    board: Board,
    ground: Background,
    colours: tuple[Colour, Colour],
    axes: Mapping[str, str],
    title: str | None,
    footer: str | None,
) -> Image.Image:
    """Put a band with the axis below the picture, its name beside it, and title and footer around."""
    # Type that is read from afar: larger than on an atlas, which has more cells.
    name_type = Lettering(max(14, round(0.034 * board.side)))
    quiet_type = Lettering(max(10, round(0.02 * board.side)), weight=0.008)
    title_type = Lettering(max(15, round(0.036 * board.side)), weight=0.012)
    bar = max(5, round(0.012 * board.side))
    above = round(1.6 * title_type.line_height) if title else 0
    beside = round(1.6 * quiet_type.line_height)
    axis = 2 * bar + round(1.5 * name_type.line_height)
    below = axis + (round(1.5 * quiet_type.line_height) if footer else 0)
    fill = ground.rgba if picture.mode == "RGBA" else ground.rgba[:3]
    canvas = Image.new(picture.mode, (picture.width + beside, picture.height + above + below), fill)
    canvas.paste(picture, (beside, above))
    left, top = beside + board.margin, above + picture.height - board.margin + bar
    stamp(canvas, _bar(board.side, bar, colours), left, top)
    text_top = top + 2 * bar
    room = round(0.36 * board.side)
    for name, colour, at_right in ((axes["left"], colours[0], False), (axes["right"], colours[1], True)):
        if lines := name_type.wrap(name, room, 1):
            text = name_type.draw(lines, colour)
            stamp(canvas, text, left + (board.side - text.width if at_right else 0), text_top)
    if lines := quiet_type.wrap("both alike", round(0.2 * board.side), 1):
        text = quiet_type.draw(lines, ground.quiet_ink)
        drop = (name_type.line_height - quiet_type.line_height) // 2
        stamp(canvas, text, left + (board.side - text.width) // 2, text_top + drop)
    if lines := quiet_type.wrap(axes.get("vertical", ""), board.side, 1):
        text = quiet_type.draw(lines, ground.quiet_ink).transpose(Image.Transpose.ROTATE_90)
        stamp(canvas, text, board.margin, above + board.margin + (board.side - text.height) // 2)
    if title and (lines := title_type.wrap(title, board.side, 1)):
        stamp(canvas, title_type.draw(lines, ground.ink), left, board.margin)
    if footer and (lines := quiet_type.wrap(footer, board.side, 1)):
        foot = canvas.height - board.margin - quiet_type.line_height
        stamp(canvas, quiet_type.draw(lines, ground.quiet_ink), left, foot)
    canvas.info["Title"] = title or f"{axes['left']} and {axes['right']}, compared"
    return canvas


def _bar(width: int, height: int, colours: tuple[Colour, Colour]) -> Image.Image:
    """Draw the axis, RGBA: each class's colour at its end, nothing in the middle but a tick."""
    place = np.linspace(-1, 1, width)
    pixels = np.zeros((height, width, 4), dtype=np.uint8)
    pixels[..., :3] = np.where(place[:, None] < 0, colours[0], colours[1])
    pixels[..., 3] = (_FAINTEST + (_FULL - _FAINTEST) * np.abs(place)).round()
    middle, half = width // 2, max(1, height // 4)
    pixels[:, middle - half : middle + half] = (*NEUTRAL, 255)
    return Image.fromarray(pixels)
