"""A convolution between two maps of a plan, and what a thread needs to run it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from atlas.render.trunk.tiles.convolution import MASKED, PLAIN, RELU, Tap, Weights, convolve, table
from atlas.render.trunk.tiles.instructions import shapes
from atlas.render.trunk.tiles.maps import WRITTEN, Instruction, Memory, Picture, Shape, Window, instruction, up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

#: Pairs of positions that go through all outputs before the next: what they read fits the second-level cache.
_BAND = 12


class Scratch:
    """Shapes of tiles for so many icons, and room for what leaves the tiles: one a thread."""

    def __init__(self, places: int) -> None:
        self._shapes = shapes(places)
        self.shape = self._shapes.ctypes.data
        self._room = Memory(4 * 1024 + 64)
        self.address = self._room.address
        #: 1 for icons whose gradients pass through dead ReLUs.
        self.redirect = np.zeros(places, dtype=np.int64)


@dataclass(frozen=True)
class Segment:
    """Output channels that lie together: their first place in the map, and how many there are."""

    start: int
    width: int


class Step:
    """A convolution from one map to another.

    Parameters
    ----------
    x, y : Shape or Picture
        The maps.
    taps : sequence of (Tap, Tensor)
        Shifts, and their matrices (inputs, outputs).
    segments : sequence of Segment
        Where outputs go, in order.
    outputs : Window
        Which positions are computed.
    bias : Tensor, optional
        (outputs,).
    """

    def __init__(
        self,
        x: Shape | Picture,
        y: Shape | Picture,
        taps: Sequence[tuple[Tap, Tensor]],
        segments: Sequence[Segment],
        outputs: Window,
        bias: Tensor | None = None,
        *,
        read_by: tuple[int, int] = (1, 1),
        written_by: tuple[int, int] = (1, 1),
    ) -> None:
        # Every segment is written by whole tiles.
        cuts = np.cumsum([segment.width for segment in segments])[:-1].tolist()
        matrices = [
            _beside([_filled(part) for part in matrix.detach().float().tensor_split(cuts, dim=1)]) for _, matrix in taps
        ]
        biases = None
        if bias is not None:
            biases = _beside([_filled(part[None]) for part in bias.detach().float().tensor_split(cuts)])[0]
        self._weights = Weights(matrices, biases)
        self._columns = 2 * np.concatenate(
            [np.arange(0, up(segment.width, WRITTEN), WRITTEN) + segment.start for segment in segments]
        )
        self._outputs, self._taps = outputs, tuple(tap for tap, _ in taps)
        self._by = {"read_by": read_by, "written_by": written_by}
        self._place(x, y)

    def _place(self, x: Shape | Picture, y: Shape | Picture) -> None:
        self._y = y
        self._table = table(x, y, self._outputs, self._taps, tuple(self._weights.depths), **self._by)
        self._rows = x.row, y.row
        self._places = x.places

    def reading(self, x: Shape) -> Step:
        """The same from another map."""
        other = copy(self)
        other._place(x, self._y)  # noqa: SLF001 - of its own kind
        return other

    def relu(self, x: int, y: int, scratch: Scratch, rows: tuple[int, int] | None = None) -> Instruction:
        """From the map at address `x` to the one at `y`: plus the bias, and the ReLU. Of `rows`, if not of all."""
        return self._instruction(x, y, RELU, self._weights.bias.ctypes.data, scratch, rows)

    def masked(self, x: int, y: int, cover: int, scratch: Scratch, rows: tuple[int, int] | None = None) -> Instruction:
        """Without bias, and only where the map at `cover` is positive; 0 for everywhere."""
        return self._instruction(x, y, MASKED if cover else PLAIN, cover, scratch, rows)

    def _instruction(
        self, x: int, y: int, kind: int, extra: int, scratch: Scratch, rows: tuple[int, int] | None
    ) -> Instruction:
        first, last = (0, len(self._table.rows) - 1) if rows is None else (row - self._outputs[0] for row in rows)
        weights, table = self._weights, self._table
        return instruction(
            convolve,
            x,
            self._rows[0],
            weights.address,
            weights.tiles,
            weights.depth,
            *(array.ctypes.data for array in (self._columns, table.pairs, table.entries)),
            table.rows[first],
            table.rows[last],
            _BAND,
            y,
            self._rows[1],
            self._places,
            kind,
            extra,
            scratch.address,
            scratch.shape,
        )


def _filled(matrix: Tensor) -> Tensor:
    return F.pad(matrix, (0, -matrix.shape[1] % WRITTEN))


def _beside(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(parts), dim=1)
