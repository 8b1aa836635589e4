from __future__ import annotations

import numpy as np
import pytest

from atlas.render import second_moment, whiten
from atlas.render.whitening import _CHUNK

RNG = np.random.default_rng(0)


def unit(x: np.ndarray) -> np.ndarray:
    return np.asarray(x / np.linalg.norm(x, axis=-1, keepdims=True))


def test_the_second_moment_is_uncentred_and_does_not_depend_on_chunks() -> None:
    vectors = (RNG.random((2 * _CHUNK + 77, 6)) * [1, 10, 0.1, 3, 0, 100]).astype(np.float16)
    exact = vectors.astype(np.float64)
    assert np.allclose(second_moment(vectors), exact.T @ exact / len(exact), rtol=1e-4)


def test_targets_are_multiplied_by_the_inverse_second_moment() -> None:
    vectors = np.abs(RNG.standard_normal((500, 8))) @ RNG.random((8, 8))
    moment = vectors.T @ vectors / 500
    targets = vectors[:5].astype(np.float32)
    mean_eigenvalue = np.linalg.eigvalsh(moment).mean()
    for ridge in (0.0, 0.01, 1.0):
        expected = unit(targets @ np.linalg.inv(moment + ridge * mean_eigenvalue * np.eye(8)))
        assert np.allclose(whiten(targets, moment, ridge), expected, atol=1e-4)


def test_whitening_does_not_depend_on_the_scale_of_activations_or_of_targets() -> None:
    vectors = RNG.random((100, 5))
    moment = second_moment(vectors)
    one = whiten(vectors[:3].astype(np.float32), moment, 0.1)
    assert np.allclose(one, whiten(50 * vectors[:3].astype(np.float32), 400 * moment, 0.1), atol=1e-5)
    assert np.allclose(np.linalg.norm(one, axis=1), 1, atol=1e-6)


def test_a_large_ridge_leaves_the_direction_and_none_of_it_takes_out_what_all_share() -> None:
    shared = np.array([10.0, 0, 0])
    vectors = shared + RNG.standard_normal((4000, 3))
    target = (shared + np.array([0, 1.0, 0]))[None].astype(np.float32)
    moment = second_moment(vectors)
    assert np.allclose(whiten(target, moment, 1e6), unit(target), atol=1e-4)
    assert abs(unit(target)[0, 0]) > 0.99
    assert abs(whiten(target, moment, 0.0)[0, 0]) < 0.3


@pytest.mark.parametrize("dead", [0.0, 1e-20])
def test_a_dead_channel_does_not_explode(dead: float) -> None:
    vectors = RNG.random((200, 4)).astype(np.float32)
    vectors[:, 2] = dead
    targets = vectors[:6].copy()
    targets[0, 2] = 1e-6
    whitened = whiten(targets, second_moment(vectors), 0.01)
    assert np.isfinite(whitened).all()
    assert np.abs(whitened[:, 2]).max() < 0.01


def test_a_zero_target_and_a_dead_layer_give_zeros_not_nan() -> None:
    assert not whiten(np.zeros((2, 3), np.float32), np.eye(3), 0.1).any()
    assert not whiten(np.zeros((2, 3), np.float32), np.zeros((3, 3)), 0.1).any()
