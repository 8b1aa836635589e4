"""Where things lie in the picture of a level: cells, margin, the bands for title and footer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PIL import ImageColor

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_PIXELS", "Background", "Board", "plan_board"]

MAX_PIXELS: Final = 10**9  # Pillow holds 4 bytes a pixel
SMALLEST_ICON: Final = 16
LARGEST_ICON: Final = 384
INK: Final = (28, 28, 30)
PAPER: Final = (246, 246, 247)
# The grey that stands out equally from white and from black: contrast 4.5 : 1 either way (WCAG 2).
NEUTRAL: Final = (118, 118, 118)

# White and black type have the same contrast here: (1 + 0.05) / (l + 0.05) = (l + 0.05) / 0.05.
EVEN_LUMINANCE: Final = 0.179

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Background:
    """The colour behind the icons.

    Attributes
    ----------
    rgba : tuple of int
        0 to 255 each; transparent when the last is below 255.
    """

    rgba: tuple[int, int, int, int]

    @classmethod
    def parse(cls, name: str) -> Background:
        """Read "transparent" or any colour that Pillow knows: "white", "#202124", "hsl(210, 20%, 30%)".

        Raises
        ------
        AtlasError
            When the name is no colour.
        """
        if name == "transparent":
            return cls((255, 255, 255, 0))
        try:
            red, green, blue, *alpha = ImageColor.getrgb(name)
        except ValueError as error:
            raise AtlasError(
                f'"{name}" is no colour: use a name such as white, a code such as #202124, or transparent'
            ) from error
        return cls((red, green, blue, alpha[0] if alpha else 255))

    @property
    def opaque(self) -> bool:
        """Whether nothing shows through."""
        return self.rgba[3] == 255

    @property
    def dark(self) -> bool:
        """Whether light type reads better on it."""
        return self.opaque and luminance(self.rgba) < EVEN_LUMINANCE

    @property
    def ink(self) -> Colour:
        """The colour of type on it."""
        if not self.opaque:
            return NEUTRAL
        return PAPER if self.dark else INK

    @property
    def quiet_ink(self) -> Colour:
        """The colour of type that stays behind, three quarters of the way from the background to the ink."""
        if not self.opaque:
            return NEUTRAL
        red, green, blue = ((ground + 3 * ink) // 4 for ground, ink in zip(self.rgba, self.ink, strict=False))
        return red, green, blue


def luminance(colour: Sequence[int]) -> float:
    """Relative luminance of a colour, 0 to 1 (WCAG 2.2)."""
    shares = (channel / 255 for channel in colour[:3])
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Sequence[int], other: Sequence[int]) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def carries_white(colour: Sequence[int]) -> bool:
    """Whether white type on a plate of this colour reaches 3 : 1, the contrast WCAG 2.2 asks of large type."""
    return luminance(colour) < 1.05 / 3 - 0.05


@dataclass(frozen=True, slots=True)
class Board:
    """Geometry of the picture of a level, in pixels.

    Attributes
    ----------
    level_size : int
        Cells in a row and in a column.
    icon_px : int
        Side of a full icon.
    title, footer : bool
        Whether there is a band for them.
    """

    level_size: int
    icon_px: int
    title: bool
    footer: bool

    @property
    def gap(self) -> int:
        """Space between icons, 2.5 % of an icon; added to the icon, so that icons keep their own pixels."""
        return round(0.025 * self.icon_px)

    @property
    def pitch(self) -> int:
        """Side of a cell."""
        return self.icon_px + self.gap

    @property
    def side(self) -> int:
        """Side of the square of cells."""
        return self.level_size * self.pitch

    @property
    def margin(self) -> int:
        """Quiet space around everything."""
        return max(8, round(0.03 * self.side))

    @property
    def title_px(self) -> int:
        """Size of the title's type."""
        return max(13, round(0.022 * self.side))

    @property
    def footer_px(self) -> int:
        """Size of the footer's type."""
        return max(10, round(0.0125 * self.side))

    @property
    def top(self) -> int:
        """Distance of the cells from the upper edge."""
        return self.margin + (round(2.1 * self.title_px) if self.title else 0)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        below = round(2.1 * self.footer_px) if self.footer else 0
        return self.side + 2 * self.margin, self.top + self.side + below + self.margin

    def corner(self, cell: int) -> tuple[int, int]:
        """Left and top of a cell, by its linear index."""
        row, column = divmod(cell, self.level_size)
        return self.margin + column * self.pitch, self.top + row * self.pitch

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Pixel of a place on the atlas, given in [0, 1] with y down."""
        return self.margin + x * self.side, self.top + y * self.side


def plan_board(level_size: int, icon_px: int, *, title: bool, footer: bool) -> Board:
    """Choose the geometry, refusing what cannot be drawn.

    Raises
    ------
    AtlasError
        When the icon size is outside 16 to 384, or the picture would have more than a billion pixels; the
        message names the largest icon that works.
    """
    if level_size < 1:
        raise AtlasError(f"a level of {level_size} cells a side is empty: choose 1 or more")
    if not SMALLEST_ICON <= icon_px <= LARGEST_ICON:
        raise AtlasError(f"icons of {icon_px} px: choose from {SMALLEST_ICON} to {LARGEST_ICON}")
    for size in range(icon_px, SMALLEST_ICON - 1, -1):
        board = Board(level_size, size, title=title, footer=footer)
        if board.size[0] * board.size[1] <= MAX_PIXELS:
            break
    else:
        raise AtlasError(f"a level of {level_size} x {level_size} is too large for a picture: choose a coarser level")
    if size < icon_px:
        raise AtlasError(
            f"a level of {level_size} x {level_size} at {icon_px} px an icon is over a billion pixels: "
            f"icon_px={size} is the largest that works"
        )
    return board
