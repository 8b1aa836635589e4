"""How well icons reach their cells' means: this product against lucent, on one network and one objective.

    python benchmarks/quality_vs_lucent.py [--cells 20] [--steps 512] [--size 80] [--activations STORE]

Cells are k-means clusters of a layer's activations, their vectors the clusters' means; targets are whitened means.
Every engine gets the same network (with its true normalisation), objective, steps and image size:

- "atlas": this product as it is by default;
- "atlas, all frequencies": without the low-pass, as lucent has none;
- "lucent": `render_vis` with ``fixed_image_size`` the size of the icon, at lucent's own learning rate;
- "lucent, our rate": the same at our learning rate, which lucent holds constant;
- "lucent, own scale": ``fixed_image_size`` 24 px more, which undoes the shrinking that lucent's padding brings about.

Achieved cosines are measured alike for all: on the icon in 8 bits, without random views. Prints, and writes to
benchmarks/results/quality_vs_lucent.json, means, paired differences to each lucent with 95 % bootstrap intervals over
cells, and seconds an icon. Run it on a machine that does nothing else, or the seconds mean nothing.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.cluster import KMeans

from atlas.activations import open_activations
from atlas.assets import asset
from atlas.models import load_model
from atlas.render import Icons, RenderSettings, render, second_moment, whiten
from atlas.render.lucent import render_with_lucent

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

RESULTS = Path(__file__).resolve().parent / "results"
RESAMPLES = 10_000
CLUSTERS = 100
CLUSTERED_ROWS = 8_000
#: lucent's own learning rate, constant.
LUCENT_RATE = 0.05
#: Added to both sides together by lucent's default views.
LUCENT_PADDING = 24


def cell_means(vectors: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Mean vectors (n, C) of clusters of directions; the n are drawn from all clusters."""
    rng = np.random.Generator(np.random.Philox(0))
    sample = vectors[np.sort(rng.permutation(len(vectors))[:CLUSTERED_ROWS])]
    sample = sample[sample.any(axis=1)]
    unit = sample / np.linalg.norm(sample, axis=1, keepdims=True)
    cluster = KMeans(max(CLUSTERS, n), n_init=1, random_state=0).fit_predict(unit)
    chosen = np.sort(rng.permutation(cluster.max() + 1)[:n])
    return np.stack([sample[cluster == i].mean(axis=0) for i in chosen])


def interval(values: NDArray[np.float32]) -> list[float]:
    """95 % bootstrap interval of the mean."""
    rng = np.random.Generator(np.random.Philox(1))
    means = values[rng.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    return [round(float(x), 4) for x in np.percentile(means, [2.5, 97.5])]


def summary(icons: Icons, seconds: float) -> dict[str, Any]:
    """Figures of one engine."""
    return {
        "mean_cosine_to_mean": round(float(icons.cosine.mean()), 4),
        "mean_cosine_to_target": round(float(icons.target_cosine.mean()), 4),
        "seconds_an_icon": round(seconds / len(icons), 2),
        "cosine_to_mean": [round(float(x), 4) for x in icons.cosine],
        "cosine_to_target": [round(float(x), 4) for x in icons.target_cosine],
    }


def difference(a: Icons, b: Icons) -> dict[str, Any]:
    """Paired difference of achieved cosines, cell by cell."""
    to_mean, to_target = a.cosine - b.cosine, a.target_cosine - b.target_cosine
    return {
        "to_mean": round(float(to_mean.mean()), 4),
        "to_mean_95": interval(to_mean),
        "to_target": round(float(to_target.mean()), 4),
        "to_target_95": interval(to_target),
    }


def processor() -> str:
    """Name of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def main() -> None:
    """Render the same cells with every engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=20)
    parser.add_argument("--steps", type=int, default=512)
    parser.add_argument("--size", type=int, default=80)
    parser.add_argument("--layer", default="mixed4c")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--activations", type=Path, help="a store of the same network; by default the embedded one")
    parser.add_argument("--out", type=Path, default=RESULTS / "quality_vs_lucent.json")
    arguments = parser.parse_args()
    # lucent takes a GPU if there is one, and so do we.
    model = load_model("inceptionv1-tiny", device="cuda" if torch.cuda.is_available() else "cpu")
    settings = RenderSettings(size=arguments.size, steps=arguments.steps)
    vectors = np.asarray(open_activations(arguments.activations or asset("activations.acts"))[arguments.layer].vectors)
    means = cell_means(vectors.astype(np.float32), arguments.cells)
    targets = whiten(means, second_moment(vectors), settings.ridge)

    def ours(settings: RenderSettings) -> Icons:
        return render(model, arguments.layer, targets, means=means, settings=settings, seed=arguments.seed)

    def lucents(fixed_image_size: int, learning_rate: float = LUCENT_RATE) -> Icons:
        return render_with_lucent(
            model,
            arguments.layer,
            targets,
            means=means,
            settings=replace(settings, learning_rate=learning_rate),
            seed=arguments.seed,
            fixed_image_size=fixed_image_size,
        )

    engines: dict[str, Callable[[], Icons]] = {
        "atlas": lambda: ours(settings),
        "atlas, all frequencies": lambda: ours(replace(settings, bandwidth=0.5)),
        "lucent": lambda: lucents(settings.size),
        "lucent, our rate": lambda: lucents(settings.size, settings.learning_rate),
        "lucent, own scale": lambda: lucents(settings.size + LUCENT_PADDING),
    }
    for engine_name in ("atlas", "lucent"):
        # What only the first icon pays for: imports, memory, the choice of kernels.
        render(model, arguments.layer, targets[:1], settings=replace(settings, steps=1), engine=engine_name)
    found, figures = {}, {}
    for name, engine in engines.items():
        start = time.perf_counter()
        found[name] = engine()
        figures[name] = summary(found[name], time.perf_counter() - start)
        shown = {key: value for key, value in figures[name].items() if not isinstance(value, list)}
        print(f"{name:24} {json.dumps(shown)}", flush=True)
    differences = {
        f"{ours_} minus {theirs}": difference(found[ours_], found[theirs])
        for ours_ in ("atlas", "atlas, all frequencies")
        for theirs in engines
        if theirs.startswith("lucent")
    }
    for name, values in differences.items():
        print(f"{name:44} {json.dumps(values)}")
    result = {
        "settings": {name: getattr(arguments, name) for name in ("layer", "cells", "steps", "size", "seed")}
        | {"ridge": settings.ridge, "power": settings.power, "bandwidth": model.bandwidth, "model": model.name},
        "hardware": {"processor": processor(), "threads": torch.get_num_threads(), "device": model.device.type},
        "versions": {name: version(name) for name in ("torch", "torch-lucent", "kornia")},
        "engines": figures,
        "differences": differences,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
