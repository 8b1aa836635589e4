"""UMAP in two dimensions or one, from neighbours found beforehand."""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from atlas.layout.prepare import principal_axes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from atlas.layout.neighbours import Neighbours
    from atlas.layout.rows import Float32, Float64
    from atlas.layout.settings import LayoutSettings

TINY = 10
"""Fewer distinct points have no neighbourhoods worth the name: they are placed by principal components."""

_EXPECTED_WARNINGS = (
    # New vectors are placed by landmarks, not by UMAP.transform.
    r"precomputed_knn\[2\] \(knn_search_index\) is not an NNDescent object",
    # Handled below: such points come back as NaN.
    r"A (few|large number) of your vertices were disconnected",
    r"Tensorflow not installed; ParametricUMAP will be unavailable",
)


def principal_components(points: Float32) -> Float64:
    """Give the first two principal components of (n, D) points, (n, 2) float64 with the mean at zero.

    One-dimensional points get 0 as their second coordinate.
    """
    if not len(points):
        return np.empty((0, 2))
    centred = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    axes = principal_axes(centred.T @ centred, 2)
    placed = np.zeros((points.shape[0], 2))
    placed[:, : axes.shape[1]] = centred @ axes
    return placed


def embed(
    points: Float32,
    neighbours: Neighbours,
    settings: LayoutSettings,
    progress: Callable[[int, int], None] | None = None,
    dimensions: Literal[1, 2] = 2,
) -> Float64:
    """Lay points out by UMAP.

    It starts from the principal components, scaled as umap-learn scales its own ``init="pca"``: spectral
    starts fail on large sets.

    Parameters
    ----------
    points
        (n, D) distinct reduced vectors, n >= `TINY`.
    neighbours
        Of every point, ``settings.n_neighbors`` columns.
    settings
        As clamped for n points.
    progress
        Called with (epochs done, epochs in all).
    dimensions
        1 for a line.

    Returns
    -------
    ndarray
        (n, dimensions) float64 raw coordinates, all finite.
    """
    start = principal_components(points)[:, :dimensions]
    rng = np.random.Generator(np.random.Philox(settings.seed))
    start = start * (10 / max(np.abs(start).max(), 1e-12)) + rng.normal(scale=1e-4, size=start.shape)
    epochs = settings.clamped(points.shape[0]).n_epochs or 0
    with _same_threads(), warnings.catch_warnings():
        for message in _EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        import umap  # noqa: PLC0415 - compiles for a minute when first imported

        _keep_compiled_code()
        _report_epochs()
        fitted = umap.UMAP(
            n_components=dimensions,
            n_neighbors=neighbours.indices.shape[1],
            min_dist=settings.min_dist,
            metric=settings.metric,
            n_epochs=epochs,
            init=start.astype(np.float32),
            random_state=settings.seed,
            n_jobs=-1 if settings.seed is None else 1,
            # umap-learn writes into what it is given.
            precomputed_knn=(neighbours.indices.copy(), neighbours.distances.copy()),
            tqdm_kwds={"disable": True} if progress is None else {"report": progress},
        ).fit(points)
    return place_disconnected(fitted.embedding_.astype(np.float64), neighbours)


@contextlib.contextmanager
def _same_threads() -> Iterator[None]:
    """Give torch back the threads it had: numba, when it starts, sets the number that OpenMP uses for everybody."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def place_disconnected(raw: Float64, neighbours: Neighbours) -> Float64:
    """Give points that UMAP left without coordinates those of their neighbours' mean.

    Parameters
    ----------
    raw
        (n, 2) or (n, 1), NaN for points that UMAP disconnected.
    neighbours
        Of every point.

    Returns
    -------
    ndarray
        Finite, same shape. A point reached by no placed neighbour, over however many steps, gets the mean of all.
    """
    placed = raw.copy()
    missing = np.flatnonzero(~np.isfinite(placed).all(axis=1))
    placed[missing] = np.nan
    while missing.size:
        around = placed[np.maximum(neighbours.indices[missing], 0)]
        known = np.isfinite(around).all(axis=2) & (neighbours.indices[missing] >= 0)
        reached = known.any(axis=1)
        if not reached.any():
            placed[missing] = np.nanmean(placed, axis=0) if missing.size < len(placed) else 0.0
            break
        total = np.where(known[..., None], around, 0.0).sum(axis=1)[reached]
        placed[missing[reached]] = total / known.sum(axis=1)[reached, None]
        missing = missing[~reached]
    return placed


def _keep_compiled_code() -> None:
    """Let numba keep umap-learn's compiled functions on disk, as pynndescent does for its own.

    Otherwise every process compiles them anew, which takes 10 to 25 seconds on a slow core. Where numba
    finds no folder that it can write to, it compiles as before.
    """
    import umap.layouts  # noqa: PLC0415
    import umap.umap_  # noqa: PLC0415

    for module in (umap.layouts, umap.umap_):
        for function in vars(module).values():
            if getattr(function, "enable_caching", None) and function.__module__ == module.__name__:
                with contextlib.suppress(RuntimeError):
                    function.enable_caching()


def _report_epochs() -> None:
    """Let umap-learn tell a `report` among its ``tqdm_kwds`` how many epochs are done, instead of drawing a bar.

    Its bar goes into a notebook whatever file it is given, and tells a file too seldom to count by.
    """
    import umap.layouts  # noqa: PLC0415

    drawn = umap.layouts.tqdm
    if getattr(drawn, "reports", False):
        return

    def bar(epochs: range, report: Callable[[int, int], None] | None = None, **options: Any) -> Iterable[int]:  # noqa: ANN401
        return drawn(epochs, **options) if report is None else _counted(epochs, report)

    bar.reports = True  # type: ignore[attr-defined]
    umap.layouts.tqdm = bar


def _counted(epochs: range, report: Callable[[int, int], None]) -> Iterator[int]:
    for epoch in epochs:
        report(epoch, len(epochs))
        yield epoch
    report(len(epochs), len(epochs))
