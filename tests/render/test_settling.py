from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from atlas.render import RenderSettings, render
from atlas.render.settling import WINDOW, Settling

if TYPE_CHECKING:
    from atlas.models import VisionModel

SETTINGS = RenderSettings(size=32, steps=192, tile=3, rescues=0, settle=True)


def wanted(n: int) -> np.ndarray:
    return np.random.default_rng(0).random((n, 12), dtype=np.float32)


def settled_at(curves: torch.Tensor) -> list[int | None]:
    """Steps after which each of the curves (B, steps) settles."""
    settling = Settling(len(curves), torch.device("cpu"))
    found: list[int | None] = [None] * len(curves)
    for step in range(curves.shape[1]):
        for i in settling.note(curves[:, step], [step + 1] * len(curves)):
            found[i] = found[i] or step + 1
    return found


def test_scores_settle_when_a_window_is_no_better_than_the_best_within_its_noise() -> None:
    noise = torch.randn(4 * WINDOW, generator=torch.Generator().manual_seed(0))
    time = torch.arange(4 * WINDOW) / WINDOW
    rising, flat, falling = time + 0.1 * noise, torch.ones_like(time), 4 - time
    late = torch.where(time < 2, time, 2) + 0.1 * noise
    assert settled_at(torch.stack([rising, flat, falling, late])) == [None, 2 * WINDOW, 2 * WINDOW, 4 * WINDOW]


def test_a_new_icon_forgets_the_scores_before_it() -> None:
    settling = Settling(1, torch.device("cpu"))
    for step in range(WINDOW):
        settling.note(torch.tensor([9.0]), [step + 1])
    settling.restart(0)
    assert not any(settling.note(torch.tensor([1.0]), [step + 1]) for step in range(WINDOW))


def test_settled_icons_take_fewer_steps_and_do_not_depend_on_their_company(net: VisionModel) -> None:
    calls: list[int] = []

    def objective(activations: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        calls.append(len(activations))
        return (activations * targets).sum(1)

    done: list[int] = []
    together = render(
        net, "tail", wanted(7), settings=SETTINGS, objective=objective, progress=lambda n, _all: done.append(n)
    )
    taken = len(calls)
    render(net, "tail", wanted(7), settings=replace(SETTINGS, settle=False), objective=objective)
    assert taken < len(calls) - taken
    assert done == sorted(done)
    assert done[-1] == 7
    for i in (0, 4, 6):
        alone = render(net, "tail", wanted(7)[i : i + 1], keys=[i], settings=SETTINGS, objective=objective)
        assert np.array_equal(alone.images[0], together.images[i])
        assert alone.score[0] == together.score[i]
