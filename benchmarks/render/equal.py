"""All sides at the same number of steps, in turns."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from atlas.activations import open_activations
from atlas.assets import asset
from atlas.render import RenderSettings
from benchmarks.render.cost import flops, matrix_rate
from benchmarks.render.figures import figures, load, paired
from benchmarks.render.judge import judge
from benchmarks.render.second import SecondJudge, cells_of, second_networks
from benchmarks.render.sides import PADDING, Found, lucents, ours, together
from benchmarks.render.targets import targets_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.models import VisionModel
    from benchmarks.render.targets import Targets

LAYER, SIZE = "mixed4c", 96
FEWER = (8, 16, 24, 32, 48, 64, 96, 128)


@dataclass(frozen=True)
class Amounts:
    """Steps of every icon, cells in all, cells of (a) and of (b) in each round, and rounds."""

    steps: int
    cells: int
    alone: int
    batch: int
    rounds: int


def equal(model: VisionModel, amounts: Amounts, mosaics: Path | None, weights: Path | None) -> dict[str, Any]:
    """All sides at so many steps in turns; (a) on to twice as many, and ours with fewer."""
    targets = targets_of(LAYER, amounts.cells)
    second = _second_judges(model, targets, mosaics, weights)
    steps, settings = amounts.steps, RenderSettings(size=SIZE, steps=amounts.steps, rescues=0)
    before = load()
    ours(model, targets.part(0, 2), replace(settings, steps=2))
    single, batched, own = [], [], []
    for i in range(amounts.rounds):
        part = targets.part(i * amounts.alone, amounts.alone)
        single.append(lucents(model, part, SIZE, (steps, 2 * steps), batch=1, side=224))
        part = targets.part(i * amounts.batch, amounts.batch)
        batched.append(lucents(model, part, SIZE, (steps,), batch=amounts.batch, side=SIZE + PADDING))
        own.append(ours(model, targets, settings))
        print(json.dumps({"round": i, "load": load()}), flush=True)
    a, a_long = (together([part[step] for part in single]) for step in (steps, 2 * steps))
    b = together([part[steps] for part in batched])
    seconds, processor_seconds = np.mean([(part.seconds, part.processor_seconds) for part in own], axis=0)
    c = Found(own[0].images, float(seconds), float(processor_seconds))
    few, some = targets.part(0, len(a.images)), targets.part(0, len(b.images))
    rate = matrix_rate(settings.precision_on(model.device), model.device)
    work = flops(LAYER, SIZE)
    curve, reached = _curve(model, targets, settings, judge(model, LAYER, a_long.images, few.means))
    return {
        "layer": LAYER,
        "size": SIZE,
        "steps": steps,
        "load": [before, load()],
        "a": figures(model, few, a, second),
        "a_long": figures(model, few, a_long, second),
        "b": figures(model, some, b, second) | {"batch": amounts.batch},
        "c": figures(model, targets, c, second) | {"rounds": [round(part.each, 4) for part in own]},
        "photographs": {name: one.photographs for name, one in second.items()},
        "c_minus_a": paired(model, few, c.images[: len(a.images)], a.images, second),
        "c_minus_b": paired(model, some, c.images[: len(b.images)], b.images, second),
        "times_faster_than_a": round(a.each / c.each, 1),
        "times_faster_than_b": round(b.each / c.each, 2),
        "times_less_processor_time": [round(_less(x, c), 2) for x in (a, b)],
        "curve": curve,
        "to_lucents_long": None
        if reached is None
        else {"steps": reached["steps"], "times_less": round(a_long.each / float(reached["seconds_an_icon"]), 1)},
        "gflop_an_icon_step": round(work / 1e9, 3),
        "matrix_gflops": round(rate / 1e9, 1),
        "share_of_matrix_rate": round(work * steps / c.each / rate, 3),
    }


def _second_judges(
    model: VisionModel, targets: Targets, mosaics: Path | None, weights: Path | None
) -> dict[str, SecondJudge]:
    """By name; none without the photographs."""
    if mosaics is None:
        return {}
    cells = cells_of(targets, open_activations(asset("activations.acts")), mosaics, model.input_size)
    networks = second_networks(weights, model.device.type)
    return {name: SecondJudge(network, LAYER, cells) for name, network in networks.items()}


def _curve(
    model: VisionModel, targets: Targets, settings: RenderSettings, goals: dict[str, NDArray[np.float32]]
) -> tuple[list[dict[str, float]], dict[str, float] | None]:
    """What ours has after fewer steps, and the first row that reaches the mean `goals` (n,) of the first n cells."""
    curve: list[dict[str, float]] = []
    reached = None
    n = len(goals["clean"])
    for fewer in (*(steps for steps in FEWER if steps < settings.steps), settings.steps):
        found = ours(model, targets, replace(settings, steps=fewer))
        scores = judge(model, LAYER, found.images, targets.means)
        curve.append(
            {"steps": fewer, "seconds_an_icon": round(found.each, 4)}
            | {name: round(float(values.mean()), 4) for name, values in scores.items()}
            | {f"{name}_first": round(float(values[:n].mean()), 4) for name, values in scores.items()}
        )
        print(json.dumps(curve[-1]), flush=True)
        if reached is None and all(scores[name][:n].mean() >= goals[name].mean() for name in goals):
            reached = curve[-1]
    return curve, reached


def _less(a: Found, b: Found) -> float:
    """How many times less of the processor an icon takes in b."""
    return a.processor_seconds / len(a.images) / (b.processor_seconds / len(b.images))
