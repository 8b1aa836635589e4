"""Activations in a row, alike ones next to each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from atlas.layout.embed import TINY, embed, principal_components
from atlas.layout.landmarks import Landmarks
from atlas.layout.neighbours import nearest_neighbours
from atlas.layout.prepare import find_distinct, fit_reduction, reduce_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.layout.prepare import DistinctRows, Reduction
    from atlas.layout.rows import Float32, Float64, RowArray
    from atlas.layout.settings import LayoutSettings


@dataclass(frozen=True)
class Line:
    """Places of N activations on a line.

    Attributes
    ----------
    place
        (N,) in (0, 1): rank divided by N, so that every stretch of the line holds as many activations as any other of
        its length. Equal vectors share their mean rank; NaN for vectors of zeros.
    settings
        As used: n_neighbors clamped and n_epochs filled in.
    n_zero
        Vectors of zeros.
    """

    place: Float64
    settings: LayoutSettings
    n_zero: int
    _reduced: Float32
    _distinct: DistinctRows
    _reduction: Reduction

    def landmarks(self, xy: Float32, channels: int) -> Landmarks:
        """Keep points to place new vectors by, for a layout (N, 2) that has this line as an axis."""
        return Landmarks.choose(
            self._reduced,
            xy[self._distinct.first],
            self._reduction,
            channels=channels,
            limit=self.settings.landmarks,
            seed=self.settings.seed or 0,
        )


def line_up(
    vectors: RowArray, settings: LayoutSettings, *, progress: Callable[[str, int, int], None] | None = None
) -> Line:
    """Order activations by cosine similarity, by UMAP in one dimension.

    Distances along a line mean little, neighbours do: only the order is kept. (Of the ways tried on activations of two
    classes, this one left the members of each tenth of the line most alike: mean cosine to their mean 0.71 at mixed5b,
    0.70 by hierarchical clustering with optimal leaf order, 0.68 by the Fiedler vector, 0.67 by the first principal
    component, 0.57 at random.)

    Parameters
    ----------
    vectors
        (N, C) raw activations.
    settings
        The metric is always cosine.
    progress
        Called with the step's name, what is done and what there is to do.

    Raises
    ------
    AtlasError
        Vectors hold NaN or infinity, or the array is not two-dimensional.
    """
    settings = replace(settings, metric="cosine")
    seed = settings.seed or 0
    distinct = find_distinct(vectors)
    n = distinct.first.size
    reduction = fit_reduction(vectors, distinct, settings.metric, settings.n_components_pca, seed)
    reduced = reduce_rows(vectors, distinct, reduction)
    settings = settings.clamped(n)
    if n < TINY:
        raw = principal_components(reduced)[:, 0]
    else:
        neighbours = nearest_neighbours(reduced, settings.n_neighbors, settings.metric, seed=seed)
        tick = None if progress is None else lambda done, total: progress("UMAP", done, total)
        raw = embed(reduced, neighbours, settings, tick, dimensions=1)[:, 0]
    has_place = distinct.point >= 0
    count = np.bincount(distinct.point[has_place], minlength=n)
    order = np.argsort(raw, kind="stable")
    middle = np.empty(n)
    middle[order] = np.cumsum(count[order]) - count[order] / 2
    place = np.full(len(distinct.point), np.nan)
    place[has_place] = (middle / max(1, count.sum()))[distinct.point[has_place]]
    return Line(place, settings, distinct.n_zero, reduced, distinct, reduction)
