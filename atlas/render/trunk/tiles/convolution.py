"""Convolutions as sums of products of tiles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from atlas.render.compiled import compiled
from atlas.render.lanes import all16, greater, load, load_half, load_long, store_half, where_positive
from atlas.render.trunk.tiles.instructions import clear, configuration, configure, multiply, read, write
from atlas.render.trunk.tiles.maps import READ, WRITTEN, Memory, Picture, Shape, Window, up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

#: What happens to sums before they are written.
PLAIN, RELU, MASKED = 0, 1, 2

#: Bytes of a tile.
_TILE = 1024


@dataclass(frozen=True, slots=True)
class Tap:
    """One shift of a kernel: position (i, j) of the output takes (i + down, j + over) of the input.

    `channel` is the first one that is read, `rows` how many positions' rows and columns it may read: (first row, end,
    first column, end).
    """

    down: int
    over: int
    channel: int
    within: Window


class Weights:
    """Matrices (inputs, outputs), one a tap, in the order in which tiles read them.

    Parameters
    ----------
    matrices : sequence of Tensor
        (inputs, outputs); inputs are filled up with zeros to a multiple of `READ`, outputs of `WRITTEN`.
    bias : Tensor, optional
        (outputs,).
    """

    def __init__(self, matrices: Sequence[Tensor], bias: Tensor | None = None) -> None:
        outputs = matrices[0].shape[1]
        self.tiles = up(outputs, WRITTEN) // WRITTEN
        self.bias = np.zeros(self.tiles * WRITTEN, dtype=np.float32)
        if bias is not None:
            self.bias[:outputs] = bias.detach().float().numpy()
        self.depths: list[int] = []
        padded = []
        for matrix in matrices:
            inputs = matrix.shape[0]
            whole = np.zeros((up(inputs, READ), self.tiles * WRITTEN), dtype=np.float32)
            whole[:inputs, :outputs] = matrix.detach().float().numpy()
            self.depths.append(len(whole) // READ)
            padded.append(whole)
        # Two tiles of outputs are read together.
        tiled = paired(bfloat16(np.concatenate(padded)))
        self.depth = tiled.shape[1]
        parts = [tiled[n : n + 2].swapaxes(0, 1).ravel() for n in range(0, self.tiles, 2)]
        packed = np.concatenate(parts).view(np.uint8)
        self._memory = Memory(len(packed))
        self._memory.bytes[:] = packed
        self.address = self._memory.address


@dataclass(frozen=True, slots=True)
class Table:
    """Which positions are read for which.

    Attributes
    ----------
    pairs : array (n + 1, 3)
        Of two positions that are computed together: where their entries begin, and the bytes to both outputs.
    entries : array (m, 4)
        Which tile of weights is the first, how many follow, and the bytes to both inputs.
    rows : array (h + 1,)
        Which pair is the first of each row.
    """

    pairs: NDArray[np.int64]
    entries: NDArray[np.int64]
    rows: NDArray[np.int64]


@lru_cache(maxsize=512)
def table(
    x: Shape | Picture,
    y: Shape | Picture,
    outputs: Window,
    taps: tuple[Tap, ...],
    depths: tuple[int, ...],
    *,
    read_by: tuple[int, int] = (1, 1),
    written_by: tuple[int, int] = (1, 1),
) -> Table:
    """Table of a convolution from `x` to the rows and columns `outputs` (first row, end, first column, end) of `y`.

    Output (i, j) lies at (i, j) times `written_by` and reads around (i, j) times `read_by`.
    """
    starts = np.concatenate([[0], np.cumsum(depths)])
    pairs: list[tuple[int, ...]] = []
    entries: list[tuple[int, ...]] = []
    rows = []
    first_row, end_row, first, end = outputs
    for i in range(first_row, end_row):
        rows.append(len(pairs))
        for j in range(first, end, 2):
            columns = (j, min(j + 1, end - 1))
            targets = [y.offset(i * written_by[0], column * written_by[1]) for column in columns]
            pairs.append((len(entries), *targets))
            for n, tap in enumerate(taps):
                row = i * read_by[0] + tap.down
                sources = [column * read_by[1] + tap.over for column in columns]
                top, bottom, left, right = tap.within
                on = [top <= row < bottom and left <= source < right for source in sources]
                if any(on):
                    places = [
                        x.offset(row, source) + 2 * tap.channel if valid else x.zeros
                        for source, valid in zip(sources, on, strict=True)
                    ]
                    entries.append((starts[n], depths[n], *places))
    rows.append(len(pairs))
    pairs.append((len(entries), 0, 0))
    return Table(*(np.array(part, dtype=np.int64) for part in (pairs, entries, rows)))


@compiled
def convolve(p: NDArray[np.int64]) -> None:  # noqa: C901, PLR0912, PLR0915 - one loop nest
    """Write sums for some pairs of positions, with a bias and ReLU, or where a map is positive, or plain.

    `p`, in order: address of the input, bytes from icon to icon; address of weights, how many tiles across and down;
    address of the bytes from output tile to output tile; addresses of `Table.pairs` and `Table.entries`, first pair,
    end; so many pairs (`band`) that go through all outputs before the next, so that what they read stays in the cache;
    address of the output, bytes from icon to icon; icons; what happens; address of the biases, or of the map that has
    to be positive, which lies as the output does; addresses of a `Scratch`'s room and shapes.
    """
    x, x_row, weights, tiles, depth, columns, pairs, entries = p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]
    first, last, band, y, y_row, places, kind, extra = p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[15]
    scratch, shape = p[16], p[17]
    before = scratch + 4 * _TILE
    configuration(before)
    configure(shape)
    zero = all16(np.float32(0))
    for begin in range(first, last, band):
        stop = min(begin + band, last)
        for tile in range(0, tiles, 2):
            block = weights + tile * depth * _TILE
            both = tile + 1 < tiles
            for pair in range(begin, stop):
                clear(0)
                clear(1)
                clear(2)
                clear(3)
                for entry in range(load_long(pairs + 24 * pair), load_long(pairs + 24 * pair + 24)):
                    row = entries + 32 * entry
                    skipped, deep = load_long(row), load_long(row + 8)
                    left, right = x + load_long(row + 16), x + load_long(row + 24)
                    if both:
                        here = block + skipped * 2 * _TILE
                        for _ in range(deep):
                            read(6, here, 64)
                            read(4, left, x_row)
                            multiply(0, 4, 6)
                            read(7, here + _TILE, 64)
                            multiply(1, 4, 7)
                            read(5, right, x_row)
                            multiply(2, 5, 6)
                            multiply(3, 5, 7)
                            here += 2 * _TILE
                            left += 2 * READ
                            right += 2 * READ
                    else:
                        here = block + skipped * _TILE
                        for _ in range(deep):
                            read(6, here, 64)
                            read(4, left, x_row)
                            multiply(0, 4, 6)
                            read(5, right, x_row)
                            multiply(2, 5, 6)
                            here += _TILE
                            left += 2 * READ
                            right += 2 * READ
                write(0, scratch, 64)
                write(1, scratch + _TILE, 64)
                write(2, scratch + 2 * _TILE, 64)
                write(3, scratch + 3 * _TILE, 64)
                for part in range(4 if both else 3):
                    if not both and part == 1:
                        continue
                    number = tile + part % 2
                    offset = load_long(pairs + 24 * pair + 8 + 8 * (part // 2)) + load_long(columns + 8 * number)
                    sums, out = scratch + part * _TILE, y + offset
                    if kind == RELU:
                        bias = load(extra + 4 * WRITTEN * number)
                        for place in range(places):
                            store_half(out + place * y_row, greater(load(sums + 64 * place) + bias, zero))
                    elif kind == MASKED:
                        mask = extra + offset
                        for place in range(places):
                            value = load(sums + 64 * place)
                            store_half(out + place * y_row, where_positive(load_half(mask + place * y_row), value))
                    else:
                        for place in range(places):
                            store_half(out + place * y_row, load(sums + 64 * place))
    configure(before)


def bfloat16(x: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Bits of bfloat16, to nearest even."""
    pattern = x.view(np.uint32)
    return ((pattern + 0x7FFF + ((pattern >> 16) & 1)) >> 16).astype(np.uint16)


def paired(matrix: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Tiles (outputs / 16, inputs / 32, 16, 16, 2) of a matrix: pairs of rows lie side by side in them."""
    inputs, outputs = matrix.shape
    split = matrix.reshape(inputs // READ, READ // 2, 2, outputs // WRITTEN, WRITTEN)
    return np.ascontiguousarray(split.transpose(3, 0, 1, 4, 2))
