from __future__ import annotations

import copy
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from atlas.errors import AtlasError
from atlas.render import Icons, RenderSettings, Robustness, arithmetic, engine, render, render_tiles
from atlas.render.adam import Adam
from atlas.render.batch import schedule
from atlas.render.crew import Report
from atlas.render.networks import AnyNetwork
from atlas.render.width import tile_within

if TYPE_CHECKING:
    from collections.abc import Generator

    from atlas.models import VisionModel

SMALL = RenderSettings(size=32, steps=18, tile=4)
FIELDS = ("images", "cosine", "target_cosine", "score", "width")


def wanted(n: int = 5, channels: int = 12) -> np.ndarray:
    return np.random.default_rng(0).random((n, channels), dtype=np.float32)


def row(icons: Icons, i: int) -> Icons:
    return Icons(*(getattr(icons, name)[i : i + 1] for name in FIELDS))


def assert_same(a: Icons, b: Icons) -> None:
    for name in FIELDS:
        assert np.array_equal(getattr(a, name), getattr(b, name)), name


def cosines(model: VisionModel, layer: str, images: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Independent of the engine: from the stored bytes, in float64."""
    pixels = torch.from_numpy(images.astype(np.float32) / np.float32(255)).permute(0, 3, 1, 2)
    with torch.no_grad():
        maps = model.activations(pixels, [layer])[layer].numpy().astype(np.float64)
    h = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
    v = vectors.astype(np.float64)
    return np.asarray((h * v).sum(1) / np.linalg.norm(h, axis=1) / np.linalg.norm(v, axis=1))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_an_icon_rendered_alone_is_exactly_the_one_rendered_among_16_others(
    tiny: VisionModel, directions: np.ndarray, precision: str
) -> None:
    settings = RenderSettings(size=48, steps=18, tile=8, precision=precision)
    together = render(tiny, "mixed3b", directions, settings=settings)
    assert together.images.shape == (17, 48, 48, 3)
    for i in (0, 7, 13, 16):
        alone = render(tiny, "mixed3b", directions[i : i + 1], keys=[i], settings=settings)
        assert_same(alone, row(together, i))


@pytest.mark.parametrize(("size", "tile", "power"), [(33, 5, 4.0), (37, 7, 2.5), (32, 20, 4.0)])
def test_odd_sizes_and_tiles_keep_icons_independent_too(net: VisionModel, size: int, tile: int, power: float) -> None:
    settings = RenderSettings(size=size, steps=40, tile=tile, power=power)
    together = render(net, "tail.1", wanted(tile), settings=settings)
    for i in (1, tile - 1):
        assert_same(render(net, "tail.1", wanted(tile)[i : i + 1], keys=[i], settings=settings), row(together, i))


def test_the_order_of_the_cells_does_not_matter(net: VisionModel) -> None:
    forward = render(net, "tail", wanted(), settings=SMALL, means=wanted()[::-1])
    order = [3, 0, 4, 2, 1]
    shuffled = render(net, "tail", wanted()[order], keys=order, settings=SMALL, means=wanted()[::-1][order])
    for place, i in enumerate(order):
        assert_same(row(shuffled, place), row(forward, i))


def test_the_same_seed_gives_the_same_icons_whatever_the_global_generators_do(net: VisionModel) -> None:
    first = render(net, "tail", wanted(), seed=3, settings=SMALL)
    torch.manual_seed(5)
    assert_same(first, render(net, "tail", wanted(), seed=3, settings=SMALL))


def test_another_seed_or_another_key_gives_another_icon(net: VisionModel) -> None:
    same = np.repeat(wanted(1), 3, axis=0)
    icons = render(net, "tail", same, keys=[0, 1, 2], settings=SMALL)
    other = render(net, "tail", same[:1], keys=[0], seed=1, settings=SMALL)
    images = [*icons.images, *other.images]
    for i, a in enumerate(images):
        assert all(not np.array_equal(a, b) for b in images[i + 1 :])


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


def test_icons_that_memory_runs_out_for_while_they_are_judged_come_from_a_narrower_batch(
    net: VisionModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, failures = AnyNetwork.judge, iter([True])

    def tight(self: AnyNetwork, pixels: torch.Tensor, *goals: torch.Tensor) -> list[torch.Tensor]:
        if next(failures, False):
            raise torch.OutOfMemoryError
        return judge(self, pixels, *goals)

    monkeypatch.setattr(AnyNetwork, "judge", tight)
    icons = render(net, "tail", wanted(), settings=SMALL)
    assert icons.width.tolist() == [2] * 5
    assert_same(icons, render(net, "tail", wanted(), settings=replace(SMALL, tile=2)))


def test_icons_that_memory_runs_out_for_while_they_are_started_are_not_lost(
    net: VisionModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    restart, failures = Adam.restart, iter([False, True])

    def tight(self: Adam, i: int) -> None:
        if next(failures, False):
            raise MemoryError
        restart(self, i)

    monkeypatch.setattr(Adam, "restart", tight)
    assert len(render(net, "tail", wanted(), settings=SMALL)) == 5


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


@pytest.mark.parametrize(
    ("targets", "more", "message"),
    [
        (wanted(2, 11), {}, r"\(2, 11\) do not fit tail: they must be \(icons, 12\)"),
        (wanted(2)[0], {}, r"\(12,\) do not fit"),
        (wanted(2), {"means": wanted(3)}, "2 targets but 3 means"),
        (wanted(2), {"keys": [1]}, "2 targets but 2 means and 1 keys"),
        (wanted(2), {"engine": "lucid"}, "no render engine 'lucid'; there are atlas, lucent"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    net: VisionModel, targets: np.ndarray, more: dict[str, object], message: str
) -> None:
    with pytest.raises(AtlasError, match=message):
        render(net, "tail", targets, settings=SMALL, **more)  # type: ignore[arg-type]


def test_an_unknown_layer_is_refused(net: VisionModel) -> None:
    with pytest.raises(AtlasError, match="no layer 'tial'; the nearest names are tail"):
        render(net, "tial", wanted(1), settings=SMALL)


@pytest.mark.parametrize("setting", ["size", "steps", "tries", "tile"])
def test_settings_that_cannot_be_are_refused(setting: str) -> None:
    with pytest.raises(AtlasError, match=f"render setting {setting} is 0; it must be at least"):
        replace(SMALL, **{setting: 0})  # type: ignore[arg-type]


def test_the_smallest_icon_reaches_the_deepest_layer(tiny: VisionModel) -> None:
    with pytest.raises(AtlasError, match="size is 31; it must be at least 32"):
        RenderSettings(size=31)
    icons = render(tiny, "mixed5b", wanted(1, 1024), settings=RenderSettings(size=32, steps=1, tile=1))
    assert icons.images.shape == (1, 32, 32, 3)


def test_the_learning_rate_falls_linearly_to_a_tenth_over_the_last_quarter() -> None:
    assert schedule(0) == schedule(0.5) == schedule(0.75) == 1
    assert schedule(0.875) == pytest.approx(0.55)
    assert schedule(1) == pytest.approx(0.1)


def test_icons_do_not_depend_on_how_many_batches_run_at_once(tiny: VisionModel, directions: np.ndarray) -> None:
    settings = RenderSettings(size=48, steps=6, tile=4, rescues=0)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(render(tiny, "mixed3b", directions, settings=settings))
    finally:
        torch.set_num_threads(before)
    assert_same(*found)


def test_two_devices_share_the_icons_and_change_none(net: VisionModel, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two copies on the processor stand in for two GPUs. Each waits for the other before its first step: both have work.
    copies, gate, passed = [copy.deepcopy(net), copy.deepcopy(net)], threading.Barrier(2), set()

    def meet(module: torch.nn.Module, _images: tuple[torch.Tensor]) -> None:
        if module not in passed:
            passed.add(module)
            gate.wait(timeout=120)

    for twin in copies:
        twin.module.register_forward_pre_hook(meet)
    monkeypatch.setattr(engine, "replicas", lambda _model: copies)
    together = render(net, "tail", wanted(), settings=SMALL)
    monkeypatch.undo()
    assert len(passed) == 2
    assert_same(together, render(net, "tail", wanted(), settings=SMALL))


def test_bfloat16_reaches_what_float32_reaches(tiny: VisionModel, directions: np.ndarray) -> None:
    settings = RenderSettings(size=48, steps=32, tile=8)
    found = {
        name: render(tiny, "mixed3b", directions, settings=replace(settings, precision=name))
        for name in ("float32", "bfloat16")
    }
    assert not np.array_equal(found["float32"].images, found["bfloat16"].images)
    assert abs(found["float32"].cosine.mean() - found["bfloat16"].cosine.mean()) < 0.02


def test_a_batch_of_another_width_gives_nearly_the_same_icons_in_float32(
    tiny: VisionModel, directions: np.ndarray
) -> None:
    settings = RenderSettings(size=48, steps=12, precision="float32", rescues=0)
    four, eight = (render(tiny, "mixed3b", directions, settings=replace(settings, tile=tile)) for tile in (4, 8))
    assert np.abs(four.images.astype(int) - eight.images).mean() < 1
    assert np.abs(four.cosine - eight.cosine).max() < 0.01


def test_a_batch_of_another_width_reaches_the_same_cosine_in_bfloat16(
    tiny: VisionModel, directions: np.ndarray
) -> None:
    settings = RenderSettings(size=48, steps=32, precision="bfloat16", rescues=0)
    one, eight = (render(tiny, "mixed3b", directions, settings=replace(settings, tile=tile)) for tile in (1, 8))
    assert abs(one.cosine.mean() - eight.cosine.mean()) < 0.02


def test_the_record_says_which_width_was_wanted_and_in_which_precision(net: VisionModel, tiny: VisionModel) -> None:
    settings = RenderSettings(tile=5, precision="bfloat16")
    assert arithmetic(net, "tail", settings) == {"wanted_tile": 5, "precision": "float32"}
    assert arithmetic(tiny, "mixed3b", settings) == {"wanted_tile": 5, "precision": "bfloat16"}


def test_a_tile_takes_at_most_half_of_the_free_memory() -> None:
    assert tile_within(80 << 30, 96) == 256
    assert tile_within(4 << 30, 96) == 128
    assert tile_within(1 << 30, 80) == 64
    assert tile_within(0, 224) == 8


def test_a_precision_that_is_none_is_refused() -> None:
    with pytest.raises(AtlasError, match="precision is 'int8'; it must be float32 or bfloat16"):
        replace(SMALL, precision="int8")
