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
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from atlas.activations import Activations

_ROWS = 6_000


@dataclass(frozen=True)
class Targets:
    """Cells to render: their mean activations, the whitened directions that are optimised for, and whose they are.

    `members` are the rows of the layer's activations in each cell.
    """

    layer: str
    means: NDArray[np.float32]
    directions: NDArray[np.float32]
    members: Sequence[NDArray[np.int64]]

    def part(self, start: int, n: int) -> Targets:
        """Cells number start … start + n - 1, as far as there are."""
        some = slice(start, start + n)
        return Targets(self.layer, self.means[some], self.directions[some], self.members[some])


def targets_of(layer: str, n: int, acts: Activations | None = None) -> Targets:
    """Clusters of directions of a layer of activations, by default the embedded ones, in random order."""
    acts = acts or open_activations(asset("activations.acts"))
    vectors = np.asarray(acts[layer].vectors, dtype=np.float32)
    rng = np.random.Generator(np.random.Philox(0))
    rows = np.sort(rng.permutation(len(vectors))[:_ROWS])
    rows = rows[vectors[rows].any(axis=1)]
    sample = vectors[rows]
    unit = sample / np.linalg.norm(sample, axis=1, keepdims=True)
    cluster = KMeans(n, n_init=1, random_state=0).fit_predict(unit)
    chosen = [np.flatnonzero(cluster == i) for i in rng.permutation(n)]
    means = np.stack([sample[some].mean(axis=0) for some in chosen])
    directions = whiten(means, second_moment(vectors), RenderSettings().ridge)
    return Targets(layer, means, directions, [rows[some] for some in chosen])
