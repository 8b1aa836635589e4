"""The stem of InceptionV1: from pixels to the first mixed block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from atlas.render.trunk.convolution import Convolution
from atlas.render.trunk.normalisation import Normalisation
from atlas.render.trunk.pooling import MaxPool
from atlas.render.trunk.relu import through_relu

if TYPE_CHECKING:
    from atlas.models.inception import InceptionV1


class Stem:
    """Convolutions of the stem, its pools and its two normalisations."""

    def __init__(self, network: InceptionV1, dtype: torch.dtype) -> None:
        def parameters(name: str) -> tuple[Tensor, Tensor]:
            module = network.get_submodule(f"{name}_pre_relu_conv")
            return module.weight, module.bias  # type: ignore[return-value] # a convolution's

        weight, bias = parameters("conv2d0")
        device = weight.device
        self._dtype = dtype
        self._conv0 = Convolution(_by_phase(weight), bias, 0, dtype)
        self._conv1 = Convolution(*parameters("conv2d1"), 0, dtype)
        self._conv2 = Convolution(*parameters("conv2d2"), 1, dtype)
        self._norm0 = Normalisation(network.normalise0, 64, dtype, device)
        self._norm1 = Normalisation(network.normalise1, 192, dtype, device)
        self._pool = MaxPool(stride=2)

    def __call__(self, images: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Maps (B, 192, h, w) of preprocessed images (B, 3, S, S), and what `pull_back` needs."""
        conv0 = self._conv0(phases(images, self._dtype))
        pooled0, origin0 = self._pool(conv0)
        norm0, factor0 = self._norm0(pooled0)
        conv1 = self._conv1(norm0)
        conv2 = self._conv2(conv1)
        norm1, factor1 = self._norm1(conv2)
        pooled1, origin1 = self._pool(norm1)
        return pooled1, (conv0, pooled0, origin0, factor0, conv1, conv2, norm1, factor1, origin1)

    def pull_back(self, gradient: Tensor, saved: tuple[Tensor, ...], redirect: Tensor | None, size: int) -> Tensor:
        """Gradient (B, 3, S, S), float32, of the images."""
        conv0, pooled0, origin0, factor0, conv1, conv2, norm1, factor1, origin1 = saved
        gradient = self._pool.pull_back(gradient, norm1, origin1)
        gradient = self._norm1.pull_back(gradient, conv2, factor1)
        gradient = self._conv2.pull_back(through_relu(gradient, conv2, redirect))
        gradient = self._conv1.pull_back(through_relu(gradient, conv1, redirect))
        gradient = self._norm0.pull_back(gradient, pooled0, factor0)
        # A pooled value is zero only where its whole window is: the ReLU's gradient can be taken on the small map.
        gradient = self._pool.pull_back(through_relu(gradient, pooled0, redirect), conv0, origin0)
        return from_phases(self._conv0.pull_back(gradient), size)


def _by_phase(weight: Tensor) -> Tensor:
    """Kernel (64, 12, 4, 4), of stride 1 on `phases`, of the first convolution's (64, 3, 7, 7) of stride 2."""
    outputs, channels = weight.shape[:2]
    padded = F.pad(weight.detach(), (0, 1, 0, 1)).view(outputs, channels, 4, 2, 4, 2)
    return padded.permute(0, 3, 5, 1, 2, 4).reshape(outputs, 4 * channels, 4, 4)


def phases(images: Tensor, dtype: torch.dtype) -> Tensor:
    """Images (B, 3, S, S), padded for the first convolution, as their four phases (B, 12, h, h).

    A convolution of stride 2 is one of stride 1 on the even and odd rows and columns taken as channels: wider in
    channels, as fast units for matrices want it, and its gradient needs no transposed convolution.
    """
    n, channels, size, _ = images.shape
    side = (size - 2) // 2 + 4
    padded = F.pad(images, (2, 2 * side - 2 - size, 2, 2 * side - 2 - size))
    split = padded.view(n, channels, side, 2, side, 2).permute(0, 2, 4, 3, 5, 1)
    return split.reshape(n, side, side, 4 * channels).to(dtype).permute(0, 3, 1, 2)


def from_phases(maps: Tensor, size: int) -> Tensor:
    """The adjoint of `phases`: images (B, 3, S, S) in float32."""
    n, side = len(maps), maps.shape[2]
    split = maps.permute(0, 2, 3, 1).reshape(n, side, side, 2, 2, 3).permute(0, 5, 1, 3, 2, 4)
    whole = split.to(torch.float32, memory_format=torch.contiguous_format).reshape(n, 3, 2 * side, 2 * side)
    return whole[:, :, 2 : 2 + size, 2 : 2 + size]
