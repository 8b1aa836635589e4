"""The target's mixed block, at the centre of its map only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from atlas.models.inception import MIXED_WIDTHS
from atlas.render.trunk.mixed import branch
from atlas.render.trunk.relu import through_relu

if TYPE_CHECKING:
    from atlas.models.inception import InceptionV1


class Centre:
    """A mixed block for its centre position: what reaches it from further away is not computed.

    Every branch is a product of matrices: a 3 x 3 convolution at one position is the dot product with its window.

    Parameters
    ----------
    side : int
        Side of the map.
    """

    def __init__(self, network: InceptionV1, block: str, side: int, dtype: torch.dtype) -> None:
        self._inputs = branch(network, block, "1x1")[0].shape[1]
        self._widths = MIXED_WIDTHS[block]
        self._centre, self._side = side // 2, side

        def matrix(name: str, radius: int) -> tuple[Tensor, Tensor]:
            weight, bias = branch(network, block, name)
            # Only the part of the kernel that lies on the map: around it are zeros.
            here = self._window(radius)
            taps = slice(here.start - self._centre + radius, here.stop - self._centre + radius)
            rows = weight.detach()[:, :, taps, taps] if radius else weight.detach()
            return rows.permute(2, 3, 1, 0).reshape(-1, len(weight)).to(dtype).contiguous(), bias.detach().to(dtype)

        self._one, self._reduce = matrix("1x1", 0), matrix("pool_reduce", 0)
        self._inner = {1: matrix("3x3_bottleneck", 0), 2: matrix("5x5_bottleneck", 0)}
        self._outer = {1: matrix("3x3", 1), 2: matrix("5x5", 2)}

    def _window(self, radius: int) -> slice:
        return slice(max(0, self._centre - radius), min(self._side, self._centre + radius + 1))

    def __call__(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Activations (B, outputs) at the centre of the block's map for `x` (B, inputs, h, w)."""
        x = x.permute(0, 2, 3, 1)
        branches, saved = [_through(x[:, self._centre, self._centre], self._one)], []
        for radius in (1, 2):
            part = x[:, self._window(radius), self._window(radius)].reshape(-1, self._inputs)
            inner = _through(part, self._inner[radius])
            branches.append(_through(inner.view(len(x), -1), self._outer[radius]))
            saved.append(inner)
        pooled, origin = x[:, self._window(1), self._window(1)].flatten(1, 2).max(dim=1)
        branches.append(_through(pooled, self._reduce))
        return torch.cat(branches, dim=1), (*branches, *saved, origin)

    def pull_back(self, gradient: Tensor, saved: tuple[Tensor, ...], redirect: Tensor | None) -> Tensor:
        """Gradient of the block's input from that of the centre (B, outputs)."""
        y1, y3, y5, y_pool, inner3, inner5, origin = saved
        n = len(gradient)
        one, _, three, _, five, pool = self._widths
        g1, g3, g5, g_pool = torch.split(gradient, [one, three, five, pool], dim=1)
        x = gradient.new_zeros((n, self._side, self._side, self._inputs))
        for radius, g, y, inner in ((2, g5, y5, inner5), (1, g3, y3, inner3)):
            window = self._window(radius)
            before = through_relu(g, y, redirect) @ self._outer[radius][0].t()
            within = through_relu(before, inner.view(n, -1), redirect).view_as(inner) @ self._inner[radius][0].t()
            side = window.stop - window.start
            x[:, window, window] += within.view(n, side, side, -1)
        x[:, self._centre, self._centre] += through_relu(g1, y1, redirect) @ self._one[0].t()
        pooled = through_relu(g_pool, y_pool, redirect) @ self._reduce[0].t()
        window = self._window(1)
        side = window.stop - window.start
        flat = pooled.new_zeros((n, side * side, self._inputs)).scatter_(1, origin[:, None], pooled[:, None])
        x[:, window, window] += flat.view(n, side, side, -1)
        return x.permute(0, 3, 1, 2)


def _through(x: Tensor, layer: tuple[Tensor, Tensor]) -> Tensor:
    weight, bias = layer
    return torch.addmm(bias, x, weight).relu_()
