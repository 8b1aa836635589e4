"""Targets that all sides render: mean directions of clusters of the embedded activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import KMeans

from atlas.activations import open_activations
from atlas.assets import asset
from atlas.render import RenderSettings, second_moment, whiten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atlas.activations import Activations

_ROWS = 6_000


@dataclass(frozen=True)
class Targets:
    """Cells to render: their mean activations, and the whitened directions that are optimised for."""

    layer: str
    means: NDArray[np.float32]
    directions: NDArray[np.float32]

    def first(self, n: int) -> Targets:
        """The first n of them."""
        return Targets(self.layer, self.means[:n], self.directions[:n])


def targets_of(layer: str, n: int, acts: Activations | None = None) -> Targets:
    """Clusters of directions of a layer of activations, by default the embedded ones, in random order."""
    acts = acts or open_activations(asset("activations.acts"))
    vectors = np.asarray(acts[layer].vectors, dtype=np.float32)
    rng = np.random.Generator(np.random.Philox(0))
    sample = vectors[np.sort(rng.permutation(len(vectors))[:_ROWS])]
    sample = sample[sample.any(axis=1)]
    unit = sample / np.linalg.norm(sample, axis=1, keepdims=True)
    cluster = KMeans(n, n_init=1, random_state=0).fit_predict(unit)
    means = np.stack([sample[cluster == i].mean(axis=0) for i in rng.permutation(n)])
    return Targets(layer, means, whiten(means, second_moment(vectors), RenderSettings().ridge))
