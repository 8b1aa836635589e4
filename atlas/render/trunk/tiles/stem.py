"""The stem by tiles: from pixels to the first mixed block, a few rows at a time.

The first convolution's map, the largest there is, is never whole: its rows are pooled while they are in the cache, and
on the way back made from the pool's gradient just before they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from atlas.render.trunk.pooling import pooled_side
from atlas.render.trunk.tiles import view
from atlas.render.trunk.tiles.convolution import Tap
from atlas.render.trunk.tiles.gate import gating
from atlas.render.trunk.tiles.maps import Instruction, Memory, Picture, Shape, map_of
from atlas.render.trunk.tiles.normalisation import Normalisation
from atlas.render.trunk.tiles.pooling import pooling, pooling_back
from atlas.render.trunk.tiles.step import Scratch, Segment, Step

if TYPE_CHECKING:
    from torch import Tensor

    from atlas.models.inception import InceptionV1
    from atlas.render.trunk.window import Window

#: Rows of a small map that are made together, and rows of the large one that are then kept.
_CHUNK = 2
_KEPT = 2 * _CHUNK + 4

#: The network takes ``x * 255 - 117``: of grey, 0.5, that is 10.5.
GAIN, GREY = 255.0, 10.5


class Stem:
    """What the stem computes, for so many icons of one size, of which a window is seen."""

    def __init__(self, network: InceptionV1, icon_size: int, window: Window, places: int) -> None:
        def parameters(name: str) -> tuple[Tensor, Tensor]:
            module = network.get_submodule(f"{name}_pre_relu_conv")
            return module.weight.detach().float(), module.bias.detach().float()  # type: ignore[operator]

        self.icon_size, self.window, self.places = icon_size, window, places
        size = window.side
        side0 = (size - 2) // 2 + 1
        side1 = pooled_side(side0)
        self.side = side1
        side2 = pooled_side(side1)
        self.picture = Picture(2 * side0 + 6, 2 * side0 + 16, places)
        self.large = map_of(side0, side0, places, 64, min(_KEPT, side0))
        self.narrow, self.broad = (map_of(side1, side1, places, channels) for channels in (64, 192))
        # Where rows are for a moment only.
        self.narrow_rows = map_of(side1, side1, places, 64, min(_CHUNK, side1))
        self.broad_rows = map_of(side1, side1, places, 192, min(_CHUNK + 2, side1))
        self.y = map_of(side2, side2, places, 192)
        self._conv0, self._conv0_back = _first(*parameters("conv2d0"), size, self.picture, self.large)
        weight, bias = parameters("conv2d1")
        all_ = (0, side1, 0, side1)
        matrix, alone, part = weight[:, :, 0, 0], Tap(0, 0, 0, all_), [Segment(0, 64)]
        self._conv1 = Step(self.narrow_rows, self.narrow, [(alone, matrix.t())], part, all_, bias)
        self._conv1_back = Step(self.narrow, self.narrow_rows, [(alone, matrix)], part, all_)
        weight, bias = parameters("conv2d2")
        shifts = [(a, b) for a in range(3) for b in range(3)]
        taps = [(Tap(a - 1, b - 1, 0, all_), weight[:, :, a, b].t()) for a, b in shifts]
        self._conv2 = Step(self.narrow, self.broad, taps, [Segment(0, 192)], all_, bias)
        taps = [(Tap(1 - a, 1 - b, 0, all_), weight[:, :, a, b]) for a, b in shifts]
        self._conv2_back = Step(self.broad_rows, self.narrow, taps, part, all_)
        self._conv2_back_whole = self._conv2_back.reading(self.broad)
        self.norm0, self.norm1 = Normalisation(network.normalise0, 64), Normalisation(network.normalise1, 192)

    def forward(self, memory: StemMemory, scratch: Scratch) -> list[Instruction]:
        """The stem's map of the picture."""
        m, large, narrow, broad, side = memory, self.large, self.narrow, self.broad, self.side
        pooled, conv1, conv2 = (x.address for x in (m.pooled, m.conv1, m.conv2))
        normal, normal1 = (self.narrow_rows, m.narrow_rows.address), (self.broad_rows, m.broad_rows.address)
        steps = []
        made = 0
        for row in range(0, side, _CHUNK):
            rows = row, min(row + _CHUNK, side)
            wanted = min(2 * rows[1] + 1, large.height)
            steps += [
                self._conv0.relu(m.picture.address, m.large.address, scratch, (made, wanted)),
                pooling(large, m.large.address, narrow, pooled, m.origin0.address, 64, 2, rows),
                *(self.norm0.forward((narrow, pooled), normal, one, m.room0, scratch) for one in range(*rows)),
                self._conv1.relu(normal[1], conv1, scratch, rows),
            ]
            made = wanted
        made = 0
        for row in range(self.y.height):
            wanted = min(2 * row + 3, side)
            if wanted > made:
                steps.append(self._conv2.relu(conv1, conv2, scratch, (made, wanted)))
                rest = range(made, wanted)
                steps += [self.norm1.forward((broad, conv2), normal1, one, m.room1, scratch) for one in rest]
                made = wanted
            last = m.y.address, m.origin1.address
            steps.append(pooling(*normal1, self.y, *last, 192, 2, (row, row + 1)))
        return steps

    def pull_back(self, memory: StemMemory, scratch: Scratch, *, redirected: bool) -> list[Instruction]:
        """The picture's gradient from ``memory.g``."""
        m, large, narrow, broad, side = memory, self.large, self.narrow, self.broad, self.side
        # Redirecting asks for whole maps, else a few rows are enough.
        shape, memory2 = (broad, m.conv2_whole) if redirected else (self.broad_rows, m.conv2_back)
        conv2, normal1 = (shape, memory2.address), (self.broad_rows, m.broad_rows.address)
        steps = []
        made = 0
        for row in range(0, side, _CHUNK):
            rows = row, min(row + _CHUNK, side)
            steps.append(
                pooling_back(self.y, m.g.address, m.origin1.address, *normal1, 192, 2, (*rows, 0, side)),
            )
            for one in range(*rows):
                maps = normal1, (broad, m.conv2.address), conv2
                steps.append(self.norm1.pull_back(*maps, one, m.room1, scratch, relu=not redirected))
            if not redirected:
                # The row below of the last one is not there yet.
                wanted = side if rows[1] == side else rows[1] - 1
                steps += self._narrow_back(m, (made, wanted), scratch, redirected=False)
                made = wanted
        if redirected:
            steps.append(gating(broad, conv2[1], m.conv2.address, (0, 192), scratch))
            steps += self._narrow_back(m, (0, side), scratch, redirected=True)
        # Of the padded picture's pairs of rows, the first holds nothing of the image.
        end = (self.window.side + 1) // 2 + 1
        made = 0
        for row in range(1, end, _CHUNK):
            rows = row, min(row + _CHUNK, end)
            wanted = min(rows[1], large.height)
            outputs = made, wanted, 0, large.width
            back = m.pooled_back.address, m.origin0.address
            steps += [
                pooling_back(narrow, *back, large, m.large.address, 64, 2, outputs),
                self._conv0_back.masked(m.large.address, m.picture_back.address, 0, scratch, rows),
            ]
            made = wanted
        return steps

    def _narrow_back(
        self, m: StemMemory, rows: tuple[int, int], scratch: Scratch, *, redirected: bool
    ) -> list[Instruction]:
        """From the gradient before the third convolution's ReLU to that before the first one's."""
        narrow, back = self.narrow, m.narrow_back.address
        conv1, pooled = m.conv1.address, m.pooled_back.address
        if redirected:
            steps = [
                self._conv2_back_whole.masked(m.conv2_whole.address, back, 0, scratch),
                gating(narrow, back, conv1, (0, 64), scratch),
            ]
        else:
            steps = [self._conv2_back.masked(m.conv2_back.address, back, conv1, scratch, rows)]
        normal = self.narrow_rows, m.narrow_rows.address
        # A pooled value is zero only where its whole window is: the ReLU's gradient can be taken on the small map.
        maps = normal, (narrow, m.pooled.address), (narrow, pooled)
        for row in range(*rows):
            steps += [
                self._conv1_back.masked(back, normal[1], 0, scratch, (row, row + 1)),
                self.norm0.pull_back(*maps, row, m.room0, scratch, relu=not redirected),
            ]
        if redirected:
            steps.append(gating(narrow, pooled, m.pooled.address, (0, 64), scratch))
        return steps


class StemMemory:
    """Room for one batch in a stem."""

    def __init__(self, stem: Stem) -> None:
        places, narrow = stem.places, stem.narrow.size
        self.picture, self.picture_back = Memory(stem.picture.size), Memory(stem.picture.size)
        self.large = Memory(stem.large.size)
        self.pooled, self.conv1, self.pooled_back, self.narrow_back = (Memory(narrow) for _ in range(4))
        self.conv2, self.conv2_whole = Memory(stem.broad.size), Memory(stem.broad.size)
        self.narrow_rows = Memory(stem.narrow_rows.size)
        self.broad_rows, self.conv2_back = Memory(stem.broad_rows.size), Memory(stem.broad_rows.size)
        self.y, self.g = Memory(stem.y.size), Memory(stem.y.size)
        self.origin0 = Memory(stem.side**2 * places * 64)
        self.origin1 = Memory(stem.y.height**2 * places * 192)
        self.room0, self.room1 = (norm.room(places) for norm in (stem.norm0, stem.norm1))
        self.around, self.around_back = (np.zeros(view.room(stem.icon_size), dtype=np.float32) for _ in range(2))
        self.constants = np.array([[GAIN] * 3 + [0], [GREY] * 3 + [0]], dtype=np.float32)


def _first(weight: Tensor, bias: Tensor, size: int, picture: Picture, large: Shape) -> tuple[Step, Step]:
    """The first convolution, 7 x 7 of stride 2, and its gradient.

    Forward, a row of its window is seven pixels of three colours that lie together. Back, it is one of stride 1 to
    blocks of two rows and four columns of the picture.
    """
    everywhere = (0, picture.height, 0, picture.width)
    taps = [(Tap(a, 0, 0, everywhere), weight[:, :, a].permute(2, 1, 0).reshape(21, 64)) for a in range(7)]
    outputs = (0, large.height, 0, large.width)
    forward = Step(picture, large, taps, [Segment(0, 64)], outputs, bias, read_by=(2, 2))
    # Of the block at (2 i, 4 j), row a and column b take kernel row 2 t + a and column b - 2 d of the convolution's
    # position (i - t, 2 j + d). A row of a block has its own tile, whose last four outputs are zeros.
    padded = F.pad(weight, (0, 1, 0, 1))
    back = []
    for t in range(4):
        for d in range(-3, 2):
            matrix = torch.zeros(64, 2, 16)
            for b in range(4):
                if 0 <= b - 2 * d < 7:
                    matrix[:, :, 3 * b : 3 * b + 3] = padded[:, :, 2 * t : 2 * t + 2, b - 2 * d].transpose(1, 2)
            back.append((Tap(-t, d, 0, outputs), matrix.flatten(1)))
    blocks = (0, (size + 1) // 2 + 1, 0, (size + 1) // 4 + 1)
    # Bytes to the second row of a block, as if it were a channel.
    rows = [Segment(0, 16), Segment(picture.places * picture.row // 2, 16)]
    backward = Step(large, picture, back, rows, blocks, read_by=(1, 2), written_by=(2, 4))
    return forward, backward
