"""Screenshots that are compared with references as a person compares them: by what is where, not pixel by pixel."""

from __future__ import annotations

import base64
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from playwright.sync_api import Page

    from tests.browser.conftest import Tab

REFERENCES: Final = Path(__file__).parent / "references"
#: Set to anything, it makes references of what is seen: see CONTRIBUTING.md.
RENEW: Final = "ATLAS_RENEW_PICTURES"
#: References are kept at half the size.
HALF: Final = 2
#: Squares that are compared, in pixels of a reference: within one, edges and letters may lie as they like.
BLOCK: Final = 8
#: What browsers, fonts and decoders may make of it, in differences of colour of 255: over all squares, in the worst
#: one, and the share of squares that differ by more than a little. The references' own encoding makes 1.2, 12 and
#: 0.1 %; a button that is missing makes 35 or more in some square, a panel as light as its ground 1.5 % of squares.
MOST_MEAN: Final = 2.5
MOST_WORST: Final = 24.0
LITTLE, MOST_CHANGED = 8.0, 0.01

#: Letters as wide everywhere: the font that Pillow brings along stands in for whatever the machine has.
SAME_FONT: Final = """
const face = new FontFace("Same", Uint8Array.from(atob("%s"), letter => letter.charCodeAt(0)));
document.fonts.add(face);
const font = Object.getOwnPropertyDescriptor(CanvasRenderingContext2D.prototype, "font");
Object.defineProperty(CanvasRenderingContext2D.prototype, "font", {
    ...font,
    set(value) { font.set.call(this, value.replace(/system-ui.*/, "Same, sans-serif")); },
});
"""
SAME_STYLE: Final = ".aa-root, .aa-root * { font-family: Same, sans-serif !important }"


def same_font(page: Page) -> None:
    """Before a page is opened: give it a font that is the same on every machine."""
    font = ImageFont.load_default(16)
    assert isinstance(font, ImageFont.FreeTypeFont)
    page.add_init_script(SAME_FONT % base64.b64encode(font.font_bytes).decode())


def set_anew(tab: Tab) -> None:
    """After it was opened: show the view again, in that font."""
    tab.page.evaluate("() => document.fonts.load('16px Same')")
    tab.page.add_style_tag(content=SAME_STYLE)
    tab.page.evaluate("() => window.__atlas.open()")
    tab.ready()


def screenshot(page: Page) -> Image.Image:
    """What is seen, at half the size."""
    shot = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide", scale="css"))).convert("RGB")
    return shot.reduce(HALF)


@dataclass(frozen=True)
class Difference:
    """How far a picture is from its reference: squares by mean, the worst one and where it is, the share changed."""

    mean: float
    worst: float
    changed: float
    row: int
    column: int

    @property
    def seen(self) -> bool:
        """Whether a person would see it."""
        return self.mean > MOST_MEAN or self.worst > MOST_WORST or self.changed > MOST_CHANGED


def squares(picture: Image.Image) -> NDArray[np.float32]:
    """Mean colour of every square; what is left over at the right and below belongs to none."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)
    rows, columns = (length // BLOCK for length in pixels.shape[:2])
    blocks = pixels[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, 3)
    means: NDArray[np.float32] = blocks.mean(axis=(1, 3))
    return means


def difference(actual: Image.Image, reference: Image.Image) -> Difference:
    assert actual.size == reference.size
    apart = np.abs(squares(actual) - squares(reference)).max(axis=2)
    row, column = np.unravel_index(apart.argmax(), apart.shape)
    changed = float((apart > LITTLE).mean())
    return Difference(float(apart.mean()), float(apart.max()), changed, int(row), int(column))


def side_by_side(actual: Image.Image, reference: Image.Image, found: Difference) -> Image.Image:
    """Reference, what is seen, and four times the difference, the worst square framed."""
    width, height = actual.size
    one, other = (np.asarray(picture, dtype=np.int16) for picture in (actual, reference))
    apart = Image.fromarray((4 * np.abs(one - other)).clip(0, 255).astype(np.uint8))
    whole = Image.new("RGB", (3 * width, height))
    for i, picture in enumerate((reference, actual, apart)):
        whole.paste(picture, (i * width, 0))
        x, y = i * width + found.column * BLOCK, found.row * BLOCK
        ImageDraw.Draw(whole).rectangle((x - 3, y - 3, x + BLOCK + 2, y + BLOCK + 2), outline="red", width=2)
    return whole


def reference(name: str) -> Image.Image:
    with Image.open(REFERENCES / f"{name}.webp") as kept:
        return kept.convert("RGB")


def looks_like(name: str, actual: Image.Image, folder: Path) -> None:
    """Fail where a person would see a difference; the pictures are left in `folder`."""
    if os.environ.get(RENEW):
        actual.save(REFERENCES / f"{name}.webp", quality=90, method=6)
        return
    kept = reference(name)
    found = difference(actual, kept)
    if found.seen:
        actual.save(folder / f"{name}-actual.png")
        side_by_side(actual, kept, found).save(folder / f"{name}-difference.png")
    assert not found.seen, f"{name} does not look like its reference: {found}; see {folder}/{name}-difference.png"
