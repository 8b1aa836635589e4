"""Local response normalisation across channels, as InceptionV1 defines it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LocalResponseNorm(nn.Module):
    """``y_c = x_c / (bias + alpha * sum of x_k^2 over |k - c| <= radius) ** 0.5``.

    The window sum is a product with a banded matrix of zeros and ones over the channels, that is a 1 x 1 convolution of
    the squares: several times faster than ``torch.nn.functional.local_response_norm``, which pads and averages in three
    dimensions, and differentiable in both directions like any convolution.

    Parameters
    ----------
    radius : int
        Channels on each side that take part.
    bias, alpha : float
        Constants of the definition. The defaults are those of the TensorFlow graph (``depth_radius`` 5, ``bias`` 2,
        ``alpha`` 1e-4, ``beta`` 0.5); torch's function divides alpha by the window size, so there the same is
        ``size=11, alpha=1.1e-3, beta=0.5, k=2``.
    """

    def __init__(self, radius: int = 5, bias: float = 2.0, alpha: float = 1e-4) -> None:
        super().__init__()
        self.radius, self.bias, self.alpha = radius, bias, alpha

    def forward(self, x: Tensor) -> Tensor:
        """Normalised activations, same shape as `x` (B, C, H, W)."""
        channels = torch.arange(x.shape[1], device=x.device)
        band = ((channels[:, None] - channels).abs() <= self.radius).to(x.dtype)
        total = F.conv2d(x * x, (self.alpha * band)[:, :, None, None])
        return x * torch.rsqrt(total + self.bias)
