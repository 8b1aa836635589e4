"""InceptionV1 up to the centre of one layer: forward and the gradient to the image, written out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas.models.inception import MIXED_WIDTHS, POOLED_AFTER
from atlas.render.trunk.centre import Centre
from atlas.render.trunk.mixed import Mixed
from atlas.render.trunk.pooling import MaxPool, pooled_side
from atlas.render.trunk.stem import Stem
from atlas.render.trunk.window import window_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from atlas.models.inception import InceptionV1


class Trunk:
    """The network, with its preprocessing, from an image to the centre of a mixed block.

    Frozen: no graph is kept and no gradient of a weight is computed. Of what is seen, the part is computed that reaches
    the centre, see `window_of`.

    Parameters
    ----------
    layer : str
        A mixed block.
    size : int
        Side, in pixels, of the images.
    dtype : torch.dtype
        What is computed in.
    """

    def __init__(self, network: InceptionV1, layer: str, size: int, dtype: torch.dtype) -> None:
        self._dtype = dtype
        blocks = list(MIXED_WIDTHS)
        before = blocks[: blocks.index(layer)]
        window = window_of(layer, size)
        side = (window.side - 2) // 2 + 1
        for _ in range(2 + sum(block in POOLED_AFTER for block in before)):
            side = pooled_side(side)
        self._stem = Stem(network, window, dtype)
        self._blocks: list[Mixed | MaxPool] = []
        for block in before:
            self._blocks.append(Mixed(network, block, dtype))
            if block in POOLED_AFTER:
                self._blocks.append(MaxPool(stride=2))
        self._centre = Centre(network, layer, side, dtype)

    def __call__(self, images: Tensor, maps: Tensor | None = None) -> tuple[Tensor, list[tuple[Tensor, ...]]]:
        """Activations (B, C), float32, at the centre of the layer, and what `pull_back` needs.

        For `images` (B, 3, S, S) in [0, 1], seen through affine `maps` (B, 2, 3), see `warp`, or as they are.
        """
        x, kept = self._stem(images, maps)
        saved = [kept]
        for block in self._blocks:
            if isinstance(block, MaxPool):
                pooled, origin = block(x)
                saved.append((x, origin))
                x = pooled
            else:
                x, kept = block(x)
                saved.append(kept)
        reached, kept = self._centre(x)
        saved.append(kept)
        return reached.float(), saved

    def pull_back(self, gradient: Tensor, saved: list[tuple[Tensor, ...]], redirect: Tensor | None = None) -> Tensor:
        """Gradient (B, 3, S, S), float32, of the images from that of the centre (B, C).

        `redirect` (B,), bool, marks images whose gradients pass through dead ReLUs; they have to be those of a loss.
        """
        g = self._centre.pull_back(gradient.to(self._dtype), saved[-1], redirect)
        for block, kept in zip(reversed(self._blocks), reversed(saved[1:-1]), strict=True):
            g = block.pull_back(g, *kept) if isinstance(block, MaxPool) else block.pull_back(g, kept, redirect)
        return self._stem.pull_back(g, saved[0], redirect)
