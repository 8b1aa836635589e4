"""Images as the first convolution takes them, and its gradient back to them: views and range, by lanes of colours.

Around an image is grey, and views that leave it end at its edge: no pixel asks whether it is on the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atlas.render.compiled import compiled, helper
from atlas.render.trunk.tiles.lanes import all4, load4, load4_half, store4, store4_half

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
def _place(m: NDArray[np.float32], x: int, y: int, size: int) -> tuple[np.float32, np.float32]:
    """Column and row in the image that a pixel of a view shows, from just before the first to just after the last."""
    # The coordinates of torch's `affine_grid` without aligned corners: the image spans [-1, 1].
    side, one, half = np.float32(size), np.float32(1), np.float32(0.5)
    across, down = one / side - one, np.float32(2 * y + 1) / side - one
    column = ((m[0] * across + m[1] * down + m[2] + one) * side - one) * half + np.float32(x) * m[0]
    row = ((m[3] * across + m[4] * down + m[5] + one) * side - one) * half + np.float32(x) * m[3]
    return min(max(column, -one), side), min(max(row, -one), side)


@compiled
def look(
    images: NDArray[np.float32],
    maps: NDArray[np.float32],
    around: NDArray[np.float32],
    picture: int,
    picture_row: int,
    constants: NDArray[np.float32],
) -> None:
    """Views of images, as a `Picture` in the network's range.

    images (B, 3, S, S) in [0, 1]; maps (B, 6), affine; around: see `room`; constants (2, 4): factor, and what is added,
    of the distance to grey.
    """
    size = images.shape[2]
    one, grey = np.float32(1), np.float32(0.5)
    base, line = around.ctypes.data, 16 * (size + _AROUND)
    gain, offset = load4(constants.ctypes.data), load4(constants.ctypes.data + 16)
    for b in range(len(images)):
        for y in range(size):
            for x in range(size):
                for c in range(3):
                    around[1 + y, 1 + x, c] = images[b, c, y, x] - grey
        for y in range(size):
            out = picture + ((y + PAD) * len(images) + b) * picture_row + 6 * PAD
            for x in range(size):
                column, row = _place(maps[b], x, y, size)
                left, top = int(np.floor(column)), int(np.floor(row))
                right, below = column - np.float32(left), row - np.float32(top)
                corner = base + (top + 1) * line + 16 * (left + 1)
                above = all4((one - below) * (one - right)) * load4(corner) + all4((one - below) * right) * load4(
                    corner + 16
                )
                under = all4(below * (one - right)) * load4(corner + line) + all4(below * right) * load4(
                    corner + line + 16
                )
                # The fourth number falls on the next pixel, which is written next.
                store4_half(out + 6 * x, gain * (above + under) + offset)


@compiled
def look_back(
    picture: int,
    picture_row: int,
    maps: NDArray[np.float32],
    around: NDArray[np.float32],
    gradient: NDArray[np.float32],
    gain: np.float32,
) -> None:
    """Write to `gradient` (B, 3, S, S) of the images what the one of their `Picture` gives."""
    size = gradient.shape[2]
    one = np.float32(1)
    base, line = around.ctypes.data, 16 * (size + _AROUND)
    for b in range(len(gradient)):
        around[:] = np.float32(0)
        for y in range(size):
            given = picture + ((y + PAD) * len(gradient) + b) * picture_row + 6 * PAD
            for x in range(size):
                column, row = _place(maps[b], x, y, size)
                left, top = int(np.floor(column)), int(np.floor(row))
                right, below = column - np.float32(left), row - np.float32(top)
                corner = base + (top + 1) * line + 16 * (left + 1)
                value = load4_half(given + 6 * x)
                store4(corner, load4(corner) + all4((one - below) * (one - right)) * value)
                store4(corner + 16, load4(corner + 16) + all4((one - below) * right) * value)
                store4(corner + line, load4(corner + line) + all4(below * (one - right)) * value)
                store4(corner + line + 16, load4(corner + line + 16) + all4(below * right) * value)
        for c in range(3):
            for y in range(size):
                for x in range(size):
                    gradient[b, c, y, x] = gain * around[1 + y, 1 + x, c]
