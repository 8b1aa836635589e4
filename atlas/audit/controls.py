"""Controls: patches that have what a patch has, except what makes it that patch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What each control keeps of the patch, in words.
CONTROLS = {
    "noise": "noise with the patch's colours and its energy at every scale",
    "shuffled": "the patch's own pixels, in small blocks in random order",
    "neutral": "a cell that speaks for both classes alike",
    "target image": "a random part of a photograph of the target class",
}
_BLOCKS = 8
_ROUNDS = 5


def resized(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A square picture brought to `side` pixels, antialiased."""
    if len(picture) == side:
        return picture
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))


def noise_like(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Noise that has of a picture its colours, as often as they are there, and its energy at every scale.

    White noise is given in turns the picture's power at every spatial frequency, averaged over directions, and the
    distribution of its colours, axis by axis after a random rotation (sliced transport; Pitié et al., 2007): the
    iteration by which surrogates of a series are made (Schreiber and Schmitz, 1996), for colours in the plane. What is
    lost is every arrangement: edges, shapes, directions. (Random phases under the picture's full spectrum would keep
    its directions, that is, most of what a texture is.)

    Parameters
    ----------
    picture : uint8 array (S, S, 3)
        Any square.
    rng : Generator
        Decides the noise.

    Returns
    -------
    uint8 array (S, S, 3)
        The colours come last: along each of the three principal axes they are distributed exactly as in the picture.
        Where they are few, as of black and white stripes, the energy follows them with some spill to other scales.
    """
    side = len(picture)
    pixels = picture.reshape(-1, 3).astype(np.float64)
    mean = pixels.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(pixels.T, bias=True))
    own = (pixels - mean) @ axes
    frequency = np.fft.fftfreq(side)
    radius = np.rint(side * np.hypot(*np.meshgrid(frequency, frequency))).astype(int).ravel()

    def spectra(colours: NDArray[np.float64]) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        spectrum = np.fft.fft2(colours.T.reshape(3, side, side)).reshape(3, -1)
        energy = np.abs(spectrum) ** 2
        return spectrum, np.stack([np.bincount(radius, row) for row in energy])

    _, wanted = spectra(own)
    noise = rng.standard_normal(own.shape) * own.std(axis=0)
    for round_ in range(_ROUNDS):
        spectrum, energy = spectra(noise)
        spectrum *= np.sqrt(wanted / np.maximum(energy, 1e-9))[:, radius]
        noise = np.fft.ifft2(spectrum.reshape(3, side, side)).real.reshape(3, -1).T
        last = round_ == _ROUNDS - 1
        turn = np.eye(3) if last else np.linalg.qr(rng.standard_normal((3, 3)))[0]
        turned, target = noise @ turn, np.sort(own @ turn, axis=0)
        for k in range(3):
            turned[np.argsort(turned[:, k]), k] = target[:, k]
        noise = turned @ turn.T
    drawn: NDArray[np.uint8] = np.clip(np.rint(mean + noise @ axes.T), 0, 255).astype(np.uint8)
    return drawn.reshape(side, side, 3)


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
