"""Max-pooling with a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor


class MaxPool:
    """The 3 x 3 max-pool of InceptionV1: of stride 1 with padding, or of stride 2 with the window over the edge."""

    def __init__(self, stride: int) -> None:
        self._stride, self._padding = stride, 1 if stride == 1 else 0

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled maps, and where each value came from."""
        return F.max_pool2d(
            x, 3, stride=self._stride, padding=self._padding, ceil_mode=self._stride == 2, return_indices=True
        )

    def pull_back(self, gradient: Tensor, x: Tensor, origin: Tensor) -> Tensor:
        """Gradient of the input `x` from that of the output."""
        stride, padding = [self._stride] * 2, [self._padding] * 2
        found: Tensor = torch.ops.aten.max_pool2d_with_indices_backward(
            gradient, x, [3, 3], stride, padding, [1, 1], self._stride == 2, origin
        )
        return found
