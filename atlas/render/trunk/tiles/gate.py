"""What ReLUs let back through in the first steps, redirected for dead examples: see `through_relu`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas.render.compiled import compiled
from atlas.render.lanes import (
    any_of,
    load_half,
    load_long,
    store_half,
    where_positive,
    where_positive_or_negative,
)
from atlas.render.trunk.tiles.maps import Instruction, Shape, instruction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from atlas.render.trunk.tiles.step import Scratch


@compiled
def gate(p: NDArray[np.int64]) -> None:
    """Take a gradient back through a ReLU, in place.

    `p`, in order: addresses of the gradient and of what the ReLU put out; bytes from icon to icon; positions; icons;
    first channel, end; address of an integer an icon: 1 where the gradient is redirected if none of it gets through.
    """
    g, y, row, positions, places, first, end, redirect = p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]
    for place in range(places):
        alive = load_long(redirect + 8 * place) == 0
        for position in range(positions):
            if alive:
                break
            here = (position * places + place) * row
            for c in range(first, end, 16):
                through = where_positive(load_half(y + here + 2 * c), load_half(g + here + 2 * c))
                alive = alive or any_of(through)
        for position in range(positions):
            here = (position * places + place) * row
            for c in range(first, end, 16):
                value, given = load_half(y + here + 2 * c), load_half(g + here + 2 * c)
                if alive:
                    store_half(g + here + 2 * c, where_positive(value, given))
                else:
                    store_half(g + here + 2 * c, where_positive_or_negative(value, given))


def gating(shape: Shape, g: int, y: int, channels: tuple[int, int], scratch: Scratch) -> Instruction:
    """`gate` of some channels of the whole map at `g`."""
    numbers = g, y, shape.row, shape.height * shape.width, shape.places, *channels, scratch.redirect.ctypes.data
    return instruction(gate, *numbers)
