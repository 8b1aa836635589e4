"""Images as the first convolution takes them: seen through their views, in the network's range, padded, by phase."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from atlas.render.compiled import bits
from atlas.render.transforms import warp, warp_back
from atlas.render.trunk import view_loops
from atlas.render.trunk.window import Window

#: The network takes ``x * 255 - 117``: of grey, 0.5, that is 10.5.
_GAIN, _SHIFT, _GREY = 255.0, -117.0, 10.5
_IN_LOOPS = (torch.float32, torch.bfloat16)


def look(
    images: Tensor, maps: Tensor | None, dtype: torch.dtype, window: Window | None = None, *, loops: bool = True
) -> Tensor:
    """Phases (B, 12, h, h) of images (B, 3, S, S) in [0, 1], seen through affine `maps` (B, 2, 3) or as they are.

    Of what is seen, only the `window`, if there is one. In compiled loops on a processor, with `loops`, in float32 or
    bfloat16; elsewhere by torch's operators.
    """
    window = window or Window(0, images.shape[2])
    if maps is None:
        return phases(images[:, :, window.part, window.part] * _GAIN + _SHIFT, dtype)
    if not (loops and images.device.type == "cpu" and dtype in _IN_LOOPS):
        return phases(warp(images, maps, window.part) * _GAIN + _SHIFT, dtype)
    side = _phase_side(window.side)
    found = torch.empty((len(images), 12, side, side), dtype=dtype, memory_format=torch.channels_last)
    numbers = np.float32(_GAIN), np.float32(_GREY), window.first, window.side
    view_loops.look(images.numpy(), maps.flatten(1).numpy(), bits(found), *numbers)
    return found


def look_back(
    gradient: Tensor, images: Tensor, maps: Tensor | None = None, window: Window | None = None, *, loops: bool = True
) -> Tensor:
    """Gradient (B, 3, S, S), float32, of the images from that of their phases."""
    window = window or Window(0, images.shape[2])
    if maps is None:
        after = images.shape[2] - window.first - window.side
        return F.pad(from_phases(gradient, window.side) * _GAIN, (window.first, after) * 2)
    if not (loops and images.device.type == "cpu" and gradient.dtype in _IN_LOOPS):
        return warp_back(from_phases(gradient, window.side) * _GAIN, images, maps, window.part)
    found = torch.zeros_like(images)
    numbers = np.float32(_GAIN), window.first, window.side
    view_loops.look_back(bits(gradient), maps.flatten(1).numpy(), found.numpy(), *numbers)
    return found


def phases(images: Tensor, dtype: torch.dtype) -> Tensor:
    """Images (B, 3, S, S), padded for the first convolution, as their four phases (B, 12, h, h).

    A convolution of stride 2 is one of stride 1 on the even and odd rows and columns taken as channels: wider in
    channels, as fast units for matrices want it, and its gradient needs no transposed convolution.
    """
    n, channels, size, _ = images.shape
    side = _phase_side(size)
    padded = F.pad(images, (2, 2 * side - 2 - size, 2, 2 * side - 2 - size))
    split = padded.view(n, channels, side, 2, side, 2).permute(0, 2, 4, 3, 5, 1)
    return split.reshape(n, side, side, 4 * channels).to(dtype).permute(0, 3, 1, 2)


def from_phases(maps: Tensor, size: int) -> Tensor:
    """The adjoint of `phases`: images (B, 3, S, S) in float32."""
    n, side = len(maps), maps.shape[2]
    split = maps.permute(0, 2, 3, 1).reshape(n, side, side, 2, 2, 3).permute(0, 5, 1, 3, 2, 4)
    whole = split.to(torch.float32, memory_format=torch.contiguous_format).reshape(n, 3, 2 * side, 2 * side)
    return whole[:, :, 2 : 2 + size, 2 : 2 + size]


def _phase_side(size: int) -> int:
    # The first convolution's output, and the three more that its window of four phases takes.
    return (size - 2) // 2 + 4
