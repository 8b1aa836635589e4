"""Pooling and normalisation on a processor, as compiled loops over maps (B, h, w, C)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import uint8

from atlas.render.compiled import as_bits, as_float, compiled, helper, narrow, wide

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Channels on each side that a normalisation looks at; written out below, so that the sum is one pass.
RADIUS = 5


@compiled
def pool(x: NDArray[Any], y: NDArray[Any], origin: NDArray[np.uint8], stride: int, padding: int) -> None:
    """Max-pool 3 x 3 of values that are not negative, given as signed integers of their bits, which sort alike.

    `origin` is the place in the window, row by row, that each value comes from; of equal ones the first.
    """
    n, height, width, channels = x.shape
    for b in range(n):
        for i in range(y.shape[1]):
            for j in range(y.shape[2]):
                best, place = y[b, i, j], origin[b, i, j]
                top, left = i * stride - padding, j * stride - padding
                first = True
                for tap in range(9):
                    row, column = top + tap // 3, left + tap % 3
                    if 0 <= row < height and 0 <= column < width:
                        values, here = x[b, row, column], uint8(tap)
                        if first:
                            first = False
                            for c in range(channels):
                                best[c] = values[c]
                                place[c] = here
                        else:
                            for c in range(channels):
                                higher = values[c] > best[c]
                                best[c] = values[c] if higher else best[c]
                                place[c] = here if higher else place[c]


@compiled
def pool_back(  # noqa: C901 - loops and borders
    g: NDArray[Any], origin: NDArray[np.uint8], more: NDArray[Any], x: NDArray[Any], stride: int, padding: int
) -> None:
    """Write to `x` what the gradient `g` of a pool gives its input, plus `more`, which may be empty."""
    n, height, width, channels = x.shape
    total = np.empty(channels, dtype=np.float32)
    for b in range(n):
        for i in range(height):
            for j in range(width):
                if len(more):
                    extra = more[b, i, j]
                    for c in range(channels):
                        total[c] = wide(extra[c])
                else:
                    total[:] = np.float32(0)
                for tap in range(9):
                    down, right = i + padding - tap // 3, j + padding - tap % 3
                    if down >= 0 and right >= 0 and down % stride == 0 and right % stride == 0:
                        row, column = down // stride, right // stride
                        if row < g.shape[1] and column < g.shape[2]:
                            values, place, here = g[b, row, column], origin[b, row, column], uint8(tap)
                            for c in range(channels):
                                total[c] += wide(values[c]) if place[c] == here else np.float32(0)
                found = x[b, i, j]
                for c in range(channels):
                    found[c] = narrow(total[c], found[c])


@helper
def _inverse_root(x: Any) -> Any:  # noqa: ANN401 - float32 of numba's
    # Newton's steps from the well-known first guess: to float32's precision, without the slow square root and division.
    y = as_float(np.uint32(0x5F3759DF) - (as_bits(x) >> np.uint32(1)))
    half = np.float32(0.5) * x
    y = y * (np.float32(1.5) - half * y * y)
    y = y * (np.float32(1.5) - half * y * y)
    return y * (np.float32(1.5) - half * y * y)


@helper
def _window_sums(q: Any, total: Any) -> None:  # noqa: ANN401
    # `q` has RADIUS zeros at both ends. Slices, because of an index that was added to the compiler cannot tell that it
    # is not negative, and then does not take several at a time.
    q1, q2, q3, q4, q5 = q[1:], q[2:], q[3:], q[4:], q[5:]
    q6, q7, q8, q9, q10 = q[6:], q[7:], q[8:], q[9:], q[10:]
    for c in range(len(total)):
        total[c] = (q[c] + q1[c] + q2[c] + q3[c]) + (q4[c] + q5[c] + q6[c] + q7[c]) + (q8[c] + q9[c] + q10[c])


@compiled
def normalise(x: NDArray[Any], y: NDArray[Any], bias: np.float32, alpha: np.float32) -> None:
    """Local response normalisation of rows (n, C)."""
    n, channels = x.shape
    square = np.zeros(channels + 2 * RADIUS, dtype=np.float32)
    middle = square[RADIUS:-RADIUS]
    total = np.empty(channels, dtype=np.float32)
    for i in range(n):
        values, out = x[i], y[i]
        for c in range(channels):
            value = wide(values[c])
            middle[c] = value * value
        _window_sums(square, total)
        for c in range(channels):
            out[c] = narrow(wide(values[c]) * _inverse_root(bias + alpha * total[c]), out[c])


@compiled
def normalise_back(
    g: NDArray[Any], x: NDArray[Any], out: NDArray[Any], bias: np.float32, alpha: np.float32, relu: bool
) -> None:
    """Gradient of the rows `x` from that of the normalised ones; with `relu` zero where x is."""
    n, channels = x.shape
    square = np.zeros(channels + 2 * RADIUS, dtype=np.float32)
    middle = square[RADIUS:-RADIUS]
    total = np.empty(channels, dtype=np.float32)
    direct = np.empty(channels, dtype=np.float32)
    for i in range(n):
        gradient, values, found = g[i], x[i], out[i]
        for c in range(channels):
            value = wide(values[c])
            middle[c] = value * value
        _window_sums(square, total)
        for c in range(channels):
            factor = _inverse_root(bias + alpha * total[c])
            straight = wide(gradient[c]) * factor
            direct[c] = straight
            middle[c] = straight * wide(values[c]) * factor * factor
        _window_sums(square, total)
        for c in range(channels):
            value = wide(values[c])
            result = direct[c] - alpha * value * total[c]
            found[c] = narrow(np.float32(0) if relu and value <= np.float32(0) else result, found[c])
