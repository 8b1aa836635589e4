"""How faithful a layout is to the vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atlas.layout.rows import iter_chosen

if TYPE_CHECKING:
    from atlas.layout.rows import Float32, Int64, RowArray
    from atlas.layout.settings import Metric

SAMPLE = 5_000
"""Points on which trustworthiness is measured: its cost grows with the square."""

_FEWEST = 5


def trustworthiness(
    vectors: RowArray, rows: Int64, xy: Float32, metric: Metric, *, n_neighbors: int = 10, seed: int = 0
) -> float | None:
    """Measure to what extent neighbours in the layout are neighbours among the vectors.

    Parameters
    ----------
    vectors
        (N, C) raw activations.
    rows
        (n,) the distinct rows that were laid out; 5,000 of them, drawn with the seed, are compared.
    xy
        (n, 2) their positions.
    metric
        Of the vectors.
    n_neighbors
        Neighbours in the layout that are looked at; fewer in small sets.
    seed
        Of the draw.

    Returns
    -------
    float or None
        scikit-learn's ``trustworthiness``, 0 to 1; about 0.5 by chance. None for fewer than 5 points.
    """
    if rows.size < _FEWEST:
        return None
    from sklearn.manifold import trustworthiness as measure  # noqa: PLC0415 - slow to import

    rng = np.random.Generator(np.random.Philox(seed))
    sample = np.sort(rng.permutation(rows.size)[:SAMPLE])
    chosen = np.concatenate(list(iter_chosen(vectors, rows[sample])))
    k = min(n_neighbors, (sample.size - 1) // 2)
    return float(measure(chosen, xy[sample], n_neighbors=k, metric=metric))
