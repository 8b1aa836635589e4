"""A mixed block by tiles: on its whole map, or for the centre of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from atlas.models.inception import MIXED_WIDTHS
from atlas.render.trunk.mixed import branch
from atlas.render.trunk.tiles.convolution import Tap
from atlas.render.trunk.tiles.gate import gating
from atlas.render.trunk.tiles.maps import READ, WRITTEN, Instruction, Memory, Shape, Window, map_of, up
from atlas.render.trunk.tiles.pooling import pooling, pooling_back
from atlas.render.trunk.tiles.step import Scratch, Segment, Step

if TYPE_CHECKING:
    from torch import Tensor

    from atlas.models.inception import InceptionV1


class Mixed:
    """What a mixed block computes, and where.

    Its map holds the outputs of its branches, one after the other, and then what is within the branches: then one
    convolution makes all that is made from the block's input, and its gradient is one.

    Parameters
    ----------
    x : Shape
        The input.
    channels : Tensor
        Which channels of `x` the network's are.
    centre : bool
        Only for the centre position: what reaches it from further away is not computed.
    """

    def __init__(self, network: InceptionV1, block: str, x: Shape, channels: Tensor, *, centre: bool) -> None:
        self.x, self._read = x, up(int(channels[-1]) + 1, READ)
        side, places = x.height, x.places
        one, inner3, three, inner5, five, pooled = MIXED_WIDTHS[block]
        starts = np.cumsum([0, *(up(width, READ) for width in (one, three, five, pooled, inner3, inner5))]).tolist()
        self.outputs = [Segment(start, width) for start, width in zip(starts, (one, three, five, pooled), strict=False)]
        self._inner = Segment(starts[4], inner3), Segment(starts[5], inner5)
        self.channels = torch.cat([torch.arange(part.start, part.start + part.width) for part in self.outputs])
        self.y = map_of(side, side, places, starts[6])
        self.inside = map_of(side, side, places, self._read)
        windows = [_window(side, radius if centre else side) for radius in (0, 1, 2)]
        self.here, self._far = windows[0], windows[2]

        def parameters(name: str) -> tuple[Tensor, Tensor]:
            weight, bias = branch(network, block, name)
            return weight.detach().float(), bias.detach().float()

        def spread(weight: Tensor) -> Tensor:
            """Matrix (channels of x, outputs) of a 1 x 1 convolution."""
            matrix = torch.zeros(self._read, len(weight))
            matrix[channels] = weight[:, :, 0, 0].t()
            return matrix

        firsts = [parameters(name) for name in ("1x1", "3x3_bottleneck", "5x5_bottleneck")]
        parts = [self.outputs[0], *self._inner]
        whole = Segment(0, self._read)
        alone = Tap(0, 0, 0, (0, side, 0, side))
        groups = [[0], [1], [2]] if centre else [[0, 1, 2]]
        self._merged = [
            Step(
                x,
                self.y,
                [(alone, torch.cat([spread(firsts[n][0]) for n in group], dim=1))],
                [parts[n] for n in group],
                windows[group[0]],
                torch.cat([firsts[n][1] for n in group]),
            )
            for group in groups
        ]
        self._merged_back = Step(
            self.y,
            self.inside,
            [
                (Tap(0, 0, part.start, window), spread(weight).t())
                for part, window, (weight, _) in zip(parts, windows, firsts, strict=True)
            ],
            [whole],
            self._far,
        )
        self._outer, self._outer_back = [], []
        for radius, name in ((1, "3x3"), (2, "5x5")):
            weight, bias = parameters(name)
            inner, outer = self._inner[radius - 1], self.outputs[radius]
            shifts = [(a - radius, b - radius) for a in range(2 * radius + 1) for b in range(2 * radius + 1)]
            kernel = weight.flatten(2)
            window = windows[radius]
            taps = [
                (Tap(down, over, inner.start, window), kernel[:, :, n].t()) for n, (down, over) in enumerate(shifts)
            ]
            self._outer.append(Step(self.y, self.y, taps, [outer], self.here, bias))
            taps = [
                (Tap(-down, -over, outer.start, self.here), kernel[:, :, n]) for n, (down, over) in enumerate(shifts)
            ]
            self._outer_back.append(Step(self.y, self.y, taps, [inner], window))
        weight, bias = parameters("pool_reduce")
        self._reduce = Step(self.inside, self.y, [(alone, spread(weight))], [self.outputs[3]], self.here, bias)
        back = Tap(0, 0, self.outputs[3].start, self.here)
        self._reduce_back = Step(self.y, self.inside, [(back, spread(weight).t())], [whole], self.here)

    def forward(self, x: int, memory: MixedMemory, scratch: Scratch) -> list[Instruction]:
        """The block's map from the input at address `x`."""
        y, pooled = memory.y.address, memory.pooled.address
        return [
            *(step.relu(x, y, scratch) for step in self._merged),
            *(step.relu(y, y, scratch) for step in self._outer),
            pooling(self.x, x, self.inside, pooled, memory.origin.address, self._read, 1, self.here[:2]),
            self._reduce.relu(pooled, y, scratch),
        ]

    def pull_back(
        self, x: int, gradient: int, memory: MixedMemory, scratch: Scratch, *, redirected: bool
    ) -> list[Instruction]:
        """Write to `gradient` the one of the input at `x`, from ``memory.g``.

        Both are masked by the ReLUs that made what they are gradients of, if nothing is redirected.
        """
        y, g = memory.y.address, memory.g.address
        steps = []
        if redirected:
            steps += [self._gate(memory, part, scratch) for part in self.outputs]
        for step, part in zip(self._outer_back, self._inner, strict=True):
            steps.append(step.masked(g, g, 0 if redirected else y, scratch))
            if redirected:
                steps.append(self._gate(memory, part, scratch))
        pooled, more = memory.pooled_back.address, memory.more.address
        return [
            *steps,
            self._reduce_back.masked(g, pooled, 0, scratch),
            self._merged_back.masked(g, more, 0, scratch),
            pooling_back(
                self.inside,
                pooled,
                memory.origin.address,
                self.x,
                gradient,
                self._read,
                1,
                self._far,
                windows=self.here,
                more=(more, self.inside.row),
                mask=0 if redirected else x,
            ),
        ]

    def _gate(self, memory: MixedMemory, part: Segment, scratch: Scratch) -> Instruction:
        ends = part.start, part.start + up(part.width, WRITTEN)
        return gating(self.y, memory.g.address, memory.y.address, ends, scratch)


class MixedMemory:
    """A block's map, its gradient, and what its pool keeps."""

    def __init__(self, block: Mixed) -> None:
        inside = block.inside
        self.y, self.g = Memory(block.y.size), Memory(block.y.size)
        self.pooled, self.pooled_back, self.more = (Memory(inside.size) for _ in range(3))
        self.origin = Memory(inside.height * inside.width * inside.places * inside.pitch)


def _window(side: int, radius: int) -> Window:
    centre = side // 2
    first, end = max(0, centre - radius), min(side, centre + radius + 1)
    return first, end, first, end
