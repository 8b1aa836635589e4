"""Controls: patches that have what a patch has, except what makes it that patch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What each control keeps of the patch, in words.
CONTROLS = {
    "noise": "noise with the patch's mean colour, colour covariance and energy at every scale",
    "shuffled": "the patch's own pixels, in small blocks in random order",
    "neutral": "a cell that speaks for both classes alike",
    "target image": "a random part of a photograph of the target class",
}
_BLOCKS = 8


def resized(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A square picture brought to `side` pixels, antialiased."""
    if len(picture) == side:
        return picture
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))


def noise_like(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Gaussian noise that has of a picture the mean colour, the covariance of colours and the energy at every scale.

    The colours are decorrelated; each component becomes noise whose power at every spatial frequency is the picture's
    own, averaged over directions. What is lost is every arrangement: edges, shapes, directions. (Random phases under
    the picture's full spectrum would keep its directions, that is, most of what a texture is.)

    Parameters
    ----------
    picture : uint8 array (S, S, 3)
        Any square.
    rng : Generator
        Decides the noise.

    Returns
    -------
    uint8 array (S, S, 3)
        Values beyond 0 … 255 are clipped, which takes variance of strong contrasts: black and white stripes keep about
        half of it, stripes of half that contrast nine tenths.
    """
    side = len(picture)
    pixels = picture.reshape(-1, 3).astype(np.float64)
    mean = pixels.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(pixels.T, bias=True))
    components = ((pixels - mean) @ axes).reshape(side, side, 3)
    radius = np.rint(side * np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))).astype(int)
    counts = np.bincount(radius.ravel())
    noise = np.empty((side * side, 3))
    for k in range(3):
        energy = np.abs(np.fft.fft2(components[..., k])) ** 2
        at_radius = np.bincount(radius.ravel(), energy.ravel()) / counts
        white = np.fft.fft2(rng.standard_normal((side, side)))
        drawn = np.fft.ifft2(white * np.sqrt(at_radius[radius])).real.ravel()
        drawn -= drawn.mean()
        noise[:, k] = drawn * np.sqrt(max(variances[k], 0.0) / max(drawn.var(), 1e-12))
    # Three short samples of noise correlate by chance; decorrelated again, their covariance is the picture's.
    noise = _uncorrelated(noise)
    drawn_pixels: NDArray[np.uint8] = np.clip(np.rint(mean + noise @ axes.T), 0, 255).astype(np.uint8)
    return drawn_pixels.reshape(side, side, 3)


def _uncorrelated(noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Components without covariance among them, the variance of each kept; those without any stay as they are."""
    deviation = noise.std(axis=0)
    alive = deviation > 1e-9
    if alive.sum() < 2:
        return noise
    scaled = noise[:, alive] / deviation[alive]
    values, vectors = np.linalg.eigh(np.cov(scaled.T, bias=True))
    result = noise.copy()
    # The symmetric root changes each component as little as can be.
    root = (vectors / np.sqrt(np.maximum(values, 1e-9))) @ vectors.T
    result[:, alive] = scaled @ root * deviation[alive]
    return result


def shuffled(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The pixels of a picture in another order: blocks of an eighth of its side, at least one pixel, change places.

    Parameters
    ----------
    picture : uint8 array (S, S, 3)
        Any square.
    rng : Generator
        Decides the order.

    Returns
    -------
    uint8 array (S, S, 3)
        Exactly the same pixels where blocks fill the square; strips that are left over stay where they are.
    """
    side = len(picture)
    block = max(1, side // _BLOCKS)
    n = side // block
    inner = (
        picture[: n * block, : n * block].reshape(n, block, n, block, 3).swapaxes(1, 2).reshape(n * n, block, block, 3)
    )
    mixed = inner[rng.permutation(n * n)].reshape(n, n, block, block, 3).swapaxes(1, 2)
    result = picture.copy()
    result[: n * block, : n * block] = mixed.reshape(n * block, n * block, 3)
    return result


def random_part(photograph: NDArray[np.uint8], side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random square of a photograph (3, S, S): (side, side, 3)."""
    top, left = rng.integers(0, photograph.shape[1] - side + 1, 2)
    return np.ascontiguousarray(photograph[:, top : top + side, left : left + side].transpose(1, 2, 0))
