"""What of a view the centre of a layer sees: the rest need not be computed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from atlas.models.inception import MIXED_WIDTHS, POOLED_AFTER
from atlas.render.trunk.pooling import pooled_side

#: Position i of a map is made from positions ``stride * i - before`` to ``stride * i + after`` of the one below it.
_Reach = tuple[int, int, int]

_FIRST: _Reach = 2, 2, 4  # 7 x 7, padded as TensorFlow does
_POOL: _Reach = 2, 0, 2  # 3 x 3 without padding
_STEM: tuple[_Reach, ...] = _FIRST, _POOL, (1, 1, 1), _POOL
_MIXED: _Reach = 1, 2, 2  # its 5 x 5

#: The least side of an image, as of an icon.
_LEAST = 32


@dataclass(frozen=True, slots=True)
class Window:
    """A square part of a view: its first row, which is its first column too, and its side, in pixels."""

    first: int
    side: int

    @property
    def part(self) -> slice:
        """Its rows, and its columns."""
        return slice(self.first, self.first + self.side)


@cache
def window_of(layer: str, size: int) -> Window:
    """The smallest part of a view of `size` px on which the network has the same centre of a mixed block.

    Parts are aligned to the positions of the layer. They hold all that the centre is made from, in every map on the
    way, and meet a border of the view where it is made from padding: so neither values nor gradients change.
    """
    reaches = _reaches(layer)
    whole = _sides(reaches, size)
    stride = 1
    for step, _, _ in reaches:
        stride *= step
    for side in range(_LEAST, size):
        part = _sides(reaches, side)
        first = whole[-1] // 2 - part[-1] // 2
        if stride * first + side <= size and _holds(reaches, whole, part, first):
            return Window(stride * first, side)
    return Window(0, size)


def _reaches(layer: str) -> list[_Reach]:
    """Of every map from the picture to the layer's."""
    found = list(_STEM)
    for block in MIXED_WIDTHS:
        found.append(_MIXED)
        if block == layer:
            break
        if block in POOLED_AFTER:
            found.append(_POOL)
    return found


def _sides(reaches: list[_Reach], size: int) -> list[int]:
    """Sides of all maps, the picture's first."""
    sides = [size]
    for reach in reaches:
        sides.append(sides[-1] // 2 if reach == _FIRST else pooled_side(sides[-1]) if reach == _POOL else sides[-1])
    return sides


def _holds(reaches: list[_Reach], whole: list[int], part: list[int], first: int) -> bool:
    """Whether maps of sides `part`, the last of which begins at position `first`, hold what the centre is made from."""
    lowest = highest = whole[-1] // 2
    below = list(zip(pairwise(whole), pairwise(part), reaches, strict=True))
    for (side, _), (own, _), (stride, before, after) in reversed(below):
        first *= stride
        lowest, highest = stride * lowest - before, stride * highest + after
        # Beyond its edges is padding, or a pool's window that hangs over: only where the whole has the same.
        if (lowest < first and first > 0) or (highest >= first + own and first + own < side):
            return False
        lowest, highest = max(lowest, 0), min(highest, side - 1)
    return True
