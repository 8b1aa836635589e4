"""Local response normalisation by tiles: the sum over neighbouring channels is a product with one small band.

The squares that are summed are rounded to bfloat16, which moves a sum of eleven by less than the rounding of what is
made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atlas.render.compiled import compiled, helper
from atlas.render.elementary import inverse_root
from atlas.render.lanes import (
    all16,
    load,
    load_float,
    load_half,
    store,
    store_half,
    where_positive,
)
from atlas.render.trunk.tiles.convolution import bfloat16, paired
from atlas.render.trunk.tiles.instructions import clear, configuration, configure, multiply, read, write
from atlas.render.trunk.tiles.maps import Instruction, Memory, Place, instruction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atlas.models.normalisation import LocalResponseNorm
    from atlas.render.trunk.tiles.step import Scratch

#: Channels before a tile's first output that it reads: at least the radius, of which 16 and twice it are within 32.
_BEFORE = 8
_TILE = 1024


@helper
def _square(x: int, x_row: int, places: int, channels: int, squares: int, pitch: int) -> None:
    """Squares of a position of a map, as `_sum_near` reads them."""
    for place in range(places):
        for c in range(0, channels, 16):
            value = load_half(x + place * x_row + 2 * c)
            store_half(squares + place * pitch + 64 + 2 * c, value * value)


@helper
def _sum_near(squares: int, pitch: int, channels: int, sums: int, row: int) -> None:
    """Sums over neighbouring channels, of all icons at once, with the band in tile 6."""
    for c in range(0, channels, 16):
        clear(0)
        read(4, squares + 64 + 2 * (c - _BEFORE), pitch)
        multiply(0, 4, 6)
        write(0, sums + 4 * c, row)


@compiled
def normalise(p: NDArray[np.int64]) -> None:
    """Normalise some positions.

    `p`, in order: addresses of the input and the output; bytes from icon to icon of both; positions; icons; channels;
    address of bias and alpha; of the tile that sums; of a `room`; of a `Scratch`'s shapes.
    """
    x, y, x_row, positions, places, channels = p[0], p[1], p[2], p[3], p[4], p[5]
    constants, weights, scratch, shape = p[6], p[7], p[8], p[9]
    configuration(scratch)
    configure(shape)
    read(6, weights, 64)
    squares, pitch = scratch + 64, 2 * (channels + 64)
    sums, sums_row = squares + places * pitch, 4 * channels
    add, times = all16(load_float(constants)), all16(load_float(constants + 4))
    for position in range(positions):
        line, out = x + position * places * x_row, y + position * places * x_row
        _square(line, x_row, places, channels, squares, pitch)
        _sum_near(squares, pitch, channels, sums, sums_row)
        for place in range(places):
            for c in range(0, channels, 16):
                value = load_half(line + place * x_row + 2 * c)
                factor = inverse_root(add + times * load(sums + place * sums_row + 4 * c))
                store_half(out + place * x_row + 2 * c, value * factor)
    configure(scratch)


@compiled
def normalise_back(p: NDArray[np.int64]) -> None:
    """Gradient of some positions of the input, zero where the input is if the last of `p` is not 0.

    `p`, in order: addresses of the gradient of the output, of the input and of its gradient; then as for `normalise`.
    """
    g, x, out, x_row, positions, places, channels = p[0], p[1], p[2], p[3], p[4], p[5], p[6]
    constants, weights, scratch, shape, relu = p[7], p[8], p[9], p[10], p[11]
    configuration(scratch)
    configure(shape)
    read(6, weights, 64)
    squares, pitch = scratch + 64, 2 * (channels + 64)
    sums, row = squares + places * pitch, 4 * channels
    direct = sums + places * row
    add, times = all16(load_float(constants)), all16(load_float(constants + 4))
    for position in range(positions):
        given, line = g + position * places * x_row, x + position * places * x_row
        found = out + position * places * x_row
        _square(line, x_row, places, channels, squares, pitch)
        _sum_near(squares, pitch, channels, sums, row)
        for place in range(places):
            for c in range(0, channels, 16):
                value = load_half(line + place * x_row + 2 * c)
                factor = inverse_root(add + times * load(sums + place * row + 4 * c))
                straight = load_half(given + place * x_row + 2 * c) * factor
                store(direct + place * row + 4 * c, straight)
                store_half(squares + place * pitch + 64 + 2 * c, straight * value * factor * factor)
        _sum_near(squares, pitch, channels, sums, row)
        for place in range(places):
            for c in range(0, channels, 16):
                value = load_half(line + place * x_row + 2 * c)
                total = load(direct + place * row + 4 * c) - times * value * load(sums + place * row + 4 * c)
                if relu:
                    total = where_positive(value, total)
                store_half(found + place * x_row + 2 * c, total)
    configure(scratch)


class Normalisation:
    """A local response normalisation of maps of so many channels."""

    def __init__(self, definition: LocalResponseNorm, channels: int) -> None:
        self._channels = channels
        self._constants = np.array([definition.bias, definition.alpha], dtype=np.float32)
        # The tile that sums: of 32 channels from some before on, those within the radius of each of 16.
        distance = np.arange(32)[:, None] - _BEFORE - np.arange(16)
        within = (np.abs(distance) <= definition.radius).astype(np.float32)
        self._band = Memory(_TILE)
        self._band.bytes[:] = paired(bfloat16(within)).view(np.uint8).ravel()

    def room(self, places: int) -> Memory:
        """Scratch memory for one thread."""
        return Memory(64 + places * (2 * (self._channels + 64) + 2 * 4 * self._channels))

    def forward(self, x: Place, y: Place, row: int, room: Memory, scratch: Scratch) -> Instruction:
        """Normalise a row of a map into another."""
        return instruction(normalise, *self._numbers((x, y), row, room, scratch))

    def pull_back(
        self, gradient: Place, x: Place, found: Place, row: int, room: Memory, scratch: Scratch, *, relu: bool
    ) -> Instruction:
        """A row of the gradient of the map `x`; with `relu`, of what it is the ReLU of."""
        return instruction(normalise_back, *self._numbers((gradient, x, found), row, room, scratch), int(relu))

    def _numbers(self, maps: tuple[Place, ...], row: int, room: Memory, scratch: Scratch) -> tuple[int, ...]:
        shape = maps[0][0]
        starts = [address + own.offset(row, 0) for own, address in maps]
        addresses = self._constants.ctypes.data, self._band.address, room.address, scratch.shape
        return *starts, shape.row, shape.width, shape.places, self._channels, *addresses
