"""From images to activations: sampled vectors of one or more layers, and what each adds to every class.

`collect` runs a network on images and keeps vectors, attributions, image and position of every sample, in
memory or in a store on disk that an interrupted run goes on with. `open_activations` reads a store from a
folder or a URL, `write_activations` writes one from activations that exist, `select` takes some rows, and `attribute`
is the attribution on its own.
"""

from __future__ import annotations

from atlas.activations.attribution import attribute
from atlas.activations.collect import collect
from atlas.activations.convert import write_activations
from atlas.activations.data import Activations, LayerActivations, RowArray
from atlas.activations.digests import canonical_json, digest_of
from atlas.activations.encoding import Encoding
from atlas.activations.meaning import LabelMeaning, label_meaning
from atlas.activations.positions import default_per_image, interior, sample_positions
from atlas.activations.selection import select
from atlas.activations.store import open_activations

__all__ = [
    "Activations",
    "Encoding",
    "LabelMeaning",
    "LayerActivations",
    "RowArray",
    "attribute",
    "canonical_json",
    "collect",
    "default_per_image",
    "digest_of",
    "interior",
    "label_meaning",
    "open_activations",
    "sample_positions",
    "select",
    "write_activations",
]
