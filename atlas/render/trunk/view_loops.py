"""From images to the first convolution and back, as compiled loops: view, range, padding and phases in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atlas.render.compiled import compiled, helper, narrow, wide

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Zeros that the first convolution has above and to the left of an image.
_PAD = 2


@helper
def _start(m: Any, y: int, size: int) -> Any:  # noqa: ANN401 - numba's types
    """Of row y of a view: column and row in the image of its first pixel, and the steps from pixel to pixel."""
    # The coordinates of torch's `affine_grid` without aligned corners: the image spans [-1, 1].
    side, one, half = np.float32(size), np.float32(1), np.float32(0.5)
    across, down = one / side - one, np.float32(2 * y + 1) / side - one
    column = ((m[0] * across + m[1] * down + m[2] + one) * side - one) * half
    row = ((m[3] * across + m[4] * down + m[5] + one) * side - one) * half
    return column, row, m[0], m[3]


@compiled
def look(  # noqa: C901, PLR0912 - loops and borders
    images: NDArray[np.float32],
    maps: NDArray[np.float32],
    phases: NDArray[Any],
    gain: np.float32,
    offset: np.float32,
    start: int,
    side: int,
) -> None:
    """Views of images, `gain` times their distance to grey plus `offset`, in the phases of the first convolution.

    Of a view, `side` rows and columns from `start` on.

    images (B, 3, S, S) in [0, 1]; maps (B, 6), affine; phases (B, h, h, 12), see `stem.phases`, written, with zeros
    around the view.
    """
    size = images.shape[2]
    one, grey = np.float32(1), np.float32(0.5)
    for b in range(len(images)):
        image, m = images[b], maps[b]
        seen = phases[b]
        for i in range(len(seen)):
            for j in range(len(seen)):
                if not (1 <= i < side // 2 and 1 <= j < side // 2):
                    seen[i, j] = 0
        for y in range(side):
            column0, row0, across, down = _start(m, start + y, size)
            line = seen[(y + _PAD) // 2]
            for x in range(side):
                along = np.float32(start + x)
                column, row = column0 + along * across, row0 + along * down
                left, top = int(np.floor(column)), int(np.floor(row))
                right, below = column - np.float32(left), row - np.float32(top)
                place = 6 * (y % 2) + 3 * (x % 2)
                out = line[(x + _PAD) // 2, place : place + 3]
                if 0 <= left < size - 1 and 0 <= top < size - 1:
                    w00, w01 = (one - below) * (one - right), (one - below) * right
                    w10, w11 = below * (one - right), below * right
                    for c in range(3):
                        plane = image[c]
                        colour = (
                            w00 * plane[top, left]
                            + w01 * plane[top, left + 1]
                            + w10 * plane[top + 1, left]
                            + w11 * plane[top + 1, left + 1]
                        )
                        out[c] = narrow(gain * (colour - grey) + offset, out[c])
                else:
                    for c in range(3):
                        colour = np.float32(0)
                        for d in range(2):
                            for o in range(2):
                                if 0 <= top + d < size and 0 <= left + o < size:
                                    weight = (below if d else one - below) * (right if o else one - right)
                                    colour += weight * (image[c, top + d, left + o] - grey)
                        out[c] = narrow(gain * colour + offset, out[c])


@compiled
def look_back(
    phases: NDArray[Any],
    maps: NDArray[np.float32],
    gradient: NDArray[np.float32],
    gain: np.float32,
    start: int,
    side: int,
) -> None:
    """Add to `gradient` (B, 3, S, S) of the images what the one of `phases` gives."""
    size = gradient.shape[2]
    one = np.float32(1)
    for b in range(len(gradient)):
        image, m = gradient[b], maps[b]
        for y in range(side):
            column0, row0, across, down = _start(m, start + y, size)
            line = phases[b, (y + _PAD) // 2]
            for x in range(side):
                along = np.float32(start + x)
                column, row = column0 + along * across, row0 + along * down
                left, top = int(np.floor(column)), int(np.floor(row))
                right, below = column - np.float32(left), row - np.float32(top)
                place = 6 * (y % 2) + 3 * (x % 2)
                given = line[(x + _PAD) // 2, place : place + 3]
                if 0 <= left < size - 1 and 0 <= top < size - 1:
                    w00, w01 = (one - below) * (one - right), (one - below) * right
                    w10, w11 = below * (one - right), below * right
                    for c in range(3):
                        plane, value = image[c], gain * wide(given[c])
                        plane[top, left] += w00 * value
                        plane[top, left + 1] += w01 * value
                        plane[top + 1, left] += w10 * value
                        plane[top + 1, left + 1] += w11 * value
                else:
                    for c in range(3):
                        for d in range(2):
                            for o in range(2):
                                if 0 <= top + d < size and 0 <= left + o < size:
                                    weight = (below if d else one - below) * (right if o else one - right)
                                    image[c, top + d, left + o] += weight * gain * wide(given[c])
