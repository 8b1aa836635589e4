from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from atlas.render import Icons, RenderSettings, expected_cosine, render, render_tiles, rescue, stuck

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from atlas.models import VisionModel


def icons_with(cosine: list[float], score: list[float], mark: int) -> Icons:
    values = np.asarray(cosine, dtype=np.float32)
    images = np.full((len(values), 32, 32, 3), mark, dtype=np.uint8)
    return Icons(images, values.copy(), values, np.asarray(score, dtype=np.float32))


def test_only_icons_below_the_cosine_floor_are_started_again_and_the_better_start_is_kept() -> None:
    asked: list[tuple[list[int], int]] = []

    def again(rows: NDArray[np.int64], attempt: int) -> Icons:
        asked.append((rows.tolist(), attempt))
        return icons_with([0.8, 0.02], [9, 1], mark=100 + attempt)

    first = icons_with([0.9, 0.01, 0.5, 0.02], [5, 3, 4, 2], mark=0)
    found = rescue(first, again, RenderSettings(tries=3, rescues=1))
    assert asked == [([1, 3], 3)]
    assert found.target_cosine.tolist() == np.array([0.9, 0.8, 0.5, 0.02], dtype=np.float32).tolist()
    assert found.images[:, 0, 0, 0].tolist() == [0, 103, 0, 0]
    assert first.images.max() == 0


def test_rescues_end_when_no_icon_is_stuck() -> None:
    calls = []

    def again(rows: NDArray[np.int64], attempt: int) -> Icons:
        calls.append(attempt)
        return icons_with([0.5] * len(rows), [9] * len(rows), mark=1)

    rescue(icons_with([0.01, 0.9], [1, 1], mark=0), again, RenderSettings(rescues=5))
    assert calls == [1]


def test_an_icon_that_is_rescued_does_not_depend_on_its_neighbours(net: VisionModel) -> None:
    # Targets that point away from every activation: a ReLU's output never gets near them.
    rng = np.random.Generator(np.random.Philox(0))
    targets = -np.abs(rng.standard_normal((5, 12))).astype(np.float32)
    targets[::2] *= -1
    settings = RenderSettings(size=32, steps=3, tile=2, rescues=2)
    together = render(net, "tail", targets, settings=settings)
    assert (together.target_cosine < 0.1).any()
    for i in range(5):
        alone = render(net, "tail", targets[i : i + 1], keys=[i], settings=settings)
        assert np.array_equal(alone.images[0], together.images[i])
        assert alone.score[0] == together.score[i]


def test_a_rescue_is_another_start_than_the_first(net: VisionModel) -> None:
    target = -np.ones((1, 12), dtype=np.float32)
    kept = render(net, "tail", target, settings=RenderSettings(size=32, steps=3, tile=2, rescues=0))
    other = render(net, "tail", target, first_try=1, settings=RenderSettings(size=32, steps=3, tile=2, rescues=0))
    assert not np.array_equal(kept.images, other.images)


def test_an_icon_is_stuck_below_half_of_what_the_mean_of_its_cell_has() -> None:
    reached = np.array([0.05, 0.12, 0.19, 0.21, 0.45, 0.12], dtype=np.float32)
    expected = np.array([0.4, 0.4, 0.4, 0.4, 0.9, 0.0], dtype=np.float32)
    assert stuck(reached, RenderSettings(), expected).tolist() == [0, 1, 2]
    assert stuck(reached, RenderSettings(rescue_below=0), expected).tolist() == [0]
    assert stuck(reached, RenderSettings()).tolist() == [0]


def test_what_is_expected_is_the_cosine_of_mean_and_target() -> None:
    means = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0]], dtype=np.float32)
    targets = np.array([[30.0, 40.0], [1.0, 1.0], [1.0, 1.0]], dtype=np.float32)
    assert expected_cosine(means, targets) == pytest.approx([1, 0.5**0.5, 0])


def test_a_rescue_sets_out_for_the_mean_and_arrives_at_the_target(net: VisionModel) -> None:
    mean, target = np.eye(12, dtype=np.float32)[:2] * np.array([[5], [3]], dtype=np.float32)
    goals: list[NDArray[np.float32]] = []

    def objective(activations: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        goals.append(wanted[0].numpy().copy())
        return (activations * wanted).sum(1)

    settings = RenderSettings(size=32, steps=20, tile=1)
    for _ in render_tiles(
        net, "tail", target[None], means=mean[None], settings=settings, objective=objective, rescuing=True
    ):
        pass
    assert len(goals) == 20
    assert goals[0] == pytest.approx(mean * 3 / 5)
    assert goals[3] == pytest.approx((mean / 5 + target / 3) / 2**0.5 * 3, abs=1e-6)
    assert all(np.array_equal(goal, target) for goal in goals[6:])
    assert np.linalg.norm(goals, axis=1) == pytest.approx(np.full(20, 3.0))


def test_a_rescue_of_an_icon_without_a_mean_of_its_own_starts_for_the_target(net: VisionModel) -> None:
    target = -np.ones((1, 12), dtype=np.float32)
    settings = RenderSettings(size=32, steps=4, tile=1, rescues=0)
    plain = render(net, "tail", target, first_try=1, settings=settings)
    ((_, rescued),) = render_tiles(net, "tail", target, first_try=1, settings=settings, rescuing=True)
    assert np.array_equal(plain.images, rescued.images)
