"""The cells that tell two classes apart as one picture: icon, figures, and what photographs show there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PIL import Image

from atlas.errors import AtlasError
from atlas.export.annotations import stamp
from atlas.export.board import Background
from atlas.export.compared import ON_DARK, ON_LIGHT
from atlas.export.lettering import Lettering

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

ICON_PX: Final = 120
PATCH_PX: Final = 58
PATCHES: Final = 4
_GAP: Final = 4
_SPACE: Final = 26
_NO_PATCHES_PX: Final = 150


@dataclass(frozen=True, eq=False)
class Evidence:
    """One cell: its icon (S, S, 3) uint8, lines of text, and up to four patches of photographs."""

    icon: NDArray[np.uint8]
    lines: Sequence[str]
    patches: Sequence[Image.Image] = ()


def draw_evidence(
    sides: tuple[tuple[str, Sequence[Evidence]], tuple[str, Sequence[Evidence]]],
    *,
    background: str = "white",
    title: str | None = None,
    footer: str | None = None,
) -> Image.Image:
    """Draw the cells of both classes in two columns, the strongest at the top.

    Parameters
    ----------
    sides : pair of (name, sequence of Evidence)
        Left class and right class.
    background : str
        "white" or any colour that Pillow knows.
    title, footer : str, optional
        A line above and below.

    Raises
    ------
    AtlasError
        The background is no colour, or there is nothing to draw.
    """
    rows = max(len(cells) for _, cells in sides)
    if not rows:
        raise AtlasError("No cell tells these classes apart; compare at another layer.")
    ground = Background.parse(background)
    colours = ON_DARK if ground.dark else ON_LIGHT
    with_patches = any(cell.patches for _, cells in sides for cell in cells)
    beside = 2 * PATCH_PX + _GAP if with_patches else 0
    width = ICON_PX + _GAP + beside + 10 + _NO_PATCHES_PX
    name_type, text_type = Lettering(26), Lettering(14, weight=0.008)
    title_type = Lettering(28, weight=0.012)
    above = _SPACE + (round(1.8 * title_type.line_height) if title else 0)
    head = round(1.5 * name_type.line_height)
    below = _SPACE + (round(1.6 * text_type.line_height) if footer else 0)
    size = (2 * width + 3 * _SPACE, above + head + rows * (ICON_PX + 2 * _GAP) + below)
    canvas = Image.new("RGB" if ground.opaque else "RGBA", size, ground.rgba[:3] if ground.opaque else ground.rgba)
    if title and (lines := title_type.wrap(title, size[0] - 2 * _SPACE, 1)):
        stamp(canvas, title_type.draw(lines, ground.ink), _SPACE, _SPACE)
    for number, (name, cells) in enumerate(sides):
        left = _SPACE + number * (width + _SPACE)
        if lines := name_type.wrap(name, width, 1):
            stamp(canvas, name_type.draw(lines, colours[number]), left, above)
        for row, cell in enumerate(cells):
            top = above + head + row * (ICON_PX + 2 * _GAP)
            icon = Image.fromarray(cell.icon).resize((ICON_PX, ICON_PX), Image.Resampling.LANCZOS)
            canvas.paste(icon, (left, top))
            for place, patch in enumerate(cell.patches[:PATCHES]):
                down, across = divmod(place, 2)
                corner = left + ICON_PX + _GAP + across * (PATCH_PX + _GAP), top + down * (PATCH_PX + _GAP)
                canvas.paste(patch.convert("RGB").resize((PATCH_PX, PATCH_PX), Image.Resampling.LANCZOS), corner)
            text_left = left + ICON_PX + _GAP + beside + 10
            for line, text in enumerate(cell.lines):
                if shown := text_type.wrap(text, _NO_PATCHES_PX, 1):
                    ink = ground.ink if line == 0 else ground.quiet_ink
                    stamp(canvas, text_type.draw(shown, ink), text_left, top + 8 + round(1.35 * line * 14))
    if footer and (lines := text_type.wrap(footer, size[0] - 2 * _SPACE, 1)):
        stamp(canvas, text_type.draw(lines, ground.quiet_ink), _SPACE, size[1] - _SPACE - text_type.line_height)
    canvas.info["Title"] = title or f"What tells {sides[0][0]} and {sides[1][0]} apart"
    return canvas
