from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from atlas.render import RenderSettings, engine, render
from tests.render.rendering import SMALL, assert_same, row, wanted

if TYPE_CHECKING:
    from atlas.models import VisionModel


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
