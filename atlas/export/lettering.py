"""Type in pictures: text that fits a width, drawn bold and smooth, bare or on a plate.

The type is the one that Pillow brings, so that a picture looks the same on every machine.
"""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Lettering"]

ELLIPSIS: Final = "…"
# Pillow's type covers ASCII and little else. Dashes, signs and letters that do not decompose:
PLAIN: Final = str.maketrans(
    {
        "\u2013": "-",
        "\u2014": "-",
        "\u00d7": "x",
        "\u00b7": "-",
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
    }
)


def plain(text: str) -> str:
    """Put text on one line in letters that the type has: accents dropped, control characters made spaces."""
    letters = unicodedata.normalize("NFKD", text.translate(PLAIN))
    kept = (letter for letter in letters if not unicodedata.combining(letter))
    return " ".join("".join(letter if letter.isprintable() else " " for letter in kept).split())


class Lettering:
    """Type of one size.

    Parameters
    ----------
    size : int
        In pixels.
    weight : float, optional
        How much strokes are thickened, as a share of the size: the type has no bold of its own.
    """

    def __init__(self, size: int, *, weight: float = 0.02) -> None:
        # Small type is drawn large and reduced: strokes can then be thickened by less than a pixel.
        self._scale = 4 if size < 48 else 1
        self._font = ImageFont.load_default(size * self._scale)
        self._stroke = round(weight * size * self._scale)
        self.size = size
        self.line_height = math.ceil(1.25 * size)

    def width(self, text: str) -> int:
        """Pixels that a line of plain text takes."""
        return math.ceil((self._font.getlength(text) + 2 * self._stroke) / self._scale)

    def fit(self, text: str, width: int) -> str:
        """Shorten text to what fits, ending in an ellipsis; text that fits is returned as it is."""
        if self.width(text) <= width:
            return text
        fitting = 0
        beyond = len(text)
        while beyond - fitting > 1:
            middle = (fitting + beyond) // 2
            if self.width(text[:middle].rstrip() + ELLIPSIS) <= width:
                fitting = middle
            else:
                beyond = middle
        return text[:fitting].rstrip(" ,-") + ELLIPSIS

    def wrap(self, text: str, width: int, lines: int) -> list[str]:
        """Break text between words into at most so many plain lines, shortened where they must be."""
        words = plain(text).split()
        broken: list[str] = []
        while words and len(broken) < lines - 1:
            line = words.pop(0)
            while words and self.width(f"{line} {words[0]}") <= width:
                line = f"{line} {words.pop(0)}"
            broken.append(self.fit(line, width))
        return [*broken, self.fit(" ".join(words), width)] if words else broken

    def draw(self, lines: Sequence[str], ink: tuple[int, int, int], *, centred: bool = False) -> Image.Image:
        """Lines of plain text on nothing: RGBA, as wide as the widest line."""
        width = max(map(self.width, lines))
        scale = self._scale
        mask = Image.new("L", (width * scale, self.line_height * len(lines) * scale))
        pen = ImageDraw.Draw(mask)
        for number, line in enumerate(lines):
            left = (width - self.width(line)) / 2 if centred else 0
            baseline = number * self.line_height + 0.94 * self.size
            pen.text(
                (left * scale + self._stroke, baseline * scale),
                line,
                fill=255,
                font=self._font,
                anchor="ls",
                stroke_width=self._stroke,
            )
        text = Image.new("RGBA", (width, self.line_height * len(lines)), ink)
        text.putalpha(mask.reduce(scale) if scale > 1 else mask)
        return text

    def padding(self) -> tuple[int, int]:
        """Space that a plate leaves around its text: at the sides, above and below."""
        return max(2, round(0.35 * self.size)), max(1, round(0.12 * self.size))

    def plate(
        self,
        lines: Sequence[str],
        ink: tuple[int, int, int],
        fill: tuple[int, int, int, int],
        *,
        centred: bool = False,
    ) -> Image.Image:
        """Lines of plain text on a plate with round corners: RGBA."""
        text = self.draw(lines, ink, centred=centred)
        across, down = self.padding()
        size = text.width + 2 * across, text.height + 2 * down
        shape = Image.new("L", (size[0] * 4, size[1] * 4))
        ImageDraw.Draw(shape).rounded_rectangle(
            (0, 0, shape.width - 1, shape.height - 1), radius=round(1.1 * self.size), fill=fill[3]
        )
        plate = Image.new("RGBA", size, fill[:3])
        plate.putalpha(shape.reduce(4))
        plate.alpha_composite(text, (across, down))
        return plate
