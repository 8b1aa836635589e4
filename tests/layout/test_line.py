"""Activations in a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atlas.layout import LayoutSettings, line_up

if TYPE_CHECKING:
    from numpy.typing import NDArray


def turning(n: int) -> NDArray[np.float32]:
    """Vectors that turn from one axis to another, of random lengths, in random order."""
    rng = np.random.Generator(np.random.Philox(4))
    angle = rng.permutation(np.linspace(0, np.pi / 2, n))
    length = rng.uniform(0.1, 10, n)
    units = np.stack([np.cos(angle), np.sin(angle), np.full(n, 0.2)], axis=1)
    return np.asarray(length[:, None] * units, dtype=np.float32)


def test_vectors_that_turn_come_out_in_order_of_their_angle() -> None:
    vectors = turning(200)
    line = line_up(vectors, LayoutSettings(n_epochs=200))
    angle = np.arctan2(vectors[:, 1], vectors[:, 0])
    assert abs(np.corrcoef(line.place, angle)[0, 1]) > 0.97


def test_places_are_spread_evenly_and_equal_vectors_share_theirs() -> None:
    vectors = np.concatenate([turning(60), turning(60)[:20], np.zeros((3, 3), dtype=np.float32)])
    line = line_up(vectors, LayoutSettings(n_epochs=20))
    assert line.n_zero == 3
    assert np.isnan(line.place[-3:]).all()
    np.testing.assert_array_equal(line.place[:20], line.place[60:80])
    placed = line.place[:-3]
    assert ((placed > 0) & (placed < 1)).all()
    assert np.abs(np.histogram(placed, 8, (0, 1))[0] - 10).max() <= 2


def test_few_vectors_are_lined_up_without_umap() -> None:
    vectors = turning(6)
    line = line_up(vectors, LayoutSettings())
    angle = np.arctan2(vectors[:, 1], vectors[:, 0])
    assert abs(np.corrcoef(np.argsort(line.place).argsort(), angle.argsort().argsort())[0, 1]) > 0.99


def test_landmarks_place_a_vector_where_it_lies() -> None:
    vectors = turning(80)
    line = line_up(vectors, LayoutSettings(n_epochs=20))
    xy = np.stack([np.linspace(0, 0.99, 80), line.place], axis=1).astype(np.float32)
    found, similarity = line.landmarks(xy, 3).place(vectors[:5])
    np.testing.assert_allclose(found, xy[:5], atol=1e-3)
    np.testing.assert_allclose(similarity, 1, atol=1e-5)
