"""Measure the renderer: seconds an icon, quality by two judges, time to lucent's quality, memory, layers and sizes.

    python -m benchmarks.render --tiny-imagenet ../shared/data/tiny-imagenet [--second-weights FILE] [--part equal] …

All sides render the same cells (mean directions of clusters of the embedded activations), at one image size, with one
objective, on one network with its true normalisation:

- (a) `render_vis` a cell at a time as lucent's README shows, where small images are brought to 224 px;
- (b) lucent at its best reasonable settings: batched, its own views, ``fixed_image_size`` with the padding that these
  bring, so that nothing is shrunk;
- (c) ours, at our own defaults but without second starts, which lucent has none of.

"equal" gives all of them the same number of steps, sides taking turns; (a) may render the first few cells only, since
it takes so long. It also follows (a) to twice the steps and lists what ours has reached after fewer. "memory" runs each
side in a process of its own at two numbers of cells. "layers" times ours at other layers and sizes.

The first judge is the network itself (`judge`). With the photographs, whose activations are embedded, other networks
give a second opinion (`second`): one with random but fixed weights, and with --second-weights another training.

Prints, and writes to benchmarks/results/render.json, which keeps earlier parts, with a plot beside it. Run it on a
machine that does nothing else: the load is written down.
"""

from __future__ import annotations

import argparse
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from atlas.hardware import hardware
from atlas.models import load_model
from atlas.render import RenderSettings, arithmetic
from benchmarks.render.equal import LAYER, SIZE, Amounts, equal
from benchmarks.render.layers import layers
from benchmarks.render.memory import peaks
from benchmarks.render.plot import plot
from benchmarks.traced import command

RESULTS = Path(__file__).resolve().parents[1] / "results"
PARTS = ("equal", "memory", "layers")


def main() -> None:
    """Measure the wanted parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=PARTS)
    parser.add_argument("--steps", type=int, default=256)
    parser.add_argument("--cells", type=int, default=64)
    parser.add_argument("--alone", type=int, default=4, help="cells of (a) in each round")
    parser.add_argument("--batch", type=int, default=16, help="cells of (b) in each round, one batch")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--tiny-imagenet", type=Path, help="folder that holds train/WNID.webp")
    parser.add_argument("--second-weights", type=Path, help="another training of the embedded network")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=RESULTS / "render.json")
    arguments = parser.parse_args()
    if arguments.device == "cpu":
        # lucent takes a GPU when it is imported, wherever the network is.
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    model = load_model("inceptionv1-tiny", device=arguments.device)
    result = json.loads(arguments.out.read_text("utf-8")) if arguments.out.exists() else {}
    made = {
        "command": command(),
        "hardware": hardware(model.device),
        "versions": {name: version(name) for name in ("torch", "torch-lucent", "numba")},
        "weights": model.digest[:16],
        "arithmetic": arithmetic(model, LAYER, RenderSettings(size=SIZE)),
    }
    for part in arguments.part or PARTS:
        found: Any
        if part == "equal":
            amounts = Amounts(arguments.steps, arguments.cells, arguments.alone, arguments.batch, arguments.rounds)
            mosaics = None if arguments.tiny_imagenet is None else arguments.tiny_imagenet / "train"
            found = equal(model, amounts, mosaics, arguments.second_weights)
        elif part == "memory":
            found = peaks(arguments.batch, arguments.device)
        else:
            found = layers(model, arguments.steps, arguments.cells // 4)
        print(json.dumps({part: found}, indent=1))
        result[part] = {"found": found} | made
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if "equal" in result:
        arguments.out.with_suffix(".svg").write_text(plot(result["equal"]), encoding="utf-8")


if __name__ == "__main__":
    main()
