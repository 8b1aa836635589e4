"""Max-pools 3 x 3 of maps that are not negative, by lanes of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import int16, uint8

from atlas.render.compiled import compiled
from atlas.render.lanes import (
    all16,
    all_bytes,
    all_shorts,
    greater_short,
    load_half,
    load_shorts,
    place_if_greater,
    store_bytes,
    store_half,
    store_shorts,
    where_byte,
    where_positive,
)
from atlas.render.trunk.tiles.maps import Instruction, Shape, Window, instruction

if TYPE_CHECKING:
    from numpy.typing import NDArray


@compiled
def pool(p: NDArray[np.int64]) -> None:
    """Some rows of a pool, and for each value the place in the window that it comes from.

    Of stride 1, with padding, or 2, where the window may hang over the edge. Of equal values the first counts.

    `p`, in order: address of the input, bytes from icon to icon, rows kept (see `Shape`), height, width; address of the
    output, bytes from icon to icon; address of the places, a byte each, as densely as channels lie; width of the
    output; icons; channels, a multiple of 32; stride; first row, end.
    """
    x, x_row, kept, height, width, y, y_row, origin = p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]
    out_width, places, channels, stride, first, last = p[8], p[9], p[10], p[11], p[12], p[13]
    padding = 2 - stride
    # What a window holds: where it lies, and at which place in the window.
    near, taps = np.empty(9, dtype=np.int64), np.empty(9, dtype=np.uint8)
    for i in range(first, last):
        top = i * stride - padding
        for j in range(out_width):
            left = j * stride - padding
            n = 0
            for a in range(max(0, -top), min(3, height - top)):
                line = (top + a) % kept * width
                for b in range(max(0, -left), min(3, width - left)):
                    near[n], taps[n] = x + (line + left + b) * places * x_row, 3 * a + b
                    n += 1
            here = (i * out_width + j) * places
            for place in range(places):
                out, mark, row = y + (here + place) * y_row, origin + (here + place) * channels, place * x_row
                for c in range(0, channels, 32):
                    best, chosen = all_shorts(int16(-1)), all_bytes(uint8(0))
                    for k in range(n):
                        value = load_shorts(near[k] + row + 2 * c)
                        chosen = place_if_greater(value, best, taps[k], chosen)
                        best = greater_short(value, best)
                    store_shorts(out + 2 * c, best)
                    store_bytes(mark + c, chosen)


@compiled
def pool_back(p: NDArray[np.int64]) -> None:  # noqa: C901 - one loop nest
    """Write to some rows and columns what the gradient of a pool gives its input.

    Plus another map, and only where a third is positive, unless their addresses are 0.

    `p`, in order: address of the pool's gradient, bytes from icon to icon; address of the places that `pool` wrote;
    width; first row, end, first column, end of what is not zero in it; address of what is added, bytes from icon to
    icon; address of what has to be positive, bytes from icon to icon; address of the input's gradient, bytes from icon
    to icon, rows kept, width; icons; channels; stride; first row, end, first column, end.
    """
    g, g_row, origin, g_width, top, bottom, leftmost, past = p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]
    more, more_row, mask, mask_row, x, x_row, kept, width = p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[15]
    places, channels, stride = p[16], p[17], p[18]
    padding = 2 - stride
    zero = all16(np.float32(0))
    # Of the windows that reach a position: where their gradients and places lie, and at which place in them it is.
    near, marks, taps = np.empty(9, dtype=np.int64), np.empty(9, dtype=np.int64), np.empty(9, dtype=np.uint8)
    for i in range(p[19], p[20]):
        for j in range(p[21], p[22]):
            n = 0
            for a in range((i + padding) % stride, 3, stride):
                row = (i + padding - a) // stride
                if top <= row < bottom:
                    for b in range((j + padding) % stride, 3, stride):
                        column = (j + padding - b) // stride
                        if leftmost <= column < past:
                            window = (row * g_width + column) * places
                            near[n], marks[n], taps[n] = g + window * g_row, origin + window * channels, 3 * a + b
                            n += 1
            here = (i * width + j) * places
            there = ((i % kept) * width + j) * places
            for place in range(places):
                found = x + (there + place) * x_row
                extra, cover = more + (here + place) * more_row, mask + (here + place) * mask_row
                row, mark = place * g_row, place * channels
                for c in range(0, channels, 16):
                    total = load_half(extra + 2 * c) if more else zero
                    for k in range(n):
                        total = total + where_byte(marks[k] + mark + c, taps[k], load_half(near[k] + row + 2 * c))
                    if mask:
                        total = where_positive(load_half(cover + 2 * c), total)
                    store_half(found + 2 * c, total)


def pooling(
    x: Shape, values: int, y: Shape, pooled: int, origin: int, channels: int, stride: int, rows: tuple[int, int]
) -> Instruction:
    """`pool` of the map at `values` into the one at `pooled`, and the one of places at `origin`."""
    numbers = values, x.row, x.kept, x.height, x.width, pooled, y.row, origin, y.width, x.places, channels, stride
    return instruction(pool, *numbers, *rows)


def pooling_back(
    y: Shape,
    g: int,
    origin: int,
    x: Shape,
    found: int,
    channels: int,
    stride: int,
    outputs: Window,
    *,
    windows: Window | None = None,
    more: tuple[int, int] = (0, 0),
    mask: int = 0,
) -> Instruction:
    """`pool_back` of the gradient at `g` into the one at `found`, at the positions `outputs`.

    Windows are all there are, or those given; `more` is an address and the bytes from icon to icon.
    """
    numbers = g, y.row, origin, y.width, *(windows or (0, y.height, 0, y.width)), *more, mask, x.row, found, x.row
    return instruction(pool_back, *numbers, x.kept, x.width, x.places, channels, stride, *outputs)
