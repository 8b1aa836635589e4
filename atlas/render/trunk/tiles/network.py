"""InceptionV1 up to the centre of one layer by a processor's matrix tiles: the same as `Trunk` in bfloat16, faster."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from atlas.models.inception import MIXED_WIDTHS, POOLED_AFTER
from atlas.render.painting import each_contiguous, images_apart, whereabouts
from atlas.render.trunk.pooling import pooled_side
from atlas.render.trunk.tiles import view
from atlas.render.trunk.tiles.maps import PLACES, READ, Instruction, Memory, map_of, up
from atlas.render.trunk.tiles.mixed import Mixed, MixedMemory
from atlas.render.trunk.tiles.pooling import pooling, pooling_back
from atlas.render.trunk.tiles.stem import GAIN, Stem, StemMemory
from atlas.render.trunk.tiles.step import Scratch
from atlas.render.trunk.window import window_of

if TYPE_CHECKING:
    from torch import Tensor

    from atlas.models.inception import InceptionV1


class TileTrunk:
    """The network, with its preprocessing, from an image to the centre of a mixed block. See `Trunk`.

    Of what is seen, the part is computed that reaches the centre, see `window_of`. An icon's arithmetic is the same
    however many there are beside it. Threads may share a trunk: each has its own memory, which its next call
    overwrites.
    """

    def __init__(self, network: InceptionV1, layer: str, size: int) -> None:
        self._network, self._layer, self._size = network, layer, size
        self._plans: dict[int, _Plan] = {}
        self._planning = threading.Lock()
        self._own = threading.local()

    def __call__(self, images: Tensor, maps: Tensor | None = None) -> tuple[Tensor, list[Any]]:
        """Activations (B, C), float32, at the centre of the layer, and what `pull_back` needs until the next call.

        For `images` (B, 3, S, S) in [0, 1], seen through affine `maps` (B, 2, 3), see `warp`, or as they are.
        """
        if maps is None:
            maps = torch.eye(2, 3).expand(len(images), 2, 3)
        saved = []
        reached = []
        for n, (some, seen) in enumerate(zip(torch.split(images, PLACES), torch.split(maps, PLACES), strict=True)):
            run = self._room(len(some), n)
            reached.append(run.forward(each_contiguous(some), seen.contiguous()))
            saved.append((run, seen.contiguous()))
        return torch.cat(reached), saved

    def pull_back(self, gradient: Tensor, saved: list[Any], redirect: Tensor | None = None) -> Tensor:
        """Gradient (B, 3, S, S), float32, of the images from that of the centre (B, C), until the next call.

        See `Trunk`.
        """
        found = self._gradients(len(gradient))
        for n, (run, seen) in enumerate(saved):
            some = slice(n * PLACES, n * PLACES + len(seen))
            run.pull_back(gradient[some], seen, found[some], None if redirect is None else redirect[some])
        return found

    def _gradients(self, n: int) -> Tensor:
        kept: dict[int, Tensor] = self._own.__dict__.setdefault("gradients", {})
        if n not in kept:
            kept[n] = images_apart(n, self._size)
        return kept[n]

    def _room(self, places: int, number: int) -> _Run:
        """Memory of the calling thread for the part of this number, of so many icons, of a batch."""
        rooms: dict[tuple[int, int], _Run] = self._own.__dict__.setdefault("rooms", {})
        if (places, number) not in rooms:
            with self._planning:
                if places not in self._plans:
                    self._plans[places] = _Plan(self._network, self._layer, self._size, places)
            rooms[places, number] = _Run(self._plans[places])
        return rooms[places, number]


class _Halving:
    """The pool of stride 2 after a block."""

    def __init__(self, block: Mixed) -> None:
        side = pooled_side(block.y.height)
        self.x = block.y
        self.read = up(int(block.channels[-1]) + 1, READ)
        self.y = map_of(side, side, block.y.places, self.read)

    def forward(self, x: int, memory: _HalvingMemory, _scratch: Scratch) -> list[Instruction]:
        rows = 0, self.y.height
        return [pooling(self.x, x, self.y, memory.y.address, memory.origin.address, self.read, 2, rows)]

    def pull_back(
        self, x: int, gradient: int, memory: _HalvingMemory, _scratch: Scratch, *, redirected: bool
    ) -> list[Instruction]:
        outputs, mask = (0, self.x.height, 0, self.x.width), 0 if redirected else x
        back = memory.g.address, memory.origin.address
        return [pooling_back(self.y, *back, self.x, gradient, self.read, 2, outputs, mask=mask)]


class _HalvingMemory:
    """Room for one batch in a pool."""

    def __init__(self, pool: _Halving) -> None:
        self.y, self.g = Memory(pool.y.size), Memory(pool.y.size)
        self.origin = Memory(pool.y.height**2 * pool.y.places * pool.read)


class _Plan:
    """What is computed for batches of so many icons."""

    def __init__(self, network: InceptionV1, layer: str, size: int, places: int) -> None:
        blocks = list(MIXED_WIDTHS)
        self.stem = Stem(network, size, window_of(layer, size), places)
        self.parts: list[Mixed | _Halving] = []
        shape, channels = self.stem.y, torch.arange(192)
        for block in blocks[: blocks.index(layer) + 1]:
            mixed = Mixed(network, block, shape, channels, centre=block == layer)
            self.parts.append(mixed)
            shape, channels = mixed.y, mixed.channels
            if block in POOLED_AFTER and block != layer:
                halving = _Halving(mixed)
                self.parts.append(halving)
                shape = halving.y
        self.places, self.channels = places, channels


class _Run:
    """A plan, with the memory of one thread for it, as lists of instructions."""

    def __init__(self, plan: _Plan) -> None:
        self._plan, self._scratch = plan, Scratch(plan.places)
        stem = self._stem = StemMemory(plan.stem)
        memories = [MixedMemory(part) if isinstance(part, Mixed) else _HalvingMemory(part) for part in plan.parts]
        self._memories = memories
        before = [stem, *memories[:-1]]
        parts: Any = list(zip(plan.parts, memories, before, strict=True))
        self._forward = plan.stem.forward(stem, self._scratch)
        for part, memory, x in parts:
            self._forward += part.forward(x.y.address, memory, self._scratch)
        self._back = {}
        for redirected in (False, True):
            steps = []
            for part, memory, x in reversed(parts):
                steps += part.pull_back(x.y.address, x.g.address, memory, self._scratch, redirected=redirected)
            self._back[redirected] = steps + plan.stem.pull_back(stem, self._scratch, redirected=redirected)
        shape = plan.parts[-1].y
        self._values, self._gradient = (
            torch.from_numpy(memory.bytes[: shape.zeros].view(np.uint16))
            .view(torch.bfloat16)
            .view(shape.height, shape.width, shape.places, shape.pitch)[shape.height // 2, shape.width // 2]
            for memory in (memories[-1].y, memories[-1].g)
        )

    def forward(self, images: Tensor, maps: Tensor) -> Tensor:
        plan, memory = self._plan, self._stem
        picture, window = (memory.picture.address, plan.stem.picture.row), plan.stem.window
        seen_through = maps.flatten(1).numpy(), window.first, window.side
        view.look(*whereabouts(images), *seen_through, memory.around, *picture, memory.constants)
        for loop, numbers in self._forward:
            loop(numbers)
        return self._values[:, plan.channels].float()

    def pull_back(self, gradient: Tensor, maps: Tensor, found: Tensor, redirect: Tensor | None) -> None:
        plan, memory = self._plan, self._stem
        given = gradient.to(torch.bfloat16)
        if redirect is None:
            given = torch.where(self._values[:, plan.channels] > 0, given, 0)
        else:
            self._scratch.redirect[:] = redirect.numpy()
        self._gradient[:, plan.channels] = given
        for loop, numbers in self._back[redirect is not None]:
            loop(numbers)
        picture, window = (memory.picture_back.address, plan.stem.picture.row), plan.stem.window
        seen_through = maps.flatten(1).numpy(), window.first, window.side
        view.look_back(*picture, *seen_through, memory.around_back, *whereabouts(found), np.float32(GAIN))
