"""Measure the renderer: seconds an icon, quality by one judge, time to lucent's quality, layers and sizes.

    python -m benchmarks.render [--part equal] [--part layers] …

All sides render the same cells (mean directions of clusters of the embedded activations), at one image size, with one
objective, on one network with its true normalisation:

- (a) `render_vis` a cell at a time as lucent's README shows, where small images are brought to 224 px;
- (b) lucent at its best reasonable settings: batched, its own views, ``fixed_image_size`` with the padding that these
  bring, so that nothing is shrunk;
- (c) ours, at our own defaults but without second starts, which lucent has none of.

"equal" gives all of them the same number of steps, sides taking turns; (a) may render the first few cells only, since
it takes so long. It also follows (a) to twice the steps and lists what ours has reached after fewer. "layers" times
ours at other layers and sizes. Prints, and writes to benchmarks/results/render.json, which keeps earlier parts, with a
plot beside it. Peak memory is of the whole process, lucent's part too. Run it on a machine that does nothing else: the
load is written down.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from atlas.hardware import hardware
from atlas.models import load_model
from atlas.render import RenderSettings, arithmetic
from benchmarks.render.cost import flops, matrix_rate
from benchmarks.render.judge import interval, judge
from benchmarks.render.plot import plot
from benchmarks.render.sides import PADDING, Found, lucents, ours, together
from benchmarks.render.targets import Targets, targets_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atlas.models import VisionModel

RESULTS = Path(__file__).resolve().parents[1] / "results"
LAYER, SIZE = "mixed4c", 96
FEWER = (8, 16, 24, 32, 48, 64, 96, 128)
OTHERS = (("mixed3b", 96), ("mixed4e", 96), ("mixed5b", 96), ("mixed4c", 64), ("mixed4c", 80), ("mixed4c", 128))


def load() -> list[float]:
    """Load averages, where the system tells."""
    return [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else []


def figures(model: VisionModel, targets: Targets, found: Found) -> dict[str, Any]:
    """Seconds and quality of one side."""
    scores = judge(model, targets.layer, found.images, targets.means)
    return {
        "icons": len(found.images),
        "seconds_an_icon": round(found.each, 4),
        "processor_seconds_an_icon": round(found.processor_seconds / len(found.images), 4),
        **{f"cosine_{name}": round(float(values.mean()), 4) for name, values in scores.items()},
        **{f"cosine_{name}_95": interval(values) for name, values in scores.items()},
    }


def paired(
    model: VisionModel, targets: Targets, a: NDArray[np.uint8], b: NDArray[np.uint8]
) -> dict[str, float | list[float]]:
    """Difference of cosines of the same cells, a minus b, with its 95 % interval."""
    of_a, of_b = (judge(model, targets.layer, images, targets.means) for images in (a, b))
    found: dict[str, float | list[float]] = {}
    for name in of_a:
        difference = of_a[name] - of_b[name]
        found |= {name: round(float(difference.mean()), 4), f"{name}_95": interval(difference)}
    return found


def equal(model: VisionModel, steps: int, cells: int, alone: int, batch: int, rounds: int) -> dict[str, Any]:
    """All sides at so many steps in turns; (a) on to twice as many, and ours with fewer."""
    targets = targets_of(LAYER, cells)
    settings = RenderSettings(size=SIZE, steps=steps, rescues=0)
    long = 2 * steps
    before = load()
    ours(model, targets.first(2), replace(settings, steps=2))
    single, batched, own = [], [], []
    for i in range(rounds):
        part = Targets(LAYER, targets.means[i * alone :][:alone], targets.directions[i * alone :][:alone])
        single.append(lucents(model, part, SIZE, (steps, long), batch=1, side=224))
        part = Targets(LAYER, targets.means[i * batch :][:batch], targets.directions[i * batch :][:batch])
        batched.append(lucents(model, part, SIZE, (steps,), batch=batch, side=SIZE + PADDING))
        own.append(ours(model, targets, settings))
    a, a_long = (together([part[step] for part in single]) for step in (steps, long))
    b = together([part[steps] for part in batched])
    seconds, processor_seconds = np.mean([(part.seconds, part.processor_seconds) for part in own], axis=0)
    c = Found(own[0].images, float(seconds), float(processor_seconds))
    few, some = targets.first(alone * rounds), targets.first(batch * rounds)
    rate = matrix_rate(settings.precision_on(model.device), torch.get_num_threads())
    work = flops(LAYER, SIZE)
    goals = judge(model, LAYER, a_long.images, few.means)
    curve, reached = [], None
    for fewer in (*(n for n in FEWER if n < steps), steps):
        found = ours(model, targets, replace(settings, steps=fewer))
        scores = judge(model, LAYER, found.images, targets.means)
        curve.append(
            {"steps": fewer, "seconds_an_icon": round(found.each, 4)}
            | {name: round(float(values.mean()), 4) for name, values in scores.items()}
            | {f"{name}_first": round(float(values[: len(few.means)].mean()), 4) for name, values in scores.items()}
        )
        print(json.dumps(curve[-1]), flush=True)
        if reached is None and all(scores[name][: len(few.means)].mean() >= goals[name].mean() for name in goals):
            reached = curve[-1]
    return {
        "layer": LAYER,
        "size": SIZE,
        "steps": steps,
        "load": [before, load()],
        "a": figures(model, few, a),
        "a_long": figures(model, few, a_long),
        "b": figures(model, some, b) | {"batch": batch},
        "c": figures(model, targets, c) | {"rounds": [round(part.each, 4) for part in own]},
        "c_minus_a": paired(model, few, c.images[: len(few.means)], a.images),
        "c_minus_b": paired(model, some, c.images[: len(some.means)], b.images),
        "times_faster_than_a": round(a.each / c.each, 1),
        "times_faster_than_b": round(b.each / c.each, 2),
        "times_less_processor_time": [round(less(x, c), 2) for x in (a, b)],
        "curve": curve,
        "to_lucents_long": None
        if reached is None
        else {"steps": reached["steps"], "times_less": round(a_long.each / float(reached["seconds_an_icon"]), 1)},
        "gflop_an_icon_step": round(work / 1e9, 3),
        "matrix_gflops": round(rate / 1e9, 1),
        "share_of_matrix_rate": round(work * steps / c.each / rate, 3),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def less(a: Found, b: Found) -> float:
    """How many times less of the processor an icon takes in b."""
    return a.processor_seconds / len(a.images) / (b.processor_seconds / len(b.images))


def layers(model: VisionModel, steps: int, cells: int) -> list[dict[str, Any]]:
    """Ours at other layers and sizes."""
    table = []
    for layer, size in OTHERS:
        targets = targets_of(layer, cells)
        settings = RenderSettings(size=size, steps=steps, rescues=0)
        ours(model, targets.first(2), replace(settings, steps=2))
        found = ours(model, targets, settings)
        table.append(
            {"layer": layer, "size": size, "gflop_an_icon_step": round(flops(layer, size) / 1e9, 3), "load": load()}
            | figures(model, targets, found)
        )
        print(json.dumps(table[-1]), flush=True)
    return table


def main() -> None:
    """Measure the wanted parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=["equal", "layers"])
    parser.add_argument("--steps", type=int, default=256)
    parser.add_argument("--cells", type=int, default=64)
    parser.add_argument("--alone", type=int, default=2, help="cells of (a) in each round")
    parser.add_argument("--batch", type=int, default=16, help="cells of (b) in each round, one batch")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS / "render.json")
    arguments = parser.parse_args()
    model = load_model("inceptionv1-tiny", device="cpu")
    result = json.loads(arguments.out.read_text("utf-8")) if arguments.out.exists() else {}
    made = {
        "hardware": hardware(model.device),
        "versions": {name: version(name) for name in ("torch", "torch-lucent", "numba")},
        "weights": model.digest[:16],
        "arithmetic": arithmetic(model, LAYER, RenderSettings(size=SIZE)),
    }
    for part in arguments.part or ("equal", "layers"):
        if part == "equal":
            found: Any = equal(
                model, arguments.steps, arguments.cells, arguments.alone, arguments.batch, arguments.rounds
            )
            print(json.dumps({key: value for key, value in found.items() if key != "curve"}, indent=1))
        else:
            found = layers(model, arguments.steps, arguments.cells // 2)
        result[part] = {"found": found} | made
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if "equal" in result:
        arguments.out.with_suffix(".svg").write_text(plot(result["equal"]), encoding="utf-8")


if __name__ == "__main__":
    main()
