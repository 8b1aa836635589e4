"""Local response normalisation with a gradient of its own: no graph, nothing kept but the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from atlas.render.compiled import bits
from atlas.render.trunk.loops import RADIUS, normalise, normalise_back

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atlas.models.normalisation import LocalResponseNorm


class Normalisation:
    """``y_c = x_c r_c`` with ``r_c = (bias + alpha * sum of x_k² over |k - c| <= radius) ** -0.5``.

    Its gradient is ``g_k r_k - x_k * alpha * sum of g_c y_c r_c² over |k - c| <= radius``. On a processor the sums are
    taken as they stand, by compiled loops; on a GPU, or without `loops`, as products with a banded matrix.
    """

    def __init__(
        self,
        definition: LocalResponseNorm,
        channels: int,
        dtype: torch.dtype,
        device: torch.device,
        *,
        loops: bool = True,
    ) -> None:
        index = torch.arange(channels, device=device)
        band = (index[:, None] - index).abs() <= definition.radius
        self._constants = np.float32(definition.bias), np.float32(definition.alpha)
        self._band = (definition.alpha * band.double()).to(dtype)
        self._bias = torch.full((channels,), definition.bias, dtype=dtype, device=device)
        self._in_loops = (
            loops and device.type == "cpu" and definition.radius == RADIUS and dtype in (torch.float32, torch.bfloat16)
        )

    def __call__(self, x: Tensor) -> Tensor:
        """Normalised activations."""
        if self._in_loops:
            y = torch.empty_like(x)
            normalise(_flat(x), _flat(y), *self._constants)
            return y
        return x * self._factor(x)

    def pull_back(self, gradient: Tensor, x: Tensor, *, relu: bool) -> Tensor:
        """Gradient of the input `x` from that of the output; with `relu`, of what x is the ReLU of."""
        if self._in_loops:
            found = torch.empty_like(x)
            normalise_back(_flat(gradient), _flat(x), _flat(found), *self._constants, relu)
            return found
        factor = self._factor(x)
        direct = gradient * factor
        shared = _rows((direct * x).mul_(factor).mul_(factor)) @ self._band
        found = direct.addcmul_(x, _maps(shared, x), value=-1)
        return torch.ops.aten.threshold_backward(found, x, 0) if relu else found

    def _factor(self, x: Tensor) -> Tensor:
        return _maps(torch.addmm(self._bias, _rows(x * x), self._band).rsqrt_(), x)


def _flat(x: Tensor) -> NDArray[Any]:
    # A view, or what is written to it would be lost: the maps have to be channels last.
    array = bits(x)
    array.shape = (-1, x.shape[1])
    return array


def _rows(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _maps(rows: Tensor, like: Tensor) -> Tensor:
    n, channels, height, width = like.shape
    return rows.view(n, height, width, channels).permute(0, 3, 1, 2)
