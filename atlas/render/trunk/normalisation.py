"""Local response normalisation with a gradient of its own: no graph, nothing kept that is not needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from atlas.models.normalisation import LocalResponseNorm


class Normalisation:
    """``y_c = x_c r_c`` with ``r_c = (bias + alpha * sum of x_k² over |k - c| <= radius) ** -0.5``.

    Its gradient is ``g_k r_k - x_k * alpha * sum of g_c y_c r_c² over |k - c| <= radius``.
    """

    def __init__(self, definition: LocalResponseNorm, channels: int, dtype: torch.dtype, device: torch.device) -> None:
        index = torch.arange(channels, device=device)
        band = (index[:, None] - index).abs() <= definition.radius
        self._band = (definition.alpha * band.double()).to(dtype)
        self._bias = torch.full((channels,), definition.bias, dtype=dtype, device=device)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised activations, and the factors r that `pull_back` takes."""
        factor = torch.addmm(self._bias, _rows(x * x), self._band).rsqrt_()
        factor = _maps(factor, x)
        return x * factor, factor

    def pull_back(self, gradient: Tensor, x: Tensor, factor: Tensor) -> Tensor:
        """Gradient of the input `x` from that of the output."""
        direct = gradient * factor
        shared = _rows((direct * x).mul_(factor).mul_(factor)) @ self._band
        return direct.addcmul_(x, _maps(shared, x), value=-1)


def _rows(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _maps(rows: Tensor, like: Tensor) -> Tensor:
    n, channels, height, width = like.shape
    return rows.view(n, height, width, channels).permute(0, 3, 1, 2)
