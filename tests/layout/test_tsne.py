"""Layouts by t-SNE, beside those by UMAP."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from atlas.layout import Layout, LayoutSettings, layout


@pytest.fixture(scope="module")
def settings() -> LayoutSettings:
    return LayoutSettings(method="tsne", n_epochs=300, seed=3)


@pytest.fixture(scope="module")
def by_tsne(vectors: np.ndarray, settings: LayoutSettings) -> Layout:
    return layout(vectors, settings)


def test_planted_clusters_stay_apart(by_tsne: Layout, cluster: np.ndarray) -> None:
    placed = np.isfinite(by_tsne.xy).all(axis=1)
    assert silhouette_score(by_tsne.xy[placed], cluster[placed]) > 0.5
    assert by_tsne.method == "tsne"
    assert by_tsne.summary()["settings"]["method"] == "tsne"


def test_neighbourhoods_are_kept_as_well_as_by_umap(by_tsne: Layout, laid_out: Layout) -> None:
    assert by_tsne.trustworthiness is not None
    assert laid_out.trustworthiness is not None
    assert by_tsne.trustworthiness > laid_out.trustworthiness - 0.01


def test_the_same_seed_gives_exactly_the_same_layout_and_another_another(
    by_tsne: Layout, vectors: np.ndarray, settings: LayoutSettings
) -> None:
    assert np.array_equal(layout(vectors, settings).xy, by_tsne.xy, equal_nan=True)
    other = layout(vectors, dataclasses.replace(settings, seed=4))
    assert not np.array_equal(other.xy, by_tsne.xy, equal_nan=True)


def test_without_a_seed_the_clusters_stay_apart_too(vectors: np.ndarray, cluster: np.ndarray) -> None:
    free = layout(vectors, LayoutSettings(method="tsne", n_epochs=300, seed=None))
    placed = np.isfinite(free.xy).all(axis=1)
    assert silhouette_score(free.xy[placed], cluster[placed]) > 0.5


@pytest.mark.parametrize("n", [10, 13])
def test_small_sets_are_laid_out_with_less_perplexity(n: int) -> None:
    small = layout(np.random.default_rng(n).random((n, 60)), LayoutSettings(method="tsne", n_epochs=250))
    assert small.method == "tsne"
    assert small.settings.perplexity == (n - 1) / 3
    assert np.isfinite(small.xy).all()


def test_new_vectors_are_placed_among_the_landmarks(by_tsne: Layout, vectors: np.ndarray) -> None:
    xy, similarity = by_tsne.landmarks.place(vectors[20:40])
    np.testing.assert_allclose(xy, by_tsne.xy[20:40], atol=0.02)
    assert (similarity > 0.99).all()


def test_progress_ends_with_everything(vectors: np.ndarray, settings: LayoutSettings) -> None:
    calls: list[tuple[str, int, int]] = []
    layout(vectors, settings, progress=lambda *call: calls.append(call))
    assert calls == [("t-SNE", 0, 300), ("t-SNE", 300, 300)]
