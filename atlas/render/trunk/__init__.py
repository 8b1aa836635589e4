"""InceptionV1 as the renderer runs it: prepared once for one layer, forward and backward by hand."""

from atlas.render.trunk.network import Trunk
from atlas.render.trunk.tiles import TileTrunk, have_tiles, trunk_for

__all__ = ["TileTrunk", "Trunk", "have_tiles", "trunk_for"]
