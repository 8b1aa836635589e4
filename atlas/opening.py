"""Opening an atlas: one of yours, or the one that ships."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas.assets import asset
from atlas.atlas import Atlas

if TYPE_CHECKING:
    import os


def open_atlas(path: str | os.PathLike[str]) -> Atlas:
    """Open an atlas; see `Atlas`. Of two classes it is a `Comparison`, of several `SideBySide`."""
    world = Atlas(path)
    kind = (world.provenance.get("part") or {}).get("kind")
    if kind not in ("comparison", "side by side"):
        return world
    from atlas.classes import Comparison, SideBySide  # noqa: PLC0415 - that room builds on this one

    return Comparison(path) if kind == "comparison" else SideBySide(path)


def open_sample() -> Atlas:
    """The atlas that ships with the product: mixed4c and mixed5b of the embedded network, three levels each.

    Made from the embedded activations; what an atlas can do, it can, without a download.
    """
    return Atlas(asset("sample.atlas"))
