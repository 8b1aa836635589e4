"""Settings of a layout, and the published ones for each group of layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from atlas.errors import AtlasError
from atlas.models.depth import is_early

Metric: TypeAlias = Literal["cosine", "euclidean"]

_METRICS = ("cosine", "euclidean")


@dataclass(frozen=True)
class LayoutSettings:
    """How to lay out activations in two dimensions.

    Attributes
    ----------
    n_neighbors
        Neighbours of a point, itself included. Clamped for small sets: to a quarter of the distinct points,
        but at least 5 and fewer than there are.
    min_dist
        UMAP's smallest distance between points, in units of its own layout: smaller packs clusters tighter.
    metric
        "cosine" or "euclidean".
    seed
        A whole number gives exactly the same layout each time, on one thread; None lets UMAP use every
        core, which is faster by about the number of cores and never the same twice.
    n_components_pca
        Vectors with more channels than this are projected to so many dimensions first.
    clip
        Percentiles (lower, upper) of each axis that define the frame.
    margin
        Width added to the frame on every side, as a share of the span between the percentiles.
    n_epochs
        Optimisation epochs; None is UMAP's own rule: 500 up to 10,000 points, 200 above.
    landmarks
        Points kept, at most, to place new vectors by.
    """

    n_neighbors: int = 50
    min_dist: float = 0.05
    metric: Metric = "cosine"
    seed: int | None = 0
    n_components_pca: int = 50
    clip: tuple[float, float] = (1.0, 99.0)
    margin: float = 0.10
    n_epochs: int | None = None
    landmarks: int = 10_000

    def __post_init__(self) -> None:
        low, high = self.clip
        rules = {
            "n_neighbors": (self.n_neighbors >= 2, "2 or more"),
            "min_dist": (0 <= self.min_dist <= 1, "between 0 and 1"),
            "metric": (self.metric in _METRICS, "'cosine' or 'euclidean'"),
            "seed": (self.seed is None or 0 <= self.seed < 2**32, "None or a whole number below 2**32"),
            "n_components_pca": (self.n_components_pca >= 2, "2 or more"),
            "clip": (0 <= low < high <= 100, "two rising percentiles between 0 and 100"),
            "margin": (0 <= self.margin <= 1, "between 0 and 1"),
            "n_epochs": (self.n_epochs is None or self.n_epochs >= 1, "None or 1 or more"),
            "landmarks": (self.landmarks >= 1, "1 or more"),
        }
        for name, (good, rule) in rules.items():
            if not good:
                raise AtlasError(f"Layout setting {name} is {getattr(self, name)!r}; it must be {rule}.")

    @classmethod
    def for_layer(cls, name: str) -> LayoutSettings:
        """Give the settings published with the Activation Atlas article for an InceptionV1 layer.

        mixed4a … mixed5b: 50 neighbours, min_dist 0.05, cosine. mixed3a, mixed3b and the convolutions
        before them: 200 neighbours, euclidean. A layer of another network gets those of mixed4.
        """
        if is_early(name):
            return cls(n_neighbors=200, metric="euclidean")
        return cls()

    def clamped(self, n_points: int) -> LayoutSettings:
        """Give the settings that ``n_points`` distinct points are laid out with.

        n_neighbors is clamped, and n_epochs filled in.
        """
        fitting = min(n_points - 1, max(5, n_points // 4))
        return replace(
            self,
            n_neighbors=max(2, min(self.n_neighbors, fitting)),
            n_epochs=self.n_epochs or (500 if n_points <= 10_000 else 200),
        )
