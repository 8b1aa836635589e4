"""The stem of InceptionV1: from pixels to the first mixed block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F

from atlas.render.trunk.convolution import Convolution
from atlas.render.trunk.normalisation import Normalisation
from atlas.render.trunk.pooling import MaxPool
from atlas.render.trunk.relu import through_relu
from atlas.render.trunk.view import look, look_back

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from atlas.models.inception import InceptionV1
    from atlas.render.trunk.window import Window


class Stem:
    """Convolutions of the stem, its pools and its two normalisations, on a window of what is seen."""

    def __init__(self, network: InceptionV1, window: Window, dtype: torch.dtype) -> None:
        def parameters(name: str) -> tuple[Tensor, Tensor]:
            module = network.get_submodule(f"{name}_pre_relu_conv")
            return module.weight, module.bias  # type: ignore[return-value] # a convolution's

        weight, bias = parameters("conv2d0")
        device = weight.device
        self._dtype, self._window = dtype, window
        self._conv0 = Convolution(_by_phase(weight), bias, 0, dtype)
        self._conv1 = Convolution(*parameters("conv2d1"), 0, dtype)
        self._conv2 = Convolution(*parameters("conv2d2"), 1, dtype)
        self._norm0 = Normalisation(network.normalise0, 64, dtype, device)
        self._norm1 = Normalisation(network.normalise1, 192, dtype, device)
        self._pool = MaxPool(stride=2)

    def __call__(self, images: Tensor, maps: Tensor | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Maps (B, 192, h, w) of images (B, 3, S, S) seen through `maps`, and what `pull_back` needs."""
        conv0 = self._conv0(look(images, maps, self._dtype, self._window))
        pooled0, origin0 = self._pool(conv0)
        conv1 = self._conv1(self._norm0(pooled0))
        conv2 = self._conv2(conv1)
        norm1 = self._norm1(conv2)
        pooled1, origin1 = self._pool(norm1)
        kept = (conv0, pooled0, origin0, conv1, conv2, norm1, origin1, images)
        return pooled1, kept if maps is None else (*kept, maps)

    def pull_back(self, gradient: Tensor, saved: tuple[Tensor, ...], redirect: Tensor | None) -> Tensor:
        """Gradient (B, 3, S, S), float32, of the images."""
        conv0, pooled0, origin0, conv1, conv2, norm1, origin1, images, *rest = saved
        maps = rest[0] if rest else None
        gradient = self._pool.pull_back(gradient, norm1, origin1)
        gradient = self._normalisation_back(self._norm1, gradient, conv2, redirect)
        gradient = self._conv2.pull_back(gradient)
        gradient = self._conv1.pull_back(through_relu(gradient, conv1, redirect))
        # A pooled value is zero only where its whole window is: the ReLU's gradient can be taken on the small map.
        gradient = self._normalisation_back(self._norm0, gradient, pooled0, redirect)
        gradient = self._pool.pull_back(gradient, conv0, origin0)
        return look_back(self._conv0.pull_back(gradient), images, maps, self._window)

    @staticmethod
    def _normalisation_back(norm: Normalisation, gradient: Tensor, x: Tensor, redirect: Tensor | None) -> Tensor:
        """Gradient before the ReLU whose output `x` is normalised."""
        if redirect is None:
            return norm.pull_back(gradient, x, relu=True)
        return through_relu(norm.pull_back(gradient, x, relu=False), x, redirect)


def _by_phase(weight: Tensor) -> Tensor:
    """Kernel (64, 12, 4, 4), of stride 1 on `phases`, of the first convolution's (64, 3, 7, 7) of stride 2."""
    outputs, channels = weight.shape[:2]
    padded = F.pad(weight.detach(), (0, 1, 0, 1)).view(outputs, channels, 4, 2, 4, 2)
    return padded.permute(0, 3, 5, 1, 2, 4).reshape(outputs, 4 * channels, 4, 4)
