"""What lies between a spectrum's waves and an image, and Adam, as compiled loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atlas.render.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Planes = NDArray[np.float32]


@compiled
def mix(waves: Planes, basis: Planes, out: Planes) -> None:
    """Colours ``out[d] = sum of basis[d, c] * waves[c]`` of images (B, 3, n)."""
    for b in range(len(waves)):
        w0, w1, w2 = waves[b, 0], waves[b, 1], waves[b, 2]
        for d in range(3):
            plane, k0, k1, k2 = out[b, d], basis[d, 0], basis[d, 1], basis[d, 2]
            for i in range(len(plane)):
                plane[i] = k0 * w0[i] + k1 * w1[i] + k2 * w2[i]


@compiled
def mix_back(gradient: Planes, images: Planes, basis: Planes, out: Planes) -> None:
    """Gradient of the waves from the one of ``images = sigmoid(mix(waves))``; `gradient` is overwritten."""
    one = np.float32(1)
    for b in range(len(images)):
        for d in range(3):
            g, image = gradient[b, d], images[b, d]
            for i in range(len(g)):
                g[i] = g[i] * image[i] * (one - image[i])
        g0, g1, g2 = gradient[b, 0], gradient[b, 1], gradient[b, 2]
        for c in range(3):
            plane, k0, k1, k2 = out[b, c], basis[0, c], basis[1, c], basis[2, c]
            for i in range(len(plane)):
                plane[i] = k0 * g0[i] + k1 * g1[i] + k2 * g2[i]


@compiled
def adam(
    values: Planes,
    gradient: Planes,
    mean: Planes,
    square: Planes,
    rate: np.float32,
    correction: np.float32,
    epsilon: np.float32,
) -> None:
    """One step of flat arrays; `rate` and `correction` hold the bias corrections of both moments."""
    keep1, keep2 = np.float32(0.9), np.float32(0.999)
    new1, new2 = np.float32(0.1), np.float32(0.001)
    for i in range(len(values)):
        g = gradient[i]
        m, s = keep1 * mean[i] + new1 * g, keep2 * square[i] + new2 * g * g
        mean[i], square[i] = m, s
        values[i] -= rate * m / (np.sqrt(s) * correction + epsilon)
