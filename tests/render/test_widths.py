from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from atlas.render import RenderSettings, arithmetic, render
from atlas.render.adam import Adam
from atlas.render.networks import AnyNetwork
from atlas.render.trunk import have_tiles
from atlas.render.width import tile_within
from tests.render.rendering import SMALL, assert_same, wanted

if TYPE_CHECKING:
    import pytest

    from atlas.models import VisionModel


def test_with_matrix_tiles_an_icon_is_the_same_in_batches_of_any_width_up_to_16(
    tiny: VisionModel, directions: np.ndarray
) -> None:
    def icons(tile: int) -> np.ndarray:
        settings = RenderSettings(size=48, steps=20, rescues=0, tile=tile, precision="bfloat16")
        return render(tiny, "mixed3b", directions[:5], settings=settings).images.astype(int)

    whole = icons(16)
    for tile in (1, 3, 5):
        off = np.abs(icons(tile) - whole)
        # Elsewhere another shape rounds differently, and steps amplify that.
        assert off.max() == 0 if have_tiles() else off.mean() < 16


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
