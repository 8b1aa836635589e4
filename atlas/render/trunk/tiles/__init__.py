"""`Trunk` in bfloat16 on processors that have matrix tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from atlas.render.trunk.network import Trunk
from atlas.render.trunk.tiles.instructions import have_tiles
from atlas.render.trunk.tiles.network import TileTrunk

if TYPE_CHECKING:
    from atlas.models.inception import InceptionV1

__all__ = ["TileTrunk", "have_tiles", "trunk_for"]


def trunk_for(network: InceptionV1, layer: str, size: int, dtype: torch.dtype) -> Trunk | TileTrunk:
    """The network up to the centre of a mixed block, in the way that is fastest where it lies. See `Trunk`."""
    device = next(network.parameters()).device
    if dtype == torch.bfloat16 and device.type == "cpu" and have_tiles():
        return TileTrunk(network, layer, size)
    return Trunk(network, layer, size, dtype)
