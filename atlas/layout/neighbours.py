"""Nearest neighbours: exact by blocked matrix products; among nearby clusters only, for very large sets.

Plain torch: nothing is compiled before the first search, and the same input gives the same result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from torch import Tensor

    from atlas.layout.rows import Float32
    from atlas.layout.settings import Metric

EXACT_LIMIT = {"cpu": 10_000, "cuda": 200_000}
"""Up to so many points the exact search is used: its work grows with the square."""

_BLOCK_BYTES = 128 * 2**20
_PROBED_CLUSTERS = 16
_CLUSTER_PASSES = 6
_ROWS_A_CLUSTER = 100


def default_device() -> str:
    """Where neighbours are searched when nobody says."""
    return "cuda" if torch.cuda.is_available() else "cpu"


class Neighbours(NamedTuple):
    """The nearest points of every point, itself first.

    Attributes
    ----------
    indices
        (n, k) int32 row numbers, nearest first; the first is the point itself.
    distances
        (n, k) float32 distances, the first 0.
    """

    indices: npt.NDArray[np.int32]
    distances: Float32


def nearest_neighbours(
    points: Float32,
    k: int,
    metric: Metric,
    *,
    seed: int,
    exact_limit: int | None = None,
    device: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Neighbours:
    """Find the ``k`` nearest points of every point, itself included.

    Above ``exact_limit`` points they are put into clusters by k-means, and only the 16 clusters nearest to
    a point's own are searched. Of points that form groups that misses next to no neighbours; of a shapeless
    cloud, one in twenty.

    Parameters
    ----------
    points
        (n, D) distinct points, of unit length for the cosine metric.
    k
        Columns of the result, 1 <= k <= n.
    metric
        "cosine" (distance 1 - cosine) or "euclidean".
    seed
        Of the first cluster centres.
    exact_limit
        Most points that are searched exactly; by default 10,000 on a CPU and 200,000 on a CUDA device.
    device
        "cpu" or "cuda"; by default the one that is there. It decides rounding, and `exact_limit`.
    progress
        Called with (points done, points in all).
    """
    device = device or default_device()
    n = len(points)
    x = torch.from_numpy(points).to(device)
    everything = torch.arange(n, device=device)
    if n <= (EXACT_LIMIT[device] if exact_limit is None else exact_limit):
        searches = [(everything, everything)]
    else:
        searches = _cluster_searches(x, k, seed)

    half_square = x.square().sum(dim=1) / 2
    indices = torch.empty((n, k), dtype=torch.int32)
    squares = torch.empty((n, k), dtype=torch.float32)
    done = 0
    for queries, candidates in searches:
        block = max(1, _BLOCK_BYTES // (4 * max(len(candidates), k * x.shape[1])))
        for rows in torch.split(queries, block):
            found, squared = _closest(x, half_square, rows, candidates, k - 1)
            here = rows.cpu()
            indices[here] = torch.cat([rows[:, None], found], dim=1).int().cpu()
            squares[here] = torch.nn.functional.pad(squared, (1, 0)).cpu()
            done += len(rows)
            if progress is not None:
                progress(done, n)
    # 1 - cos is half the squared distance of unit vectors.
    distances = squares / 2 if metric == "cosine" else squares.sqrt()
    return Neighbours(indices.numpy(), distances.numpy())


def _closest(x: Tensor, half_square: Tensor, rows: Tensor, candidates: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Find the ``k`` candidates nearest to each row, itself left out; with their squared distances."""
    # Ranking by a.b - |b|^2 / 2 is ranking by -|a - b|^2; for unit vectors it is ranking by cosine too.
    score = x[rows] @ x[candidates].T - half_square[candidates]
    column = torch.empty(len(x), dtype=torch.int64, device=x.device)
    column[candidates] = torch.arange(len(candidates), device=x.device)
    score[torch.arange(len(rows), device=x.device), column[rows]] = -torch.inf
    found = candidates[score.topk(k, dim=1).indices]
    # The difference is exact where the products cancel.
    squared = (x[rows, None, :] - x[found]).square().sum(dim=2)
    near, order = squared.sort(dim=1, stable=True)
    return found.gather(1, order), near


def _cluster_searches(x: Tensor, k: int, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Cluster the points; for each cluster, its members and the candidates for their neighbours."""
    n = len(x)
    n_clusters = max(1, round(n**0.5 / 2))
    rng = np.random.Generator(np.random.Philox(seed))
    sample = x[torch.from_numpy(rng.permutation(n)[: n_clusters * _ROWS_A_CLUSTER]).to(x.device)]
    centres = sample[:n_clusters]
    for _ in range(_CLUSTER_PASSES):
        nearest = _nearest_centre(sample, centres)
        # On the CPU and one after the other, because sums on a GPU depend on the order of its threads.
        total = torch.zeros(centres.shape).index_add_(0, nearest.cpu(), sample.cpu()).to(x.device)
        count = torch.bincount(nearest, minlength=n_clusters)[:, None]
        centres = torch.where(count > 0, total / count.clamp(min=1), centres)
    cluster = _nearest_centre(x, centres)
    sizes = torch.bincount(cluster, minlength=n_clusters).cpu()
    members = torch.split(cluster.argsort(stable=True), sizes.tolist())

    # A cluster is nearest to itself, whatever rounding says.
    by_distance = torch.cdist(centres, centres).fill_diagonal_(-1).argsort(dim=1, stable=True).cpu()
    searches = []
    for own, rows in enumerate(members):
        enough = int((sizes[by_distance[own]].cumsum(0) < k).sum()) + 1
        probed = by_distance[own, : max(_PROBED_CLUSTERS, enough)].tolist()
        if len(rows):
            searches.append((rows, torch.cat([members[other] for other in probed])))
    return searches


def _nearest_centre(x: Tensor, centres: Tensor) -> Tensor:
    half_square = centres.square().sum(dim=1) / 2
    return torch.cat([(rows @ centres.T - half_square).argmax(dim=1) for rows in torch.split(x, 16_384)])
