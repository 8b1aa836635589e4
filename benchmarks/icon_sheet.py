"""A sheet of icons to judge a network by: directions of its layers, each from several starts.

    python -m benchmarks.icon_sheet --out sheet.webp [--layers mixed4c mixed5b] [--directions 20] [--starts 9]

Directions are k-means clusters of a layer's activations, drawn at random, their vectors the clusters' means. A row is
one direction, its icons ordered by achieved cosine, best first. Writes the achieved cosines to
benchmarks/results/icon_sheet.json. Other weights need activations collected with them (--weights, --activations).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from atlas.activations import open_activations
from atlas.assets import asset
from atlas.errors import AtlasError
from atlas.hardware import hardware
from atlas.models import load_model
from atlas.provenance import versions
from atlas.render import RenderSettings, render
from benchmarks.render.targets import targets_of
from benchmarks.traced import command

#: Pixels between icons, and between the layers' blocks.
GAP, BLOCK_GAP = 3, 16
#: An icon whose achieved cosine is below shows something else than its direction.
STUCK = 0.5
CLUSTERS = 100
RESULTS = Path(__file__).resolve().parent / "results" / "icon_sheet.json"


def block(images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Image.Image:
    """One layer: images (directions, starts, S, S, 3) on white."""
    rows, columns, side = images.shape[:3]
    pitch = side + GAP
    sheet = Image.new("RGB", (columns * pitch - GAP, rows * pitch - GAP), "white")
    for row in range(rows):
        for column in range(columns):
            sheet.paste(Image.fromarray(images[row, column]), (column * pitch, row * pitch))
    return sheet


def main() -> None:
    """Render and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", nargs="+", default=["mixed4c", "mixed5b"])
    parser.add_argument("--directions", type=int, default=20)
    parser.add_argument("--starts", type=int, default=9)
    parser.add_argument("--steps", type=int, default=RenderSettings().steps)
    parser.add_argument("--weights", type=Path, help="other weights of the same network")
    parser.add_argument("--activations", type=Path, help="activations collected with those weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    model = load_model("inceptionv1-tiny", weights=arguments.weights)
    settings = RenderSettings(steps=arguments.steps)
    acts = open_activations(arguments.activations or asset("activations.acts"))
    if acts.provenance["model"]["digest"] != model.digest:
        raise AtlasError("The activations are of other weights; collect some with these, and give --activations.")
    blocks, figures = [], {}
    for layer in arguments.layers:
        cells = targets_of(layer, CLUSTERS, acts).part(0, arguments.directions)
        repeated = np.repeat(np.arange(arguments.directions), arguments.starts)
        icons = render(
            model,
            layer,
            cells.directions[repeated],
            means=cells.means[repeated],
            settings=settings,
            seed=arguments.seed,
        )
        shape = (arguments.directions, arguments.starts)
        order = np.argsort(-icons.cosine.reshape(shape), axis=1)
        images = icons.images.reshape(*shape, *icons.images.shape[1:])
        blocks.append(block(np.take_along_axis(images, order[:, :, None, None, None], axis=1)))
        low = icons.cosine.reshape(shape) < STUCK
        figures[layer] = {
            "mean_cosine": round(float(icons.cosine.mean()), 4),
            "share_below_half": round(float(low.mean()), 4),
            "directions_with_one_below_half": int(low.any(axis=1).sum()),
        }
        print(layer, figures[layer])
    width = sum(one.width for one in blocks) + BLOCK_GAP * (len(blocks) - 1)
    sheet = Image.new("RGB", (width, max(one.height for one in blocks)), "white")
    left = 0
    for one in blocks:
        sheet.paste(one, (left, 0))
        left += one.width + BLOCK_GAP
    sheet.save(arguments.out, quality=62, method=6)
    settled = {"steps": arguments.steps, "directions": arguments.directions, "starts": arguments.starts}
    result = {
        "command": command(),
        "weights": model.digest,
        "settings": settled | {"seed": arguments.seed},
        "layers": figures,
        "hardware": hardware(model.device),
        "versions": versions(),
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
