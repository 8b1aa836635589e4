"""InceptionV1 as the renderer runs it: prepared once for one layer, forward and backward by hand."""

from atlas.render.trunk.network import Trunk

__all__ = ["Trunk"]
