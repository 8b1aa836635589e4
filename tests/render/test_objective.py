from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.render import centre, dot_cosine


def by_definition(activations: np.ndarray, targets: np.ndarray, power: float) -> list[float]:
    scores = []
    for h, v in zip(activations.astype(np.float64), targets.astype(np.float64), strict=True):
        dot = float(h @ (v / np.linalg.norm(v)))
        scores.append(dot * max(0.1, dot / float(np.linalg.norm(h))) ** power)
    return scores


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from([1.0, 2.0, 2.5, 4.0]), st.floats(-1, 1))
def test_it_is_dot_times_cosine_to_the_power(seed: int, power: float, lean: float) -> None:
    rng = np.random.default_rng(seed)
    targets = rng.standard_normal((5, 30)).astype(np.float32) * rng.uniform(0.1, 100)
    activations = (3 * rng.standard_normal((5, 30)) + lean * targets).astype(np.float32)
    scores = dot_cosine(power)(torch.from_numpy(activations), torch.from_numpy(targets))
    assert np.allclose(scores.numpy(), by_definition(activations, targets, power), rtol=2e-4, atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 1.0, 2.0, 2.5, 4.0]), st.floats(-1, 1))
def test_its_gradient_is_the_one_that_differentiation_finds(seed: int, power: float, lean: float) -> None:
    rng = np.random.default_rng(seed)
    targets = torch.from_numpy(rng.standard_normal((5, 30)))
    activations = torch.from_numpy(3 * rng.standard_normal((5, 30))) + lean * targets
    activations[4] = 0
    objective = dot_cosine(power)
    scores, gradient = objective.ascend(activations, targets)
    activations.requires_grad_()
    expected = objective(activations, targets)
    torch.testing.assert_close(scores, expected.detach())
    torch.testing.assert_close(gradient, torch.autograd.grad(-expected.sum(), activations)[0])


def test_a_dead_activation_scores_nothing_and_has_a_finite_gradient_towards_the_target() -> None:
    activations = torch.zeros(1, 4, requires_grad=True)
    target = torch.tensor([[3.0, 0, 4, 0]])
    score = dot_cosine(4)(activations, target)
    (gradient,) = torch.autograd.grad(score.sum(), activations)
    assert score.item() == 0
    torch.testing.assert_close(gradient, 1e-4 * target / 5)


@pytest.mark.parametrize("power", [2.0, 4.0, 2.5])
def test_a_score_does_not_depend_on_its_place_in_the_batch(power: float) -> None:
    rng = np.random.default_rng(0)
    h, v = (torch.from_numpy(np.abs(rng.standard_normal((1, 37))).astype(np.float32)) for _ in range(2))
    scores = dot_cosine(power)(h.repeat(37, 1), v.repeat(37, 1))
    assert (scores == scores[0]).all()


def test_more_power_prefers_the_purer_of_two_activations() -> None:
    target = torch.tensor([[1.0, 0.0]]).repeat(2, 1)
    strong_and_mixed, weak_and_pure = [3.0, 3.0], [2.0, 0.0]
    activations = torch.tensor([strong_and_mixed, weak_and_pure])
    low, high = dot_cosine(1.0)(activations, target), dot_cosine(4.0)(activations, target)
    assert low[0] > low[1]
    assert high[0] < high[1]


@pytest.mark.parametrize(("height", "width", "row", "column"), [(5, 7, 2, 3), (4, 6, 2, 3), (1, 1, 0, 0)])
def test_the_centre_of_an_even_map_is_the_lower_right_of_the_middle_four(
    height: int, width: int, row: int, column: int
) -> None:
    maps = torch.arange(2 * 3 * height * width).reshape(2, 3, height, width)
    assert torch.equal(centre(maps), maps[:, :, row, column])
