"""Nearest neighbours against a full table of distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances

from atlas.layout import neighbours as module
from atlas.layout.neighbours import nearest_neighbours

if TYPE_CHECKING:
    from atlas.layout import Metric


def points(n: int, D: int, metric: str) -> np.ndarray:
    rng = np.random.default_rng(n)
    made = rng.normal(size=(n, D)) + 2
    return (made / np.linalg.norm(made, axis=1, keepdims=True) if metric == "cosine" else made).astype(np.float32)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize(("n", "k"), [(10, 10), (300, 15), (50, 1)])
def test_exact_neighbours_are_those_of_the_full_table(
    n: int, k: int, metric: Metric, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK_BYTES", 50_000)
    x = points(n, 20, metric)
    found = nearest_neighbours(x, k, metric, seed=0)
    table = pairwise_distances(x.astype(np.float64), metric=metric)
    np.fill_diagonal(table, -1)
    order = np.argsort(table, axis=1)[:, :k]
    assert np.array_equal(found.indices, order)
    np.fill_diagonal(table, 0)
    np.testing.assert_allclose(found.distances, np.take_along_axis(table, order, 1), rtol=1e-3, atol=1e-7)


def test_close_pairs_far_from_the_origin_are_told_apart() -> None:
    x = np.float32(1000) + np.array([[0], [0.5], [1.25], [2.25], [3.5]], np.float32)
    found = nearest_neighbours(x, 2, "euclidean", seed=0)
    assert found.indices[:, 1].tolist() == [1, 0, 1, 2, 3]
    np.testing.assert_allclose(found.distances[:, 1], [0.5, 0.5, 0.75, 1, 1.25])


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_neighbours_among_nearby_clusters_are_nearly_all_right_and_repeatable(metric: Metric) -> None:
    x = points(3000, 8, metric)
    exact = nearest_neighbours(x, 15, metric, seed=0)
    first, again = (nearest_neighbours(x, 15, metric, seed=1, exact_limit=100) for _ in range(2))
    assert np.array_equal(first.indices, again.indices)
    assert np.array_equal(first.indices[:, 0], np.arange(3000))
    assert (first.distances[:, 0] == 0).all()
    assert (np.diff(first.distances, axis=1) >= 0).all()
    assert all(len(set(row)) == 15 for row in first.indices.tolist())
    shared = [len(set(a) & set(b)) for a, b in zip(first.indices, exact.indices, strict=True)]
    assert np.mean(shared) > 0.92 * 15


def test_more_neighbours_than_nearby_clusters_hold_are_still_found() -> None:
    x = points(400, 8, "euclidean")
    found = nearest_neighbours(x, 400, "euclidean", seed=0, exact_limit=100)
    assert np.array_equal(np.sort(found.indices, axis=1), np.tile(np.arange(400), (400, 1)))
