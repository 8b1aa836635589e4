"""t-SNE in two dimensions."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np

from atlas.layout.embed import principal_components

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.layout.rows import Float32, Float64
    from atlas.layout.settings import LayoutSettings

#: Standard deviation of the start along its first axis, as scikit-learn scales its own ``init="pca"`` (Kobak and
#: Berens, 2019); and of what the seed adds to it, a hundredth of that.
_START, _JITTER = 1e-4, 1e-6


def embed_tsne(
    points: Float32, settings: LayoutSettings, progress: Callable[[int, int], None] | None = None
) -> Float64:
    """Lay points out by t-SNE (van der Maaten and Hinton, 2008), by the approximation of Barnes and Hut.

    It starts from the principal components, so that what is far apart has a meaning too.

    Parameters
    ----------
    points
        (n, D) distinct reduced vectors, of unit length for the cosine metric, n >= `atlas.layout.embed.TINY`.
    settings
        As clamped for n points.
    progress
        Called with (0, iterations) and (iterations, iterations): scikit-learn says nothing in between.

    Returns
    -------
    ndarray
        (n, 2) float64 raw coordinates.
    """
    from sklearn.manifold import TSNE  # noqa: PLC0415 - slow to import
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - scikit-learn's own

    start = principal_components(points)
    rng = np.random.Generator(np.random.Philox(settings.seed))
    start = start * (_START / max(start[:, 0].std(), 1e-12)) + rng.normal(scale=_JITTER, size=start.shape)
    iterations = settings.clamped(len(points)).n_epochs or 0
    if progress is not None:
        progress(0, iterations)
    # Threads add up the forces in the order in which they finish: with a seed there is one.
    limits = nullcontext() if settings.seed is None else threadpool_limits(1, user_api="openmp")
    with limits:
        fitted = TSNE(
            perplexity=settings.perplexity,
            # Of unit vectors, half the squared distance is 1 - cosine.
            metric="euclidean",
            max_iter=iterations,
            init=start.astype(np.float32),
            learning_rate="auto",
            random_state=settings.seed,
            n_jobs=-1 if settings.seed is None else 1,
        ).fit(points)
    if progress is not None:
        progress(iterations, iterations)
    return np.asarray(fitted.embedding_, dtype=np.float64)
