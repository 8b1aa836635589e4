from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from atlas.errors import AtlasError
from atlas.render import Icons, RenderSettings, Robustness, engine, render, render_tiles
from atlas.render.batch import schedule
from atlas.render.crew import Report
from tests.render.rendering import SMALL, assert_same, cosines, row, wanted

if TYPE_CHECKING:
    from collections.abc import Generator

    from atlas.models import VisionModel


def test_of_several_tries_the_one_with_the_best_score_is_kept_for_each_icon(net: VisionModel) -> None:
    three = render(net, "tail", wanted(), settings=replace(SMALL, tries=3))
    one = render(net, "tail", wanted(), settings=SMALL)
    assert (three.score >= one.score).all()
    assert (three.score > one.score).any()
    for i in np.flatnonzero(three.score == one.score).tolist():
        assert_same(row(three, i), row(one, i))


def test_best_takes_whole_icons_and_the_first_of_equals() -> None:
    def icons(value: int, score: list[float]) -> Icons:
        numbers = np.full(2, value, dtype=np.float32)
        return Icons(np.full((2, 4, 4, 3), value, dtype=np.uint8), numbers, numbers, np.array(score, dtype=np.float32))

    best = Icons.best([icons(1, [0.5, 2.0]), icons(2, [0.7, 2.0]), icons(3, [0.6, -1.0])])
    assert best.images[:, 0, 0, 0].tolist() == [2, 1]
    assert best.cosine.tolist() == best.target_cosine.tolist() == [2, 1]
    assert best.score.tolist() == pytest.approx([0.7, 2.0])


def test_achieved_cosines_are_those_of_the_stored_image(net: VisionModel) -> None:
    means = wanted() + np.float32(1)
    icons = render(net, "block.conv1", means[:, :8] - np.float32(0.8), means=means[:, :8], settings=SMALL)
    assert icons.images.dtype == np.uint8
    assert np.allclose(icons.cosine, cosines(net, "block.conv1", icons.images, means[:, :8]), atol=1e-5)
    assert np.allclose(icons.target_cosine, cosines(net, "block.conv1", icons.images, means[:, :8] - 0.8), atol=1e-5)


def test_optimising_reaches_far_closer_than_the_start_and_than_noise(tiny: VisionModel, directions: np.ndarray) -> None:
    few = directions[:4] - directions.mean(0)
    settings = RenderSettings(size=48, steps=24, tile=4, learning_rate=0.1)
    start = render(tiny, "mixed3b", few, settings=replace(settings, steps=1, learning_rate=1e-12))
    icons = render(tiny, "mixed3b", few, settings=settings)
    noise = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3), dtype=np.uint8)
    assert (icons.target_cosine > start.target_cosine + 0.15).all()
    assert (icons.target_cosine > cosines(tiny, "mixed3b", noise, few) + 0.15).all()
    assert icons.images.std(axis=(1, 2, 3)).min() > 8


def test_the_score_is_the_objective_averaged_over_the_last_steps(net: VisionModel) -> None:
    seen: list[torch.Tensor] = []

    def objective(activations: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        scores = (activations * targets).sum(1)
        seen.append(scores.detach().clone())
        return scores

    icons = render(net, "tail", wanted(4), objective=objective, settings=replace(SMALL, steps=32))
    assert len(seen) == 32
    assert np.allclose(icons.score, torch.stack(seen[-2:]).mean(0).numpy(), rtol=1e-5)
    assert icons.score.mean() > seen[0].mean().item()


def test_a_dead_start_is_woken_by_the_first_steps(net: VisionModel) -> None:
    torch.manual_seed(0)
    first = torch.nn.Conv2d(3, 6, 5)
    torch.nn.init.constant_(first.bias, -0.5)  # type: ignore[arg-type]
    dead = torch.nn.Sequential(first, torch.nn.ReLU(inplace=True), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    model = type(net)(dead, name="dead", preprocess=lambda x: x - 0.5, input_size=32)
    still = Robustness(jitter=(), scale=0, rotate=0)
    settings = RenderSettings(size=32, steps=24, tile=2, robustness=still)
    asleep = render(model, "1", np.ones((2, 6), np.float32), settings=replace(settings, redirect_steps=0))
    assert not asleep.score.any()
    woken = render(model, "1", np.ones((2, 6), np.float32), settings=settings)
    assert (woken.score > 0).all()


def test_tiles_come_in_order_and_make_up_the_whole(net: VisionModel) -> None:
    tiles = list(render_tiles(net, "tail", wanted(10), settings=SMALL))
    assert [rows for rows, _ in tiles] == [slice(0, 4), slice(4, 8), slice(8, 10)]
    assert_same(Icons.concatenate([icons for _, icons in tiles]), render(net, "tail", wanted(10), settings=SMALL))


def test_icons_that_never_come_are_an_error(net: VisionModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def idle(*_jobs: object, **_more: object) -> Generator[Report, None, None]:
        yield Report(0, [])

    monkeypatch.setattr(engine, "work", idle)
    with pytest.raises(RuntimeError, match="5 of 5 icons were lost"):
        render(net, "tail", wanted(), settings=SMALL)


def test_progress_never_goes_back_and_ends_with_all_icons(net: VisionModel) -> None:
    calls: list[tuple[int, int]] = []
    settings = replace(SMALL, tries=2)
    render(net, "tail", wanted(6), settings=settings, progress=lambda done, total: calls.append((done, total)))
    done = [value for value, _ in calls]
    assert done == sorted(done)
    assert {total for _, total in calls} == {6}
    assert done[-1] == 6
    assert set(range(1, 6)) & set(done), "progress within a tile"


def test_no_targets_give_no_icons(net: VisionModel) -> None:
    icons = render(net, "tail", np.zeros((0, 12), np.float32), settings=SMALL)
    assert len(icons) == 0
    assert icons.images.shape == (0, 32, 32, 3)


def test_nothing_is_left_behind_on_the_network(net: VisionModel) -> None:
    before = net.digest, net.dtype
    render(net, "tail", wanted(2), settings=SMALL)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.module.modules())
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in net.module.parameters())
    assert not net.module.training
    assert (type(net)(net.module, name="", preprocess=net.preprocess, input_size=32).digest, net.dtype) == before
    x = torch.full((1, 3, 32, 32), -1.0, requires_grad=True)
    (gradient,) = torch.autograd.grad(F.relu(x).sum(), x)
    assert not gradient.any(), "the ReLU is still redirected"


def test_the_smallest_icon_reaches_the_deepest_layer(tiny: VisionModel) -> None:
    with pytest.raises(AtlasError, match="size is 31; it must be at least 32"):
        RenderSettings(size=31)
    icons = render(tiny, "mixed5b", wanted(1, 1024), settings=RenderSettings(size=32, steps=1, tile=1))
    assert icons.images.shape == (1, 32, 32, 3)


def test_the_learning_rate_falls_linearly_to_a_tenth_over_the_last_quarter() -> None:
    assert schedule(0) == schedule(0.5) == schedule(0.75) == 1
    assert schedule(0.875) == pytest.approx(0.55)
    assert schedule(1) == pytest.approx(0.1)
