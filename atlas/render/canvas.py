"""Spectra as the network sees them, and the way back, by hand: no graph is built for a chain that never changes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from atlas.render.parameterisation import COLOUR_BASIS, CONTRAST, spectrum_scale, to_image


class Canvas:
    """`warp` of `to_image`, and its gradient.

    Parameters
    ----------
    size : int
        Side of the images in pixels.
    bandwidth : float
        See `spectrum_scale`.
    device : torch.device
        Where everything lies.
    """

    def __init__(self, size: int, bandwidth: float, device: torch.device) -> None:
        self.size = size
        self._scale = spectrum_scale(size, bandwidth).to(device)
        # Every column of the half spectrum stands for itself and its mirror, but for the first and, of an even size,
        # the last.
        twice = torch.full((size // 2 + 1,), 2.0, device=device)
        twice[0] = 1
        if size % 2 == 0:
            twice[-1] = 1
        self._scale_back = self._scale * twice * CONTRAST
        self._colours_back = COLOUR_BASIS.to(device)

    def images(self, spectrum: Tensor) -> Tensor:
        """Images (B, 3, S, S) in (0, 1) of spectra (B, 3, S, S // 2 + 1, 2)."""
        return to_image(spectrum, self._scale)

    def look(self, images: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Images seen through affine maps (B, 2, 3), see `warp`, and the grid that `pull_back` takes."""
        grid = F.affine_grid(maps, list(images.shape), align_corners=False)
        seen = F.grid_sample(images - 0.5, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        return seen.add_(0.5), grid

    def pull_back(self, gradient: Tensor, images: Tensor, grid: Tensor) -> Tensor:
        """Gradient of the spectra from that of what was seen."""
        gradient, _ = torch.ops.aten.grid_sampler_2d_backward(gradient, images, grid, 0, 0, False, [True, False])
        gradient = torch.ops.aten.sigmoid_backward(gradient, images)
        waves = torch.einsum("bdhw,dc->bchw", gradient, self._colours_back)
        spectrum = torch.fft.rfft2(waves, norm="ortho") * self._scale_back
        return torch.view_as_real(spectrum)
