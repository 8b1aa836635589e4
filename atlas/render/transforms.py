"""Random views of an image that the optimisation has to please all at once.

Pad, jitter, scale and rotate are one affine map; each image of a batch has its own, drawn from its own random stream,
and one `grid_sample` of fixed shape applies them all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Robustness:
    """How far the random views go. The defaults follow the recipe of the published atlases.

    Attributes
    ----------
    jitter : tuple of float
        Ranges, in pixels, of uniform shifts that are added up: several small ones make large shifts rare.
    scale : float
        Largest relative change of size, up or down.
    rotate : float
        Largest angle in degrees; drawn so that most of the mass is near zero.
    """

    jitter: tuple[float, ...] = (4, 4, 8, 8, 8, 2)
    scale: float = 0.05
    rotate: float = 20.0

    def draw(self, rng: np.random.Generator, steps: int, size: int) -> NDArray[np.float32]:
        """Affine maps of one icon, one a step: (steps, 2, 3), in the coordinates of `affine_grid`.

        Step i's map is the same however many steps are drawn, so that a run can be lengthened.
        """
        uniform = rng.uniform(-1, 1, (steps, len(self.jitter) * 2 + 2))
        ranges = np.asarray(self.jitter, dtype=np.float64)
        # A shift of p pixels is 2p / size where the image spans [-1, 1]; a range r means up to r / 2 to either side.
        shift = (uniform[:, :-2].reshape(steps, 2, -1) * ranges).sum(axis=2) / size
        zoom = 1 + self.scale * uniform[:, -2]
        turn = np.sign(uniform[:, -1]) * uniform[:, -1] ** 2 * math.radians(self.rotate)
        cosine, sine = zoom * np.cos(turn), zoom * np.sin(turn)
        rows = [cosine, -sine, shift[:, 0], sine, cosine, shift[:, 1]]
        return np.stack(rows, axis=1).reshape(steps, 2, 3).astype(np.float32)


#: All rows or columns.
_ALL = slice(None)


def warp(images: Tensor, maps: Tensor, part: slice = _ALL) -> Tensor:
    """Each image (B, 3, S, S) seen through its own affine map (B, 2, 3); grey where the view leaves the image.

    Of the view, only `part` of its rows and of its columns.
    """
    grid = F.affine_grid(maps, list(images.shape), align_corners=False)[:, part, part]
    return F.grid_sample(images - 0.5, grid, mode="bilinear", padding_mode="zeros", align_corners=False) + 0.5


def warp_back(gradient: Tensor, images: Tensor, maps: Tensor, part: slice = _ALL) -> Tensor:
    """Gradient of `images` from that of ``warp(images, maps, part)``."""
    grid = F.affine_grid(maps, list(images.shape), align_corners=False)[:, part, part]
    return torch.ops.aten.grid_sampler_2d_backward(gradient, images, grid, 0, 0, False, [True, False])[0]  # type: ignore[no-any-return]
