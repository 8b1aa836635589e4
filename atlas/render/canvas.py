"""Spectra as images, and the way back, by hand: no graph is built for a chain that never changes."""

from __future__ import annotations

import torch
from torch import Tensor

from atlas.render.canvas_loops import mix, mix_back
from atlas.render.painting import LANES, Painter, can_paint, lay
from atlas.render.parameterisation import COLOUR_BASIS, CONTRAST, spectrum_scale


class Canvas:
    """`to_image`, and its gradient.

    Parameters
    ----------
    size : int
        Side of the images in pixels.
    bandwidth : float
        See `spectrum_scale`.
    device : torch.device
        Where everything lies.
    loops : bool
        In compiled loops, on a processor; elsewhere it is always torch's operators.
    """

    def __init__(self, size: int, bandwidth: float, device: torch.device, *, loops: bool = True) -> None:
        self._size = size
        self._scale = spectrum_scale(size, bandwidth).to(device)
        # Every column of the half spectrum stands for itself and its mirror, but for the first and, of an even size,
        # the last.
        twice = torch.full((size // 2 + 1,), 2.0, device=device)
        twice[0] = 1
        if size % 2 == 0:
            twice[-1] = 1
        self._scale_back = self._scale * twice
        self._basis = (COLOUR_BASIS * CONTRAST).to(device)
        self._in_loops = loops and device.type == "cpu"
        self._device = device
        self._painter = None
        if self._in_loops and can_paint(size):
            # Transforms do not divide by the length here.
            self._painter = Painter(self._scale / size, self._scale_back / size, self._basis)

    def spectra(self, n: int) -> Tensor:
        """Zeros for n spectra, (n, 3, S, S // 2 + 1, 2), as they are best laid out."""
        shape = n, 3, *self._scale.shape, 2
        return lay(*shape) if self._painter and n <= LANES else torch.zeros(shape, device=self._device)

    def any_width(self, n: int) -> bool:
        """Whether an icon's arithmetic is the same among n as among fewer."""
        return self._painter is not None and n <= LANES

    def images(self, spectrum: Tensor) -> Tensor:
        """Images (B, 3, S, S) in (0, 1) of spectra (B, 3, S, S // 2 + 1, 2); until the next call."""
        if self._painter and len(spectrum) <= LANES:
            return self._painter.images(spectrum)
        waves = torch.fft.irfft2(torch.view_as_complex(spectrum) * self._scale, s=(self._size,) * 2, norm="ortho")
        if not self._in_loops:
            return torch.einsum("bchw,dc->bdhw", waves, self._basis).sigmoid_()
        colours = torch.empty_like(waves)
        mix(waves.flatten(2).numpy(), self._basis.numpy(), colours.flatten(2).numpy())
        for image in colours:
            # Image by image: see `to_image`.
            torch.sigmoid_(image)
        return colours

    def pull_back(self, gradient: Tensor, images: Tensor) -> Tensor:
        """Gradient of the spectra from that of their images, which is used up; until the next call."""
        if self._painter and len(images) <= LANES:
            return self._painter.pull_back(gradient, images)
        if self._in_loops:
            waves = torch.empty_like(images)
            planes = (x.flatten(2).numpy() for x in (gradient, images))
            mix_back(*planes, self._basis.numpy(), waves.flatten(2).numpy())
        else:
            gradient = torch.ops.aten.sigmoid_backward(gradient, images)
            waves = torch.einsum("bdhw,dc->bchw", gradient, self._basis)
        return torch.view_as_real(torch.fft.rfft2(waves, norm="ortho").mul_(self._scale_back))
