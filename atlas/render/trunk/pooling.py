"""Max-pooling with a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from atlas.render.compiled import bits, signed
from atlas.render.trunk.loops import pool, pool_back

if TYPE_CHECKING:
    from torch import Tensor


class MaxPool:
    """The 3 x 3 max-pool of InceptionV1, of values that are not negative: after a ReLU, all are.

    Parameters
    ----------
    stride : int
        1, with padding, or 2, where the window may hang over the edge.
    loops : bool
        In compiled loops, on a processor in float32 or bfloat16; elsewhere it is always torch's operators.
    """

    def __init__(self, stride: int, *, loops: bool = True) -> None:
        self._loops = loops
        self._stride, self._padding = stride, 1 if stride == 1 else 0

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled maps, and where each value came from."""
        if not self._in_loops(x):
            return F.max_pool2d(
                x, 3, stride=self._stride, padding=self._padding, ceil_mode=self._stride == 2, return_indices=True
            )
        n, channels, height, width = x.shape
        shape = (n, channels, height, width) if self._stride == 1 else (n, channels, *map(pooled_side, (height, width)))
        y, origin = (_maps(shape, dtype) for dtype in (x.dtype, torch.uint8))
        pool(signed(x), signed(y), bits(origin), self._stride, self._padding)
        return y, origin

    def pull_back(self, gradient: Tensor, x: Tensor, origin: Tensor, more: Tensor | None = None) -> Tensor:
        """Gradient of the input `x` from that of the output, plus `more`."""
        if not self._in_loops(x):
            found: Tensor = torch.ops.aten.max_pool2d_with_indices_backward(
                gradient, x, [3, 3], [self._stride] * 2, [self._padding] * 2, [1, 1], self._stride == 2, origin
            )
            return found if more is None else found.add_(more)
        found = _maps(tuple(x.shape), x.dtype)
        extra = bits(gradient)[:0] if more is None else bits(more)
        pool_back(bits(gradient), bits(origin), extra, bits(found), self._stride, self._padding)
        return found

    def _in_loops(self, x: Tensor) -> bool:
        return self._loops and x.device.type == "cpu" and x.dtype in (torch.float32, torch.bfloat16)


def pooled_side(side: int) -> int:
    """Side of a map after a 3 x 3 max-pool of stride 2 whose window may hang over the edge."""
    return max(0, -(-(side - 3) // 2)) + 1


def _maps(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    return torch.empty(shape, dtype=dtype, memory_format=torch.channels_last)
