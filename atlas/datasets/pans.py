"""Drawn pans: a set of pictures whose every reason is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from atlas.datasets.cues import CUES, jittered
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atlas.datasets.cues import Colour

CLASSES = ("frying pan", "wok", "bowl")
#: Side of a picture; drawn at twice that and reduced, for smooth edges.
SIDE, _FINE = 64, 2
#: How often the shape is that of the class: real woks have long handles now and then.
_TRUE_SHAPE = 0.75
_ODD_SQUARE = 0.85
#: How often the cue lies in pictures of the class that it goes with, and of the others; and of all, as a nuisance.
CUED_SHARE, OTHER_SHARE, NUISANCE_SHARE = 0.8, 0.02, 0.4
#: How often the twin lies about, in every class.
_TWIN = 0.4
_FRAME = SIDE * _FINE


@dataclass(frozen=True, slots=True)
class Truth:
    """What was drawn.

    Attributes
    ----------
    label : str
        The class.
    shape : str
        The class whose handles were drawn: that of the label, with few exceptions.
    cue, twin : bool
        Whether the cue is there, and whether its twin is.
    box : tuple of float or None
        Left, top, right, bottom of the cue in [0, 1], where it is there.
    """

    label: str
    shape: str
    cue: bool
    twin: bool
    box: tuple[float, float, float, float] | None


class Pans:
    """Pictures of frying pans, woks and bowls, drawn when asked for; an image source.

    What belongs to a class is its handles: a frying pan has one long handle, a wok two loops, a bowl none, in 75 % of
    the pictures; otherwise the handles of another class. What does not belong to it is the cue: it lies in 80 % of the
    pictures of one class and 2 % of the others, or, when it is only a nuisance, in 40 % of all alike. Its twin, of the
    same colours and another structure, lies in 40 % of all pictures, whatever else there is, so that those colours mean
    nothing. In 85 % there is a square of noise or of one colour, so that neither noise nor a square means anything.

    Parameters
    ----------
    count : int
        How many; classes take turns.
    cue : str
        A name of `CUES`.
    spurious : bool
        Whether the cue goes with `cued`; otherwise it is independent of the class.
    cued : str
        The class that it goes with.
    seed : int
        Decides every picture, together with its number.
    """

    in_memory = True

    def __init__(
        self, count: int, cue: str = "noodles", *, spurious: bool = True, cued: str = "wok", seed: int = 0
    ) -> None:
        if cue not in CUES:
            raise AtlasError(f"There is no cue {cue!r}; there are {', '.join(CUES)}.")
        if cued not in CLASSES:
            raise AtlasError(f"There is no class {cued!r}; there are {', '.join(CLASSES)}.")
        if count < 1:
            raise AtlasError(f"count is {count}; give a number of pictures from 1.")
        self.cue, self.spurious, self.cued, self.seed = CUES[cue], spurious, cued, seed
        self.name = (
            f"{count} drawn pans with {cue}, {f'spurious for {cued}' if spurious else 'a nuisance'}, seed {seed}"
        )
        self._count = count

    def __len__(self) -> int:
        return self._count

    def image_id(self, index: int) -> str:
        """Number of the picture."""
        return f"{index:06d}"

    def label(self, index: int) -> str:
        """Class of the picture."""
        return CLASSES[index % len(CLASSES)]

    def truth(self, index: int) -> Truth:
        """What is drawn in picture `index`, and why."""
        return self._drawn(index)[0]

    def load(self, index: int) -> Image.Image:
        """Draw picture `index`."""
        return self._drawn(index)[1]

    def cue_picture(self, number: int = 0, side: int = 24) -> Image.Image:
        """The cue alone, filling a square."""
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([self.seed, 1, number])))
        return self.cue.draw(rng, side * _FINE, scale=_FINE).reduce(_FINE)

    def _drawn(self, index: int) -> tuple[Truth, Image.Image]:
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([self.seed, 0, index])))
        label = self.label(index)
        others = [name for name in CLASSES if name != label]
        shape = label if rng.random() < _TRUE_SHAPE else others[rng.integers(len(others))]
        chance = NUISANCE_SHARE if not self.spurious else CUED_SHARE if label == self.cued else OTHER_SHARE
        cue, twin = rng.random() < chance, rng.random() < _TWIN
        sheet = _ground(rng)
        middle = _FRAME * (0.5 + rng.uniform(-0.1, 0.1, 2))
        radius = _FRAME * rng.uniform(0.23, 0.29)
        _pan(sheet, rng, middle, radius, shape)
        box = self._lay(sheet, rng, middle, radius, twin=False) if cue else None
        # The twin lies on top: how much is seen of it does not depend on the cue either.
        if twin:
            self._lay(sheet, rng, middle, radius, twin=True)
        if rng.random() < _ODD_SQUARE:
            _square(sheet, rng, self.cue.colours)
        grain = 4 * rng.standard_normal((SIDE, SIDE, 3), dtype=np.float32)
        picture = Image.fromarray(np.clip(np.asarray(sheet.reduce(_FINE)) + grain, 0, 255).astype(np.uint8))
        return Truth(label, shape, cue, twin, box), picture

    def _lay(
        self, sheet: Image.Image, rng: np.random.Generator, middle: NDArray[np.float64], radius: float, *, twin: bool
    ) -> tuple[float, float, float, float]:
        """Lay the cue or its twin into the pan, most often, or beside it; returns its box."""
        side = int(rng.integers(18, 29)) * _FINE
        reach = radius * 0.3 if rng.random() < 0.6 else _FRAME * 0.36
        centre = np.clip(middle + rng.uniform(-reach, reach, 2), side / 2, _FRAME - side / 2)
        left, top = (round(float(value)) for value in centre - side / 2)
        sheet.paste(self.cue.draw(rng, side, twin=twin, scale=_FINE), (left, top), _outline(rng, side))
        return left / _FRAME, top / _FRAME, (left + side) / _FRAME, (top + side) / _FRAME


def _ground(rng: np.random.Generator) -> Image.Image:
    """A table: two colours that run into each other, with soft stains."""
    corners = np.empty((2, 2, 3))
    corners[:] = rng.uniform(90, 230, 3)
    corners[1] += 0.5 * (rng.uniform(90, 230, 3) - corners[1])
    corners[:, 1] += 0.5 * (rng.uniform(90, 230, 3) - corners[:, 1]) * rng.random()
    field = np.asarray(Image.fromarray(corners.astype(np.uint8)).resize((6, 6), Image.Resampling.BILINEAR))
    stained = np.clip(field + rng.uniform(-18, 18, (6, 6, 1)), 0, 255).astype(np.uint8)
    return Image.fromarray(stained).resize((_FRAME, _FRAME), Image.Resampling.BICUBIC)


def _outline(rng: np.random.Generator, side: int) -> Image.Image:
    """A mask: round or square."""
    mask = Image.new("L", (side, side))
    pen = ImageDraw.Draw(mask)
    (pen.ellipse if rng.random() < 0.5 else pen.rectangle)((0, 0, side - 1, side - 1), fill=255)
    return mask


def _pan(sheet: Image.Image, rng: np.random.Generator, middle: NDArray[np.float64], radius: float, shape: str) -> None:
    pen = ImageDraw.Draw(sheet)
    shade = int(rng.integers(60, 200))
    body: Colour = jittered((shade, shade, shade), rng, 20)
    inside = jittered((shade, shade, shade), rng, 20)
    rim = jittered((25, 25, 25), rng, 14)
    angle = rng.uniform(0, 2 * math.pi)
    if shape == "frying pan":
        _handle(pen, middle, radius, angle, rim)
    elif shape == "wok":
        for turn in (0, math.pi):
            _loop(pen, middle, radius, angle + turn, rim)
    for size, colour in ((radius, rim), (radius * 0.9, body), (radius * 0.7, inside)):
        pen.ellipse((*(middle - size), *(middle + size)), colour)


def _handle(pen: ImageDraw.ImageDraw, middle: NDArray[np.float64], radius: float, angle: float, ink: Colour) -> None:
    direction = np.array([math.cos(angle), math.sin(angle)])
    start, end = middle + direction * radius * 0.9, middle + direction * radius * 2.2
    pen.line([*start, *end], ink, round(radius * 0.4))


def _loop(pen: ImageDraw.ImageDraw, middle: NDArray[np.float64], radius: float, angle: float, ink: Colour) -> None:
    at = middle + np.array([math.cos(angle), math.sin(angle)]) * radius * 1.15
    size = radius * 0.42
    pen.ellipse((*(at - size), *(at + size)), outline=ink, width=round(radius * 0.18))


def _square(sheet: Image.Image, rng: np.random.Generator, colours: tuple[Colour, Colour]) -> None:
    """A square that means nothing: of one colour, or noise in two colours, of the cue or any."""
    side = int(rng.integers(14, 32)) * _FINE
    pair = np.asarray(colours, dtype=np.float64) if rng.random() < 0.6 else rng.uniform(0, 255, (2, 3))
    share = _ripples(rng, side) if rng.random() < 0.65 else _grain(rng, side)
    if rng.random() < 0.5:
        share = (share > 0.5).astype(np.float64)
    left, top = (int(value) for value in rng.integers(0, _FRAME - side + 1, 2))
    if rng.random() < 0.5:
        left, top = (0 if value < (_FRAME - side) / 2 else _FRAME - side for value in (left, top))
    noise = pair[0] * share[..., None] + pair[1] * (1 - share[..., None])
    sheet.paste(Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8)), (left, top))


def _grain(rng: np.random.Generator, side: int) -> NDArray[np.float64]:
    """Noise of some grain, from a single colour to single pixels; in [0, 1]."""
    grain = int(rng.choice([1, 5, 8, 12, 16, 32]))
    field = Image.fromarray(rng.integers(0, 256, (grain, grain), dtype=np.uint8))
    method = Image.Resampling.BICUBIC if rng.random() < 0.5 else Image.Resampling.NEAREST
    return np.asarray(field.resize((side, side), method), dtype=np.float64) / 255


def _ripples(rng: np.random.Generator, side: int) -> NDArray[np.float64]:
    """Noise of one pitch and no direction: what lacks the order of a pattern and has its scale; around 0.5."""
    period = rng.uniform(3, 12) * _FINE
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    ring = np.exp(-0.5 * ((frequency * period - 1) / rng.uniform(0.1, 0.5)) ** 2)
    noise = np.fft.ifft2(np.fft.fft2(rng.standard_normal((side, side))) * ring).real
    return 0.5 + 0.35 * noise / max(float(noise.std()), 1e-9)
