"""Measure how many optimisation steps an icon needs.

    python benchmarks/steps.py

Renders the same cells of mixed4c (of the embedded activations) with several numbers of steps and learning rates, and
with the published 512 steps at 0.05. Prints, and writes to benchmarks/results/steps.json, the mean achieved cosine to
the cell's mean and to the whitened target, the paired difference to the published setting with a 95 % bootstrap
interval over cells, and seconds an icon.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import time
from pathlib import Path

import numpy as np
import torch

import atlas
from atlas.assets import asset
from atlas.grid import make_grid
from atlas.layout import layout
from atlas.render import RenderSettings, render, second_moment, whiten

RESULTS = Path(__file__).resolve().parent / "results"
CPUINFO = Path("/proc/cpuinfo")
LAYER, LEVEL = "mixed4c", 12
PUBLISHED = (512, 0.05)
TRIED = ((64, 0.1), (112, 0.1), (256, 0.1), PUBLISHED)


def processor() -> str:
    """Name of the processor, where the system tells."""
    found = re.search(r"model name\s*: (.*)", CPUINFO.read_text("utf-8")) if CPUINFO.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def main() -> None:
    """Render, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=16)
    parser.add_argument("--out", type=Path, default=RESULTS / "steps.json")
    arguments = parser.parse_args()
    rows = atlas.open_activations(asset("activations.acts"))[LAYER]
    level = make_grid(layout(rows.vectors).xy, rows.vectors, LEVEL)
    chosen = np.linspace(0, len(level) - 1, arguments.cells).astype(int)
    means = level.mean[chosen]
    model = atlas.load_model()
    moment = second_moment(rows.vectors)
    reached, seconds = {}, {}
    for steps, rate in TRIED:
        settings = RenderSettings(steps=steps, learning_rate=rate)
        begun = time.perf_counter()
        reached[steps, rate] = render(
            model, LAYER, whiten(means, moment, settings.ridge), means=means, settings=settings
        )
        seconds[steps, rate] = (time.perf_counter() - begun) / len(means)
    rng = np.random.Generator(np.random.Philox(0))
    resamples = rng.integers(0, len(means), (2000, len(means)))
    table = []
    for (steps, rate), icons in reached.items():
        difference = icons.cosine - reached[PUBLISHED].cosine
        low, high = np.percentile(difference[resamples].mean(axis=1), [2.5, 97.5])
        table.append(
            {
                "steps": steps,
                "learning_rate": rate,
                "cosine": round(float(icons.cosine.mean()), 4),
                "target_cosine": round(float(icons.target_cosine.mean()), 4),
                "difference_to_published": round(float(difference.mean()), 4),
                "difference_95": [round(float(low), 4), round(float(high), 4)],
                "seconds_an_icon": round(seconds[steps, rate], 2),
            }
        )
        print(json.dumps(table[-1]))
    hardware = {"processor": processor(), "threads": torch.get_num_threads()}
    result = {"layer": LAYER, "cells": len(means), "device": str(model.device), "hardware": hardware, "settings": table}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
