"""Settings of a layout, by UMAP or t-SNE, and the published ones for each group of layers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

from atlas.errors import AtlasError
from atlas.models.depth import is_early

Metric: TypeAlias = Literal["cosine", "euclidean"]
Method: TypeAlias = Literal["umap", "tsne"]

_METRICS: tuple[Metric, ...] = get_args(Metric)
_METHODS: tuple[Method, ...] = get_args(Method)
_TSNE_ITERATIONS = 1000
#: What each method alone goes by.
_OWN: dict[Method, set[str]] = {"umap": {"n_neighbors", "min_dist"}, "tsne": {"method", "perplexity"}}


@dataclass(frozen=True)
class LayoutSettings:
    """How to lay out activations in two dimensions.

    Attributes
    ----------
    method
        "umap", or "tsne": t-SNE keeps the nearest neighbours of a point better and says less of what is farther; it
        takes about as long for a few thousand points, and much longer for many.
    n_neighbors
        Of UMAP: neighbours of a point, itself included. Clamped for small sets: to a quarter of the distinct points,
        but at least 5 and fewer than there are.
    min_dist
        Of UMAP: smallest distance between points, in units of its own layout; smaller packs clusters tighter.
    perplexity
        Of t-SNE: about how many neighbours a point is kept near, with weights; three times as many are looked at.
        Clamped for small sets: to a third of the other points.
    metric
        "cosine" or "euclidean".
    seed
        A whole number gives exactly the same layout each time, on one thread; None uses every core, which is
        faster by about the number of cores and never the same twice.
    n_components_pca
        Vectors with more channels than this are projected to so many dimensions first.
    clip
        Percentiles (lower, upper) of each axis that define the frame.
    margin
        Width added to the frame on every side, as a share of the span between the percentiles.
    n_epochs
        Optimisation epochs; None is UMAP's own rule, 500 up to 10,000 points and 200 above, or 1,000 of t-SNE, which
        takes 250 at least.
    landmarks
        Points kept, at most, to place new vectors by.
    """

    method: Method = "umap"
    n_neighbors: int = 50
    min_dist: float = 0.05
    perplexity: float = 30.0
    metric: Metric = "cosine"
    seed: int | None = 0
    n_components_pca: int = 50
    clip: tuple[float, float] = (1.0, 99.0)
    margin: float = 0.10
    n_epochs: int | None = None
    landmarks: int = 10_000

    def __post_init__(self) -> None:
        low, high = self.clip
        least_epochs = 250 if self.method == "tsne" else 1
        rules = {
            "method": (self.method in _METHODS, "'umap' or 'tsne'"),
            "n_neighbors": (self.n_neighbors >= 2, "2 or more"),
            "min_dist": (0 <= self.min_dist <= 1, "between 0 and 1"),
            "perplexity": (self.perplexity >= 1, "1 or more"),
            "metric": (self.metric in _METRICS, "'cosine' or 'euclidean'"),
            "seed": (self.seed is None or 0 <= self.seed < 2**32, "None or a whole number below 2**32"),
            "n_components_pca": (self.n_components_pca >= 2, "2 or more"),
            "clip": (0 <= low < high <= 100, "two rising percentiles between 0 and 100"),
            "margin": (0 <= self.margin <= 1, "between 0 and 1"),
            "n_epochs": (self.n_epochs is None or self.n_epochs >= least_epochs, f"None or {least_epochs} or more"),
            "landmarks": (self.landmarks >= 1, "1 or more"),
        }
        for name, (good, rule) in rules.items():
            if not good:
                raise AtlasError(f"Layout setting {name} is {getattr(self, name)!r}; it must be {rule}.")

    @classmethod
    def for_layer(cls, name: str, method: Method = "umap", seed: int | None = 0) -> LayoutSettings:
        """Give the settings published with the Activation Atlas article for an InceptionV1 layer.

        mixed4a … mixed5b: 50 neighbours, min_dist 0.05, cosine. mixed3a, mixed3b and the convolutions
        before them: 200 neighbours, euclidean. A layer of another network gets those of mixed4. Of t-SNE the article
        names no settings: the metric is that of the layer, the perplexity the usual 30.
        """
        if is_early(name):
            return cls(method=method, n_neighbors=200, metric="euclidean", seed=seed)
        return cls(method=method, seed=seed)

    def record(self) -> dict[str, Any]:
        """Give what decides the layout, as plain values: the settings, without those of the other method.

        UMAP, the default, is not named, so that the digests of layouts do not depend on what else there is to choose.
        """
        others = set().union(*(own for method, own in _OWN.items() if method != self.method))
        return {name: value for name, value in asdict(self).items() if name not in others}

    def __str__(self) -> str:
        if self.method == "tsne":
            return f"t-SNE, {self.metric}, perplexity {self.perplexity:g}"
        return f"{self.metric}, {self.n_neighbors} neighbours"

    def clamped(self, n_points: int) -> LayoutSettings:
        """Give the settings that ``n_points`` distinct points are laid out with.

        n_neighbors and perplexity are clamped, and n_epochs filled in.
        """
        fitting = min(n_points - 1, max(5, n_points // 4))
        epochs = _TSNE_ITERATIONS if self.method == "tsne" else 500 if n_points <= 10_000 else 200
        return replace(
            self,
            n_neighbors=max(2, min(self.n_neighbors, fitting)),
            perplexity=max(1.0, min(self.perplexity, (n_points - 1) / 3)),
            n_epochs=self.n_epochs or epochs,
        )
