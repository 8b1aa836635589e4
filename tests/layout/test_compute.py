"""The whole way from vectors to positions."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr
from sklearn.manifold import trustworthiness
from sklearn.metrics import silhouette_score

from atlas.errors import AtlasError
from atlas.layout import Layout, LayoutSettings, layout

if TYPE_CHECKING:
    from pathlib import Path


def equal(a: Layout, b: Layout) -> bool:
    pairs = [
        (a.xy, b.xy),
        (a.inside, b.inside),
        *zip(a.landmarks.arrays().values(), b.landmarks.arrays().values(), strict=True),
    ]
    return a.summary() == b.summary() and all(np.array_equal(x, y, equal_nan=x.dtype.kind == "f") for x, y in pairs)


def test_planted_clusters_stay_apart(laid_out: Layout, cluster: np.ndarray) -> None:
    placed = np.isfinite(laid_out.xy).all(axis=1)
    assert silhouette_score(laid_out.xy[placed], cluster[placed]) > 0.5
    assert laid_out.method == "umap"


def test_a_vector_of_zeros_has_no_position(laid_out: Layout) -> None:
    assert laid_out.n_zero == 1
    assert np.flatnonzero(np.isnan(laid_out.xy).any(axis=1)).tolist() == [5]
    assert not laid_out.inside[5]


def test_equal_vectors_share_a_position(laid_out: Layout) -> None:
    assert laid_out.n_duplicates == 3
    assert (laid_out.xy[10:13] == laid_out.xy[9]).all()


def test_the_frame_holds_most_points_and_piles_none_on_its_border(laid_out: Layout) -> None:
    placed = np.isfinite(laid_out.xy).all(axis=1)
    inside = ((laid_out.xy >= 0) & (laid_out.xy < 1)).all(axis=1)
    assert np.array_equal(laid_out.inside, inside)
    assert laid_out.n_outside == int((placed & ~inside).sum())
    assert laid_out.n_outside < 0.04 * placed.sum()
    for axis in (0, 1):
        low, high = np.percentile(laid_out.xy[placed, axis], [1, 99])
        np.testing.assert_allclose([low, high], [1 / 12, 11 / 12], atol=1e-5)
    assert len(np.unique(laid_out.xy[placed], axis=0)) == placed.sum() - 3


def test_the_same_seed_gives_exactly_the_same_layout(
    laid_out: Layout, vectors: np.ndarray, quick: LayoutSettings
) -> None:
    assert equal(layout(vectors, quick), laid_out)


def test_another_seed_gives_another_layout(laid_out: Layout, vectors: np.ndarray, quick: LayoutSettings) -> None:
    other = layout(vectors, dataclasses.replace(quick, seed=4))
    assert not np.array_equal(other.xy, laid_out.xy, equal_nan=True)


def test_an_array_on_disk_gives_the_same_layout(
    laid_out: Layout, vectors: np.ndarray, quick: LayoutSettings, tmp_path: Path
) -> None:
    stored = zarr.open_group(tmp_path / "store", mode="w").create_array("vectors", data=vectors, chunks=(50, 80))
    assert equal(layout(stored, quick), laid_out)


def test_without_a_seed_the_clusters_stay_apart_too(vectors: np.ndarray, cluster: np.ndarray) -> None:
    parallel = layout(vectors, LayoutSettings(n_neighbors=15, n_epochs=60, seed=None))
    placed = np.isfinite(parallel.xy).all(axis=1)
    assert silhouette_score(parallel.xy[placed], cluster[placed]) > 0.5


def test_the_euclidean_metric_keeps_lengths_apart(quick: LayoutSettings) -> None:
    rng = np.random.default_rng(0)
    directions = np.abs(rng.normal(loc=1, scale=0.02, size=(200, 60)))
    length = np.repeat([1.0, 4.0], 100)
    apart = layout(directions * length[:, None], dataclasses.replace(quick, metric="euclidean"))
    assert silhouette_score(apart.xy, length) > 0.5


def test_trustworthiness_is_that_of_scikit_learn(laid_out: Layout, vectors: np.ndarray) -> None:
    distinct = np.setdiff1d(np.arange(320), [5, 10, 11, 12])
    expected = trustworthiness(
        vectors[distinct].astype(np.float32), laid_out.xy[distinct], n_neighbors=10, metric="cosine"
    )
    assert laid_out.trustworthiness == pytest.approx(expected, abs=1e-9)
    assert expected > 0.8


def test_progress_goes_from_nothing_to_everything(vectors: np.ndarray, quick: LayoutSettings) -> None:
    calls: list[tuple[str, int, int]] = []
    layout(vectors, quick, progress=lambda *call: calls.append(call))
    for step in ("neighbours", "UMAP"):
        done = [(now, total) for name, now, total in calls if name == step]
        assert [now for now, _ in done] == sorted(now for now, _ in done)
        assert all(0 <= now <= total for now, total in done)
        assert done[-1][0] == done[-1][1]
    assert ("neighbours", 316, 316) in calls


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 9])
def test_a_handful_of_points_is_placed_by_principal_components(n: int, metric: str) -> None:
    vectors = np.random.default_rng(n).random((n, 60))
    few = layout(vectors, LayoutSettings.for_layer("mixed3a" if metric == "euclidean" else "mixed4c"))
    assert few.method == "pca"
    assert few.xy.shape == (n, 2)
    assert few.inside.all()
    assert len(np.unique(few.xy, axis=0)) == n
    assert (few.trustworthiness is None) == (n < 5)


def test_a_single_point_is_in_the_middle() -> None:
    assert layout(np.ones((1, 3))).xy.tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("n", [10, 13])
def test_small_sets_are_laid_out_with_fewer_neighbours(n: int) -> None:
    small = layout(np.random.default_rng(n).random((n, 60)), LayoutSettings(n_epochs=30))
    assert small.method == "umap"
    assert small.settings.n_neighbors == 5
    assert np.isfinite(small.xy).all()
    assert small.inside.sum() >= n - 4


def test_vectors_of_one_channel_are_laid_out() -> None:
    line = layout(np.arange(1, 31)[:, None], LayoutSettings(n_epochs=30, metric="euclidean"))
    assert np.isfinite(line.xy).all()


@pytest.mark.parametrize("n", [1, 40])
def test_nothing_but_zeros_gives_no_positions(n: int) -> None:
    nothing = layout(np.zeros((n, 60), np.float16))
    assert np.isnan(nothing.xy).all()
    assert (nothing.n_zero, nothing.n_duplicates, nothing.n_outside) == (n, 0, 0)
    assert nothing.trustworthiness is None


def test_nothing_but_equal_vectors_gives_one_position() -> None:
    same = layout(np.full((50, 60), 0.5))
    assert same.n_duplicates == 49
    assert (same.xy == 0.5).all()


def test_vectors_that_are_not_finite_are_counted_and_refused(vectors: np.ndarray) -> None:
    broken = vectors.copy()
    broken[[3, 7], [0, 5]] = np.nan, np.inf
    with pytest.raises(AtlasError, match="2 of 320"):
        layout(broken)


def test_an_array_that_is_not_a_matrix_is_refused() -> None:
    with pytest.raises(AtlasError, match=r"\(4,\)"):
        layout(np.zeros(4))


def test_the_summary_fits_into_json_and_says_what_was_used(laid_out: Layout) -> None:
    summary = json.loads(json.dumps(laid_out.summary()))
    assert summary["settings"]["n_neighbors"] == 15
    assert summary["settings"]["n_epochs"] == 60
    assert summary["n_points"] == 320
