"""The layout of a layer's activations, from raw vectors to positions in the unit square."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from atlas.layout.embed import TINY, embed, principal_components
from atlas.layout.frame import Frame, is_inside
from atlas.layout.landmarks import Landmarks
from atlas.layout.neighbours import default_device, nearest_neighbours
from atlas.layout.prepare import find_distinct, fit_reduction, reduce_rows
from atlas.layout.quality import trustworthiness
from atlas.layout.settings import LayoutSettings
from atlas.layout.tsne import embed_tsne

if TYPE_CHECKING:
    import numpy.typing as npt

    from atlas.layout.rows import Float32, RowArray

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the name of the step ("neighbours", "UMAP" or "t-SNE"), what is done, and what there is to do."""


@dataclass(frozen=True)
class Layout:
    """Positions of N activations.

    Attributes
    ----------
    xy
        (N, 2) float32; the frame is [0, 1) x [0, 1). Points outside keep their place there. NaN for vectors
        of zeros.
    inside
        (N,) bool: in the frame.
    landmarks
        To place new vectors by.
    trustworthiness
        On at most 5,000 distinct points (see `atlas.layout.quality`); None for fewer than 5.
    frame
        From raw coordinates to ``xy``.
    n_zero
        Vectors of zeros.
    n_duplicates
        Vectors that share the position of an equal one.
    n_outside
        Points with a position outside the frame.
    method
        "umap" or "tsne", or "pca" for fewer than 10 distinct vectors.
    settings
        As used: n_neighbors and perplexity clamped, n_epochs filled in.
    device
        Where neighbours were searched, "cpu" or "cuda"; None where none were.
    """

    xy: Float32
    inside: npt.NDArray[np.bool_]
    landmarks: Landmarks
    trustworthiness: float | None
    frame: Frame
    n_zero: int
    n_duplicates: int
    n_outside: int
    method: str
    settings: LayoutSettings
    device: str | None

    def summary(self) -> dict[str, Any]:
        """Everything but the arrays, as plain values that fit into JSON."""
        return {
            "method": self.method,
            "settings": self.settings.record(),
            "frame": asdict(self.frame),
            "trustworthiness": self.trustworthiness,
            "n_points": len(self.xy),
            "n_zero": self.n_zero,
            "n_duplicates": self.n_duplicates,
            "n_outside": self.n_outside,
            "device": self.device,
        }


def layout(
    vectors: RowArray,
    settings: LayoutSettings | None = None,
    *,
    device: str | None = None,
    progress: Progress | None = None,
) -> Layout:
    """Lay activations out in two dimensions.

    Parameters
    ----------
    vectors
        (N, C) raw activations, in memory or on disk, any float type. They are read in chunks.
    settings
        By default those published for mixed4a … mixed5b; `LayoutSettings.for_layer` knows the others.
    device
        "cpu" or "cuda", for the search of neighbours; by default CUDA where it is there. It decides rounding, and up to
        how many points the search is exact.
    progress
        Called with the step's name, what is done and what there is to do.

    Returns
    -------
    Layout
        With a seed, the same input gives exactly the same arrays on one machine.

    Raises
    ------
    AtlasError
        Vectors hold NaN or infinity, or the array is not two-dimensional.
    """
    settings = LayoutSettings() if settings is None else settings
    seed = settings.seed or 0
    distinct = find_distinct(vectors)
    n = distinct.first.size
    reduction = fit_reduction(vectors, distinct, settings.metric, settings.n_components_pca, seed)
    reduced = reduce_rows(vectors, distinct, reduction)
    settings = settings.clamped(n)
    searched = None
    if n < TINY:
        raw = principal_components(reduced)
    elif settings.method == "tsne":
        raw = embed_tsne(reduced, settings, _step(progress, "t-SNE"))
    else:
        steps = {name: _step(progress, name) for name in ("neighbours", "UMAP")}
        searched = device or default_device()
        neighbours = nearest_neighbours(
            reduced, settings.n_neighbors, settings.metric, seed=seed, device=searched, progress=steps["neighbours"]
        )
        raw = embed(reduced, neighbours, settings, steps["UMAP"])

    # Duplicates count as often as they occur: the frame is drawn around all points.
    has_place = distinct.point >= 0
    all_raw = np.full((vectors.shape[0], 2), np.nan)
    all_raw[has_place] = raw[distinct.point[has_place]]
    frame = Frame.around(all_raw, settings.clip, settings.margin)
    xy = frame(all_raw)
    inside = is_inside(xy)
    return Layout(
        xy=xy,
        inside=inside,
        landmarks=Landmarks.choose(
            reduced, xy[distinct.first], reduction, channels=vectors.shape[1], limit=settings.landmarks, seed=seed
        ),
        trustworthiness=trustworthiness(vectors, distinct.first, xy[distinct.first], settings.metric, seed=seed),
        frame=frame,
        n_zero=distinct.n_zero,
        n_duplicates=distinct.n_duplicates,
        n_outside=int((has_place & ~inside).sum()),
        method="pca" if n < TINY else settings.method,
        settings=settings,
        device=searched,
    )


def _step(progress: Progress | None, name: str) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress(name, done, total)
