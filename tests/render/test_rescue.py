from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atlas.render import Icons, RenderSettings, render, rescue

if TYPE_CHECKING:
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
