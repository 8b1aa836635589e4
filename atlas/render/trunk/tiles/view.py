"""Images as the first convolution takes them, and its gradient back to them: views and range, by lanes of colours.

Around an image is grey, and views that leave it end at its edge: no pixel asks whether it is on the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atlas.render.compiled import compiled, helper
from atlas.render.lanes import all4, load4, load4_half, load_float, store4, store4_half, store_float

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Zeros that the first convolution has above and to the left of an image.
PAD = 2
#: Columns and rows of grey around an image, on both sides together.
_AROUND = 3


def room(size: int) -> tuple[int, int, int]:
    """Shape of the scratch memory, float32: an image with what is around it, colours innermost, filled up to four."""
    return size + _AROUND, size + _AROUND, 4


@helper
def _places(
    m: NDArray[np.float32], y: int, start: int, size: int, corners: NDArray[np.int32], weights: NDArray[np.float32]
) -> None:
    """What pixels of row y of a view show, from column `start` on: bytes to the upper left of four pixels of `room`.

    And the weights of the four. From just before the image's first pixels to just after the last.
    """
    # The coordinates of torch's `affine_grid` without aligned corners: the image spans [-1, 1].
    side, one, half = np.float32(size), np.float32(1), np.float32(0.5)
    across, down = one / side - one, np.float32(2 * y + 1) / side - one
    column0 = ((m[0] * across + m[1] * down + m[2] + one) * side - one) * half
    row0 = ((m[3] * across + m[4] * down + m[5] + one) * side - one) * half
    by_column, by_row = m[0], m[3]
    line = np.int32(size + _AROUND)
    w00, w01, w10, w11 = weights[0], weights[1], weights[2], weights[3]
    for x in range(len(corners)):
        along = np.float32(start + x)
        column = min(max(column0 + along * by_column, -one), side)
        row = min(max(row0 + along * by_row, -one), side)
        left, top = np.floor(column), np.floor(row)
        right, below = column - left, row - top
        corners[x] = np.int32(16) * ((np.int32(top) + np.int32(1)) * line + np.int32(left) + np.int32(1))
        w00[x], w01[x] = (one - below) * (one - right), (one - below) * right
        w10[x], w11[x] = below * (one - right), below * right


@compiled
def look(
    images: int,
    apart: int,
    maps: NDArray[np.float32],
    start: int,
    width: int,
    around: NDArray[np.float32],
    picture: int,
    picture_row: int,
    constants: NDArray[np.float32],
) -> None:
    """Views of images, as a `Picture` in the network's range.

    images: address of (B, 3, S, S) in [0, 1], so many bytes apart; maps (B, 6), affine; `start`, `width`: the part of a
    view's rows and columns that is written; around: see `room`; constants
    (2, 4): factor, and what is added, of the distance to grey.
    """
    size = len(around) - _AROUND
    grey = np.float32(0.5)
    base, line = around.ctypes.data, 16 * (size + _AROUND)
    corners, weights = np.empty(width, dtype=np.int32), np.empty((4, width), dtype=np.float32)
    w00, w01, w10, w11 = weights[0], weights[1], weights[2], weights[3]
    gain, offset = load4(constants.ctypes.data), load4(constants.ctypes.data + 16)
    for b in range(len(maps)):
        for y in range(size):
            for x in range(size):
                pixel = images + b * apart + 4 * (y * size + x)
                for c in range(3):
                    around[1 + y, 1 + x, c] = load_float(pixel + 4 * c * size * size) - grey
        for y in range(width):
            out = picture + ((y + PAD) * len(maps) + b) * picture_row + 6 * PAD
            _places(maps[b], start + y, start, size, corners, weights)
            for x in range(width):
                corner = base + corners[x]
                above = all4(w00[x]) * load4(corner) + all4(w01[x]) * load4(corner + 16)
                under = all4(w10[x]) * load4(corner + line) + all4(w11[x]) * load4(corner + line + 16)
                # The fourth number falls on the next pixel, which is written next.
                store4_half(out + 6 * x, gain * (above + under) + offset)


@compiled
def look_back(
    picture: int,
    picture_row: int,
    maps: NDArray[np.float32],
    start: int,
    width: int,
    around: NDArray[np.float32],
    gradient: int,
    apart: int,
    gain: np.float32,
) -> None:
    """Write to `gradient` (B, 3, S, S) of the images, so many bytes apart, what the one of their `Picture` gives."""
    size = len(around) - _AROUND
    base, line = around.ctypes.data, 16 * (size + _AROUND)
    corners, weights = np.empty(width, dtype=np.int32), np.empty((4, width), dtype=np.float32)
    w00, w01, w10, w11 = weights[0], weights[1], weights[2], weights[3]
    for b in range(len(maps)):
        around[:] = np.float32(0)
        for y in range(width):
            given = picture + ((y + PAD) * len(maps) + b) * picture_row + 6 * PAD
            _places(maps[b], start + y, start, size, corners, weights)
            for x in range(width):
                corner, value = base + corners[x], load4_half(given + 6 * x)
                store4(corner, load4(corner) + all4(w00[x]) * value)
                store4(corner + 16, load4(corner + 16) + all4(w01[x]) * value)
                corner += line
                store4(corner, load4(corner) + all4(w10[x]) * value)
                store4(corner + 16, load4(corner + 16) + all4(w11[x]) * value)
        for c in range(3):
            for y in range(size):
                for x in range(size):
                    pixel = gradient + b * apart + 4 * ((c * size + y) * size + x)
                    store_float(pixel, gain * around[1 + y, 1 + x, c])
