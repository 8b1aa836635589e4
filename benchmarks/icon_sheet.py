"""A sheet of icons to judge a network by: directions of its layers, each from several starts.

    python -m benchmarks.icon_sheet --out sheet.webp [--layers mixed4c mixed5b] [--directions 20] [--starts 9]

Directions are k-means clusters of a layer's activations, drawn at random, their vectors the clusters' means. A row is
one direction, its icons ordered by achieved cosine, best first. Says the mean achieved cosine of each layer.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from atlas.activations import open_activations
from atlas.assets import asset
from atlas.models import load_model
from atlas.models.depth import is_early
from atlas.render import RenderSettings, render, second_moment, whiten
from benchmarks.quality_vs_lucent import cell_means

#: Pixels between icons, and between the layers' blocks.
GAP, BLOCK_GAP = 3, 16


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
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    model = load_model("inceptionv1-tiny", weights=arguments.weights)
    settings = RenderSettings(steps=arguments.steps)
    acts = open_activations(asset("activations.acts"))
    blocks = []
    for layer in arguments.layers:
        vectors = np.asarray(acts[layer].vectors).astype(np.float32)
        means = cell_means(vectors, arguments.directions)
        targets = means if is_early(layer) else whiten(means, second_moment(vectors), settings.ridge)
        repeated = np.repeat(np.arange(arguments.directions), arguments.starts)
        icons = render(model, layer, targets[repeated], means=means[repeated], settings=settings, seed=arguments.seed)
        shape = (arguments.directions, arguments.starts)
        order = np.argsort(-icons.cosine.reshape(shape), axis=1)
        images = icons.images.reshape(*shape, *icons.images.shape[1:])
        blocks.append(block(np.take_along_axis(images, order[:, :, None, None, None], axis=1)))
        print(f"{layer}: mean achieved cosine {icons.cosine.mean():.3f}, {(icons.cosine < 0.5).mean():.1%} below 0.5")
    width = sum(one.width for one in blocks) + BLOCK_GAP * (len(blocks) - 1)
    sheet = Image.new("RGB", (width, max(one.height for one in blocks)), "white")
    left = 0
    for one in blocks:
        sheet.paste(one, (left, 0))
        left += one.width + BLOCK_GAP
    sheet.save(arguments.out, quality=82)


if __name__ == "__main__":
    main()
