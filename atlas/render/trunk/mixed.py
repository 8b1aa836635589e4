"""A mixed block on a whole map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from atlas.models.inception import MIXED_WIDTHS
from atlas.render.trunk.convolution import Convolution
from atlas.render.trunk.pooling import MaxPool
from atlas.render.trunk.relu import through_relu

if TYPE_CHECKING:
    from torch import Tensor

    from atlas.models.inception import InceptionV1


def branch(network: InceptionV1, block: str, name: str) -> tuple[Tensor, Tensor]:
    """Weight and bias of one convolution of a mixed block."""
    module = network.get_submodule(f"{block}_{name}_pre_relu_conv")
    return module.weight, module.bias  # type: ignore[return-value] # a convolution's


class Mixed:
    """A mixed block: the three 1 x 1 convolutions that read the same map are one."""

    def __init__(self, network: InceptionV1, block: str, dtype: torch.dtype) -> None:
        one, bottleneck3, three, bottleneck5, five, pool = MIXED_WIDTHS[block]
        self._first, self._branches = [one, bottleneck3, bottleneck5], [one, three, five, pool]
        merged = [branch(network, block, name) for name in ("1x1", "3x3_bottleneck", "5x5_bottleneck")]
        weight, bias = (torch.cat(tensors) for tensors in zip(*merged, strict=True))
        self._merged = Convolution(weight, bias, 0, dtype)
        self._three = Convolution(*branch(network, block, "3x3"), 1, dtype)
        self._five = Convolution(*branch(network, block, "5x5"), 2, dtype)
        self._reduce = Convolution(*branch(network, block, "pool_reduce"), 0, dtype)
        self._pool = MaxPool(stride=1)

    def __call__(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The block's output, and what `pull_back` needs."""
        merged = self._merged(x)
        one, three, five = torch.split(merged, self._first, dim=1)
        pooled, origin = self._pool(x)
        y = torch.cat([one, self._three(_dense(three)), self._five(_dense(five)), self._reduce(pooled)], dim=1)
        return y, (x, merged, y, origin)

    def pull_back(self, gradient: Tensor, saved: tuple[Tensor, ...], redirect: Tensor | None) -> Tensor:
        """Gradient of the block's input from that of its output."""
        x, merged, y, origin = saved
        ones, threes, fives, pools = torch.split(gradient, self._branches, dim=1)
        _, y3, y5, y_pool = torch.split(y, self._branches, dim=1)
        inner = [
            ones,
            self._three.pull_back(through_relu(threes, y3, redirect)),
            self._five.pull_back(through_relu(fives, y5, redirect)),
        ]
        if redirect is None:
            inside = through_relu(torch.cat(inner, dim=1), merged, None)
        else:
            parts = zip(inner, torch.split(merged, self._first, dim=1), strict=True)
            inside = torch.cat([through_relu(g, output, redirect) for g, output in parts], dim=1)
        pooled = self._reduce.pull_back(through_relu(pools, y_pool, redirect))
        return self._pool.pull_back(pooled, x, origin, self._merged.pull_back(inside))


def _dense(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
