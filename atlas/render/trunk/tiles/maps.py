"""Where maps lie in memory: row by row, position by position, icon by icon, and then by channel.

With the icons of a batch inside of positions, the rows of a tile are the same position of up to 16 icons: all of them
see the same border, so that nothing is computed for padding, however small a map is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Most icons of a batch: rows of a tile.
PLACES = 16
#: Channels that a tile reads at once; slices of maps begin at multiples of it.
READ = 32
#: Channels that a tile writes.
WRITTEN = 16


def up(n: int, multiple: int) -> int:
    """The least multiple that is not below n."""
    return -(-n // multiple) * multiple


@dataclass(frozen=True, slots=True)
class Shape:
    """A map of so many rows and columns of positions, of so many icons each, in bfloat16.

    `pitch` is the number of channels from icon to icon. Of rows, the last `kept` are in memory.
    """

    height: int
    width: int
    places: int
    pitch: int
    kept: int

    @property
    def row(self) -> int:
        """Bytes from icon to icon."""
        return 2 * self.pitch

    def offset(self, i: int, j: int) -> int:
        """Bytes from the begin to row i, column j."""
        return ((i % self.kept) * self.width + j) * self.places * self.row

    @property
    def zeros(self) -> int:
        """Bytes from the begin to a position of zeros."""
        return self.kept * self.width * self.places * self.row

    @property
    def size(self) -> int:
        """Bytes of all, with the zeros."""
        return self.zeros + self.places * self.row + 2 * READ


@dataclass(frozen=True, slots=True)
class Picture:
    """Images with their padding: row by row, icon by icon, and then by column and colour, in bfloat16."""

    height: int
    width: int
    places: int

    @property
    def row(self) -> int:
        """Bytes from icon to icon."""
        return 6 * self.width

    def offset(self, i: int, j: int) -> int:
        """Bytes from the begin to row i, column j."""
        return i * self.places * self.row + 6 * j

    @property
    def zeros(self) -> int:
        """Bytes from the begin to a row of zeros."""
        return self.height * self.places * self.row

    @property
    def size(self) -> int:
        """Bytes of all, with the zeros."""
        return self.zeros + self.places * self.row + 2 * READ


class Memory:
    """Zeros for a map, from a multiple of 64 bytes on."""

    def __init__(self, size: int) -> None:
        self._array = np.zeros(size + 64, dtype=np.uint8)
        start = -self._array.ctypes.data % 64
        self.bytes = self._array[start : start + size]
        self.address = self.bytes.ctypes.data


#: A map's shape and its address.
Place = tuple[Shape, int]

#: Bytes from icon to icon, in cache lines, from which on an even number would crowd icons into few sets of the cache.
_CROWDED = 8


def map_of(height: int, width: int, places: int, channels: int, kept: int | None = None) -> Shape:
    """A map with room for so many channels."""
    lines = up(channels, READ) // READ
    return Shape(height, width, places, READ * (lines | 1 if lines >= _CROWDED else lines), kept or height)


#: Rows and columns of positions: first row, end, first column, end.
Window = tuple[int, int, int, int]

#: A compiled loop and its numbers.
Instruction = tuple[Callable[..., None], NDArray[np.int64]]


def instruction(loop: Callable[..., None], *numbers: int) -> Instruction:
    """A call of `loop` that is prepared once and made in every step."""
    return loop, np.array(numbers, dtype=np.int64)
