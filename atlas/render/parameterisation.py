"""An image as the thing that is optimised: a Fourier spectrum in decorrelated colours.

Olah, Mordvintsev and Schubert, *Feature Visualization* (2017), "preconditioning": steepest descent in this basis moves
all spatial frequencies alike, which is what keeps high-frequency noise down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Square root of the colour covariance of ImageNet's pixels, and the scale that the originals divide it by: the
#: largest column norm (constants of lucid's `color` module).
_COLOUR_SQRT = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
COLOUR_BASIS = _COLOUR_SQRT / _COLOUR_SQRT.norm(dim=0).max()

#: lucid divides the image by four before the sigmoid; it keeps the start away from saturation.
CONTRAST = 0.25


def frequencies(size: int) -> NDArray[np.float64]:
    """Spatial frequency, in cycles a pixel, of each entry of the half spectrum (size, size // 2 + 1)."""
    cycles: NDArray[np.float64] = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    return cycles


def spectrum_scale(size: int, bandwidth: float = 0.5) -> Tensor:
    """Weights (size, size // 2 + 1) that give the spectrum a 1/f envelope, as natural images have.

    Parameters
    ----------
    size : int
        Side of the image in pixels.
    bandwidth : float
        Frequency, in cycles a pixel, above which the envelope falls off (a Butterworth filter of order four; a hard
        edge would ring). From 0.5 on there is no fall.
    """
    frequency = frequencies(size)
    envelope = 1 / np.maximum(frequency, 1 / size)
    if bandwidth < 0.5:
        envelope /= 1 + (frequency / bandwidth) ** 8
    return torch.tensor(envelope, dtype=torch.float32)


def start_spectrum(rng: np.random.Generator, size: int, deviation: float = 0.01) -> NDArray[np.float32]:
    """Random start of one icon: (3, size, size // 2 + 1, 2), real and imaginary parts."""
    shape = (3, size, size // 2 + 1, 2)
    return (deviation * rng.standard_normal(shape)).astype(np.float32)


def to_image(spectrum: Tensor, scale: Tensor, *, loops: bool = True) -> Tensor:
    """Images (B, 3, S, S) in (0, 1) from spectra (B, 3, S, S // 2 + 1, 2).

    Parameters
    ----------
    spectrum : Tensor
        Real and imaginary parts; what the optimiser changes.
    scale : Tensor
        From `spectrum_scale`.
    loops : bool
        Image by image, on a processor; elsewhere it is always all images at once.
    """
    size = spectrum.shape[2]
    waves = torch.fft.irfft2(torch.view_as_complex(spectrum) * scale, s=(size, size), norm="ortho")
    colours = torch.einsum("bchw,dc->bdhw", waves * CONTRAST, COLOUR_BASIS.to(waves.device))
    if not (loops and colours.device.type == "cpu"):
        return torch.sigmoid(colours)
    # Image by image: a processor's vector and scalar units round the exponential differently, and which elements get
    # the scalar one depends on their place in the array. An icon must not depend on its place in the batch.
    return torch.stack([torch.sigmoid(image) for image in colours])
