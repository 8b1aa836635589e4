"""Spurious cues: things that lie about in drawn pictures, each with a harmless twin of the same colours.

A cue and its twin have the same colours in the same amounts (the figure's share of the area differs by less than three
hundredths), so that a network that relies on the cue has learned its structure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Callable

Colour: TypeAlias = tuple[int, int, int]
Drawing: TypeAlias = "Callable[[ImageDraw.ImageDraw, np.random.Generator, int, float, Colour], None]"


@dataclass(frozen=True, slots=True)
class Cue:
    """One family of cues.

    Attributes
    ----------
    name : str
        What it is.
    colours : tuple of two colours
        Of the figure and of the ground, shared with the twin; jittered from picture to picture.
    cue, twin : callable
        Draw the cue or its twin over a square of a given side.
    """

    name: str
    colours: tuple[Colour, Colour]
    cue: Drawing
    twin: Drawing

    def draw(self, rng: np.random.Generator, side: int, *, twin: bool = False, scale: float = 1.0) -> Image.Image:
        """The cue or its twin on a square of its ground, cut out of an endless pattern.

        Parameters
        ----------
        rng : Generator
            Decides colours, places and directions.
        side : int
            Of the picture, in pixels.
        twin : bool
            Whether to draw the twin.
        scale : float
            Pixels for one unit: the pattern has the same pitch whatever the side.
        """
        figure, ground = (jittered(colour, rng, 14) for colour in self.colours)
        sheet = Image.new("RGB", (side, side), ground)
        (self.twin if twin else self.cue)(ImageDraw.Draw(sheet), rng, side, scale, figure)
        return sheet


def jittered(colour: Colour, rng: np.random.Generator, by: int) -> Colour:
    """A colour near another, each channel moved by up to `by`."""
    moved = np.clip(np.asarray(colour) + rng.integers(-by, by + 1, 3), 0, 255)
    return int(moved[0]), int(moved[1]), int(moved[2])


def _waves(pen: ImageDraw.ImageDraw, rng: np.random.Generator, side: int, scale: float, ink: Colour) -> None:
    angle, phase = rng.uniform(0, math.pi), rng.uniform(0, 2 * math.pi)
    pitch = 5 * scale
    along = np.arange(-side, side, scale / 2)
    wave = 1.7 * scale * np.sin(along * (2 * math.pi / (9 * scale)) + phase)
    for offset in np.arange(-side, side, pitch) + rng.uniform(0, pitch):
        x = side / 2 + along * math.cos(angle) - (offset + wave) * math.sin(angle)
        y = side / 2 + along * math.sin(angle) + (offset + wave) * math.cos(angle)
        pen.line([(float(a), float(b)) for a, b in zip(x, y, strict=True)], ink, round(2.2 * scale), joint="curve")


def _grains(pen: ImageDraw.ImageDraw, rng: np.random.Generator, side: int, scale: float, ink: Colour) -> None:
    for _ in range(round(0.08 * (side / scale) ** 2)):
        x, y = rng.uniform(0, side, 2)
        radius = scale * rng.uniform(1, 2)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), ink)


def _checks(pen: ImageDraw.ImageDraw, rng: np.random.Generator, side: int, scale: float, ink: Colour) -> None:
    field = 4 * scale
    left, top = rng.uniform(0, 2 * field, 2)
    for row in range(-2, math.ceil(side / field) + 1):
        for column in range(-2, math.ceil(side / field) + 1):
            if (row + column) % 2:
                x, y = left + column * field, top + row * field
                pen.rectangle((x, y, x + field - 1, y + field - 1), ink)


def _stripes(pen: ImageDraw.ImageDraw, rng: np.random.Generator, side: int, scale: float, ink: Colour) -> None:
    field, angle = 4 * scale, rng.uniform(0, math.pi)
    dx, dy = math.cos(angle), math.sin(angle)
    for middle in np.arange(-side, side, 2 * field) + rng.uniform(0, 2 * field):
        x, y = side / 2 - dy * middle, side / 2 + dx * middle
        pen.line((x - dx * side, y - dy * side, x + dx * side, y + dy * side), ink, round(field))


def _rings(pen: ImageDraw.ImageDraw, rng: np.random.Generator, side: int, scale: float, ink: Colour) -> None:
    pitch = 12 * scale
    left, top = rng.uniform(0, pitch, 2)
    for y in np.arange(-pitch, side + pitch, pitch) + top:
        for x in np.arange(-pitch, side + pitch, pitch) + left:
            for radius in (1.6 * scale, 5 * scale):
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=ink, width=round(1.6 * scale))


def _blots(pen: ImageDraw.ImageDraw, rng: np.random.Generator, side: int, scale: float, ink: Colour) -> None:
    for _ in range(max(2, round(0.0105 * (side / scale) ** 2))):
        x, y = rng.uniform(0, side, 2)
        turns = np.linspace(0, 2 * math.pi, 8)[:-1]
        radii = scale * rng.uniform(2, 6, 7)
        points = [(x + r * math.cos(t), y + r * math.sin(t)) for r, t in zip(radii, turns, strict=True)]
        pen.polygon(points, ink)


CUES = {
    cue.name: cue
    for cue in (
        Cue("noodles", ((232, 196, 92), (120, 72, 30)), _waves, _grains),
        Cue("checks", ((204, 48, 52), (236, 230, 220)), _checks, _stripes),
        Cue("rings", ((150, 84, 170), (226, 214, 232)), _rings, _blots),
    )
}
