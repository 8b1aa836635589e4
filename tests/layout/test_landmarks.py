"""New vectors are placed among the landmarks."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr

from atlas.errors import AtlasError
from atlas.layout import Landmarks, Layout, LayoutSettings, layout

if TYPE_CHECKING:
    from pathlib import Path


def test_a_training_vector_lands_on_its_own_position(laid_out: Layout, vectors: np.ndarray) -> None:
    xy, similarity = laid_out.landmarks.place(vectors)
    placed = np.isfinite(laid_out.xy).all(axis=1)
    np.testing.assert_allclose(xy[placed], laid_out.xy[placed], atol=1e-5)
    assert (similarity[placed] > 0.9).all()


def test_lengths_do_not_matter_to_the_cosine(laid_out: Layout, vectors: np.ndarray) -> None:
    xy, _ = laid_out.landmarks.place(vectors[:5].astype(np.float32) * 7)
    np.testing.assert_allclose(xy, laid_out.xy[:5], atol=1e-4)


def test_new_members_of_a_cluster_are_placed_in_it(laid_out: Layout, vectors: np.ndarray, cluster: np.ndarray) -> None:
    rng = np.random.default_rng(9)
    new = np.maximum(vectors[20:120].astype(np.float32) + rng.normal(scale=0.2, size=(100, 80)), 0)
    xy, similarity = laid_out.landmarks.place(new)
    placed = np.flatnonzero(np.isfinite(laid_out.xy).all(axis=1))
    distance = np.linalg.norm(xy[:, None] - laid_out.xy[placed], axis=2)
    assert (cluster[placed[distance.argmin(axis=1)]] == cluster[20:120]).mean() > 0.98
    assert similarity.min() > 0.8


def test_what_is_like_nothing_in_the_layout_has_a_low_similarity(laid_out: Layout, vectors: np.ndarray) -> None:
    _, familiar = laid_out.landmarks.place(vectors[:1])
    _, strange = laid_out.landmarks.place(-vectors[:1])
    assert strange[0] < 0.2
    assert familiar[0] > 0.9


def test_a_vector_of_zeros_has_no_place(laid_out: Layout) -> None:
    xy, similarity = laid_out.landmarks.place(np.zeros((1, 80)))
    assert np.isnan(xy).all()
    assert similarity.tolist() == [0]


def test_results_do_not_depend_on_what_is_placed_together(laid_out: Layout, vectors: np.ndarray) -> None:
    new = vectors[50:90].astype(np.float32) + 0.25
    together, _ = laid_out.landmarks.place(new)
    alone = np.concatenate([laid_out.landmarks.place(row[None])[0] for row in new])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_no_more_landmarks_are_kept_than_asked_for(vectors: np.ndarray, quick: LayoutSettings) -> None:
    few = layout(vectors, dataclasses.replace(quick, landmarks=50))
    assert few.landmarks.xy.shape == (50, 2)
    xy, _ = few.landmarks.place(vectors[20:])
    assert np.median(np.linalg.norm(xy - few.xy[20:], axis=1)) < 0.1


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_handful_of_landmarks_is_enough(n: int, metric: str) -> None:
    vectors = np.random.default_rng(n).random((n, 60))
    settings = LayoutSettings.for_layer("mixed3a" if metric == "euclidean" else "mixed4c")
    few = layout(vectors, settings)
    np.testing.assert_allclose(few.landmarks.place(vectors)[0], few.xy, atol=1e-5)
    assert np.isfinite(few.landmarks.place(vectors + 0.1)[0]).all()


def test_a_layout_of_nothing_places_nothing() -> None:
    with pytest.raises(AtlasError, match="no landmarks"):
        layout(np.zeros((3, 4))).landmarks.place(np.ones((1, 4)))


def test_another_number_of_channels_is_refused(laid_out: Layout) -> None:
    with pytest.raises(AtlasError, match="80"):
        laid_out.landmarks.place(np.ones((2, 79)))


def test_values_that_are_not_finite_are_counted_and_refused(laid_out: Layout) -> None:
    broken = np.ones((3, 80))
    broken[1, 4] = np.nan
    with pytest.raises(AtlasError, match="1 of"):
        laid_out.landmarks.place(broken)


@pytest.mark.parametrize("channels", [80, 20])
def test_landmarks_survive_being_stored(channels: int, vectors: np.ndarray, tmp_path: Path) -> None:
    kept = layout(vectors[:9, :channels]).landmarks
    group = zarr.open_group(tmp_path / "landmarks", mode="w")
    for name, array in kept.arrays().items():
        group.create_array(name, data=array)
    again = Landmarks.from_arrays({name: group[name] for name in group.array_keys()})
    new = vectors[20:30, :channels]
    for before, after in zip(kept.place(new), again.place(new), strict=True):
        assert np.array_equal(before, after)


@pytest.mark.parametrize("name", ["vectors", "xy", "scalars", "basis"])
def test_damaged_stored_landmarks_are_refused(name: str, laid_out: Layout) -> None:
    arrays = laid_out.landmarks.arrays()
    with pytest.raises(AtlasError, match="landmarks"):
        Landmarks.from_arrays({**arrays, name: arrays[name][:-1]})
    if name != "basis":
        del arrays[name]
        with pytest.raises(AtlasError, match=name):
            Landmarks.from_arrays(arrays)
