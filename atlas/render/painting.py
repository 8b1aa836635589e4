"""Spectra of up to 16 icons side by side as images, the way back, and Adam: each number of an icon has its own lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from atlas.render.compiled import compiled, helper
from atlas.render.elementary import exponential, square_root
from atlas.render.fourier import factors, from_real, plan, to_real, transform
from atlas.render.lanes import all16, greater, lesser, load, store, transpose
from atlas.render.precision import instructions

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from atlas.render.lanes import Lanes

    Planes = NDArray[np.float32]

#: Icons side by side.
LANES = 16
_NUMBER = 128


def lay(*shape: int) -> Tensor:
    """Zeros of this shape, icons first, that lie with the icons innermost; at most `LANES` of them."""
    n, *rest = shape
    return torch.zeros((*rest, LANES)).permute(-1, *range(len(rest)))[:n]


def images_apart(n: int, size: int) -> Tensor:
    """Zeros (n, 3, S, S), each image contiguous, so far apart that their pixels do not meet in one set of the cache."""
    apart = 3 * size * size + LANES
    return torch.zeros(n * apart).as_strided((n, 3, size, size), (apart, size * size, size, 1))


def each_contiguous(images: Tensor) -> Tensor:
    """Images (n, 3, S, S), in float32, each of them contiguous."""
    images = images.float()
    return images if images[0].is_contiguous() else images.contiguous()


def whereabouts(images: Tensor) -> tuple[int, int]:
    """Address of images (n, 3, S, S), and the bytes from one to the next; see `each_contiguous`."""
    return images.data_ptr(), 4 * images.stride(0)


def laid(x: Tensor) -> bool:
    """Whether `x` (icons, …) lies as `lay` lays it."""
    return x.dtype == torch.float32 and len(x) <= LANES and x.stride() == lay_strides(tuple(x.shape))


def lay_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of what `lay` gives."""
    strides = [LANES]
    for side in reversed(shape[2:]):
        strides.insert(0, strides[0] * side)
    return 1, *strides


@helper
def _columns(
    x: int, y: int, scale: Planes, a: int, b: int, factors: NDArray[np.int64], roots: Planes, sign: np.float32
) -> None:
    """Transform the columns of a half spectrum from `x` to `y`, times `scale` before (going back) or after."""
    size, width = scale.shape
    for column in range(width):
        for row in range(size):
            here = x + _NUMBER * (row * width + column)
            if sign < 0:
                factor = all16(scale[row, column])
                store(a + _NUMBER * row, load(here) * factor)
                store(a + _NUMBER * row + 64, load(here + 64) * factor)
            else:
                store(a + _NUMBER * row, load(here))
                store(a + _NUMBER * row + 64, load(here + 64))
        transform(a, b, factors, roots, sign)
        for row in range(size):
            here = y + _NUMBER * (row * width + column)
            if sign > 0:
                factor = all16(scale[row, column])
                store(here, load(a + _NUMBER * row) * factor)
                store(here + 64, load(a + _NUMBER * row + 64) * factor)
            else:
                store(here, load(a + _NUMBER * row))
                store(here + 64, load(a + _NUMBER * row + 64))


@helper
def _sigmoid(x: Lanes) -> Lanes:
    one, most = all16(np.float32(1)), all16(np.float32(80))
    found: Lanes = one / (one + exponential(lesser(greater(-x, -most), most)))
    return found


@compiled
def paint(
    spectra: int,
    scale: Planes,
    basis: Planes,
    waves: int,
    room: int,
    columns: NDArray[np.int64],
    roots: Planes,
    halves: NDArray[np.int64],
    half_roots: Planes,
    images: int,
    apart: int,
) -> None:
    """Write 16 images, so many bytes `apart`, of spectra that lie side by side; see `to_image`.

    `waves` is the address of room for as many spectra, `room` of that for `rooms` rows; `columns` and `roots` are the
    `plan` of the side, `halves` and `half_roots` that of its half.
    """
    size, width = scale.shape
    plane, line = 4 * size * size, _NUMBER * width
    back = np.float32(-1)
    for c in range(3):
        part = line * size * c
        _columns(spectra + part, waves + part, scale, room, room + _NUMBER * size, columns, roots, back)
    for row in range(size):
        for c in range(3):
            here, there = waves + line * (size * c + row), room + line * c
            for k in range(0, line, 64):
                store(there + k, load(here + k))
            to_real(there, room + 3 * line, halves, half_roots, roots)
        for x in range(size):
            here = room + 64 * x
            w0, w1, w2 = load(here), load(here + line), load(here + 2 * line)
            for d in range(3):
                mixed = all16(basis[d, 0]) * w0 + all16(basis[d, 1]) * w1 + all16(basis[d, 2]) * w2
                store(here + line * d, _sigmoid(mixed))
        for d in range(3):
            for x in range(0, size, LANES):
                transpose(room + line * d + 64 * x, 64, 15, images + plane * d + 4 * (row * size + x), apart)


@compiled
def paint_back(
    gradient: int,
    gradient_apart: int,
    last: int,
    images: int,
    apart: int,
    scale: Planes,
    basis: Planes,
    waves: int,
    room: int,
    columns: NDArray[np.int64],
    roots: Planes,
    halves: NDArray[np.int64],
    half_roots: Planes,
    spectra: int,
) -> None:
    """Write the gradient of the spectra from that of the images, of which `last` is the number of the last.

    Of both, so many bytes apart.
    """
    size, width = scale.shape
    plane, line = 4 * size * size, _NUMBER * width
    one = all16(np.float32(1))
    seen = room + 3 * line
    for row in range(size):
        for d in range(3):
            for x in range(0, size, LANES):
                here = plane * d + 4 * (row * size + x)
                transpose(gradient + here, gradient_apart, last, room + line * d + 64 * x, 64)
                transpose(images + here, apart, 15, seen + line * d + 64 * x, 64)
        for k in range(0, 64 * size, 64):
            here = room + k
            i0, i1, i2 = load(seen + k), load(seen + k + line), load(seen + k + 2 * line)
            g0 = load(here) * i0 * (one - i0)
            g1 = load(here + line) * i1 * (one - i1)
            g2 = load(here + 2 * line) * i2 * (one - i2)
            for c in range(3):
                store(here + line * c, all16(basis[0, c]) * g0 + all16(basis[1, c]) * g1 + all16(basis[2, c]) * g2)
        for c in range(3):
            here, there = room + line * c, waves + line * (size * c + row)
            from_real(here, seen, halves, half_roots, roots)
            for k in range(0, line, 64):
                store(there + k, load(here + k))
    for c in range(3):
        part = line * size * c
        _columns(waves + part, spectra + part, scale, room, room + _NUMBER * size, columns, roots, np.float32(1))


@compiled
def adam_beside(
    values: int, gradient: int, mean: int, square: int, numbers: int, rate: int, correction: int, epsilon: np.float32
) -> None:
    """One step of `adam` of so many numbers of 16 icons, each with a rate and a correction of its own."""
    keep1, keep2 = all16(np.float32(0.9)), all16(np.float32(0.999))
    new1, new2 = all16(np.float32(0.1)), all16(np.float32(0.001))
    rates, corrections, least = load(rate), load(correction), all16(epsilon)
    for k in range(0, 64 * numbers, 64):
        g = load(gradient + k)
        m, s = keep1 * load(mean + k) + new1 * g, keep2 * load(square + k) + new2 * g * g
        store(mean + k, m)
        store(square + k, s)
        store(values + k, load(values + k) - rates * m / (square_root(s) * corrections + least))


class Painter:
    """`paint` and `paint_back` for one size, with their memory, for one thread.

    Parameters
    ----------
    scale, scale_back : Tensor
        (size, size // 2 + 1): factors of spectra, and of their gradients.
    basis : Tensor
        (3, 3): colours of waves.
    """

    def __init__(self, scale: Tensor, scale_back: Tensor, basis: Tensor) -> None:
        size, width = scale.shape
        self._size = size
        self._scale, self._scale_back, self._basis = (x.contiguous().numpy() for x in (scale, scale_back, basis))
        self._plans = *plan(size), *plan(size // 2)
        self._waves, self._spectra = lay(LANES, 3, size, width, 2), lay(LANES, 3, size, width, 2)
        # Six rows, or two columns.
        self._room = torch.zeros(32 * LANES * max(6 * width, 2 * size))
        self._images = images_apart(LANES, size)

    def images(self, spectra: Tensor) -> Tensor:
        """Images of spectra, until the next call."""
        if not laid(spectra):
            own = lay(*spectra.shape)
            own.copy_(spectra)
            spectra = own
        addresses = self._waves.data_ptr(), self._room.data_ptr()
        paint(spectra.data_ptr(), self._scale, self._basis, *addresses, *self._plans, *whereabouts(self._images))
        return self._images[: len(spectra)]

    def pull_back(self, gradient: Tensor, images: Tensor) -> Tensor:
        """Gradient of the spectra, until the next call."""
        gradient = each_contiguous(gradient)
        if images.data_ptr() != self._images.data_ptr():
            self._images[: len(images)] = images
        addresses = self._waves.data_ptr(), self._room.data_ptr()
        paint_back(
            *whereabouts(gradient),
            len(gradient) - 1,
            *whereabouts(self._images),
            self._scale_back,
            self._basis,
            *addresses,
            *self._plans,
            self._spectra.data_ptr(),
        )
        return self._spectra[: len(gradient)]


def can_paint(size: int) -> bool:
    """Whether this processor has lanes of 16 numbers, and images of this side have as many, and a transform."""
    return "avx512f" in instructions() and size % LANES == 0 and bool(factors(size))
