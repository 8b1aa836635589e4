"""Measure whether the icons of an atlas show a map, and not noise.

    python benchmarks/atlas_quality.py atlas-demo/mixed4c.atlas

For each level prints, and writes to benchmarks/results/atlas_quality.json:

- mean achieved cosine of the icons to their cells' means (as recorded when they were rendered, and again from the
  sprite sheets on disk, which WebP has compressed);
- how alike the network finds neighbouring icons (cosine of their re-activations; cells that share an edge) compared
  with random pairs of icons, and the difference with a 95 % interval, bootstrapped over cells;
- contrast: standard deviation of brightness, in units of 255, of each icon; its smallest value and 5th percentile. A
  dead grey icon has none.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import atlas
from atlas.render import centre
from benchmarks.traced import command

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atlas.level import AtlasLevel
    from atlas.models import VisionModel

RESULTS = Path(__file__).resolve().parent / "results"
RESAMPLES = 2000
#: Below this a picture looks grey; photographs of the training set have 0.1 to 0.3.
CONTRAST_FLOOR = 0.05


def reactivate(model: VisionModel, layer: str, icons: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Unit vectors (M, C) that clean icons (M, S, S, 3) give at the centre of the layer."""
    vectors = []
    with torch.no_grad():
        for start in range(0, len(icons), 32):
            images = torch.from_numpy(icons[start : start + 32]).permute(0, 3, 1, 2).to(model.device) / 255
            vectors.append(centre(model.activations(images, [layer])[layer]).cpu().numpy())
    stacked = np.concatenate(vectors)
    unit: NDArray[np.float32] = stacked / np.linalg.norm(stacked, axis=1, keepdims=True)
    return unit


def neighbour_pairs(level: AtlasLevel) -> NDArray[np.int64]:
    """Pairs (P, 2) of cells, as rows of the level, that share an edge."""
    row_of = {int(cell): row for row, cell in enumerate(level.grid.cell)}
    pairs = []
    for cell, row in row_of.items():
        right = cell + 1 if (cell + 1) % level.size else -1
        pairs += [(row, row_of[other]) for other in (right, cell + level.size) if other in row_of]
    return np.asarray(pairs, dtype=np.int64).reshape(-1, 2)


def measure(world: atlas.Atlas, model: VisionModel, layer: str, size: int) -> dict[str, Any]:
    """All figures of one level."""
    level = world.level(size, layer)
    assert level.icons is not None  # noqa: S101
    assert level.cosine is not None  # noqa: S101
    icons = np.stack([level.icons[i] for i in range(len(level.icons))])
    vectors = reactivate(model, layer, icons)
    likeness = vectors @ vectors.T
    pairs = neighbour_pairs(level)
    rng = np.random.Generator(np.random.Philox(0))
    n = len(icons)
    differences = []
    for _ in range(RESAMPLES):
        # Cells are resampled, not pairs: a cell takes part in several.
        weight = np.bincount(rng.integers(0, n, n), minlength=n).astype(float)
        near_weight = weight[pairs[:, 0]] * weight[pairs[:, 1]]
        all_weight = np.outer(weight, weight) * (1 - np.eye(n))
        near = (likeness[pairs[:, 0], pairs[:, 1]] * near_weight).sum() / near_weight.sum()
        differences.append(near - (likeness * all_weight).sum() / all_weight.sum())
    near = float(likeness[pairs[:, 0], pairs[:, 1]].mean())
    random = float(likeness[~np.eye(n, dtype=bool)].mean())
    contrast = (icons.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)).std(axis=(1, 2)) / 255
    means = level.grid.mean / np.linalg.norm(level.grid.mean, axis=1, keepdims=True)
    return {
        "layer": layer,
        "level": size,
        "icons": n,
        "neighbouring_pairs": len(pairs),
        "mean_cosine": round(float(level.cosine.mean()), 4),
        "mean_cosine_from_sheets": round(float((vectors * means).sum(axis=1).mean()), 4),
        "likeness_of_neighbours": round(near, 4),
        "likeness_of_random_pairs": round(random, 4),
        "difference": round(near - random, 4),
        "difference_95": [round(float(x), 4) for x in np.percentile(differences, [2.5, 97.5])],
        "contrast_min": round(float(contrast.min()), 4),
        "contrast_5th_percentile": round(float(np.percentile(contrast, 5)), 4),
        "icons_below_contrast_floor": int((contrast < CONTRAST_FLOOR).sum()),
    }


def main() -> None:
    """Measure every level of every layer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("atlas", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS / "atlas_quality.json")
    arguments = parser.parse_args()
    world = atlas.open(arguments.atlas)
    model = atlas.load_model(world.provenance["model"]["name"])
    levels = [measure(world, model, layer, size) for layer in world.layers for size in world.grids(layer)]
    for figures in levels:
        print(json.dumps(figures, indent=1))
    result = {"command": command(), "atlas": arguments.atlas.name, "contrast_floor": CONTRAST_FLOOR, "levels": levels}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
