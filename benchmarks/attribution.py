"""Measure whether attribution says what an activation does, layer by layer.

    python -m benchmarks.attribution --tiny-imagenet ../shared/data/tiny-imagenet

Takes validation photographs through a network. At positions of a layer's map, drawn with the seed, an activation
vector is set to zero, and the logit of the predicted class (relative to the mean over classes) drops or rises. Does
attribution rank the positions of a photograph as ablating them does? Prints, and writes to
benchmarks/results/attribution.json, for each layer:

- Spearman's rank correlation between attribution and drop, mean over photographs with a 95 % bootstrap interval; the
  same for attribution through smoothed max-pools, and for the length of the activation vector, which knows no class;
- the share of the logit that attributions explain, and how often the top attributed class of an activation is the
  prediction, against chance (`LabelMeaning`), on the same positions.

Interrupted, it goes on with the layers that are missing.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata

import atlas
from assets.mosaics import Mosaics
from atlas.activations import label_meaning
from atlas.activations.attribution import Attributor
from atlas.activations.meaning import LEAST_KAPPA, MeaningSums
from atlas.images.fit import fit_square
from benchmarks.traced import command

RESULTS = Path(__file__).resolve().parent / "results"
LAYERS = ("mixed5b", "mixed5a", "mixed4e", "mixed4c", "mixed3b")
Model = Any


def pictures(source: Mosaics, side: int, count: int, seed: int) -> torch.Tensor:
    """Photographs drawn with the seed, (n, 3, side, side) in [0, 1]."""
    rng = np.random.Generator(np.random.Philox(seed))
    chosen = np.sort(rng.permutation(len(source))[:count])
    return torch.from_numpy(np.stack([fit_square(source.load(int(index)), side) for index in chosen])).float() / 255


def predicted_margin(logits: torch.Tensor, predicted: torch.Tensor) -> torch.Tensor:
    """Logit of a class relative to the mean over classes, (n,)."""
    return logits.gather(1, predicted[:, None])[:, 0] - logits.mean(1)


def ablated(model: Model, image: torch.Tensor, layer: str, rows: torch.Tensor, cols: torch.Tensor) -> torch.Tensor:
    """Logits (k, K) of one image (1, 3, H, W) with the activation at each of k positions set to zero."""

    def silence(h: torch.Tensor) -> torch.Tensor:
        many = h.repeat(len(rows), 1, 1, 1)
        many[torch.arange(len(rows)), :, rows, cols] = 0
        return many

    with torch.no_grad():
        logits: torch.Tensor = model.logits_with(image, layer, silence)
    return logits


def spearman(one: torch.Tensor, other: torch.Tensor) -> float:
    """Rank correlation; 0 where one of the two is constant."""
    ranks = [rankdata(values.numpy()) for values in (one, other)]
    if min(rank.std() for rank in ranks) == 0:
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def interval(values: np.ndarray[Any, Any], seed: int) -> list[float]:
    """95 % bootstrap interval of the mean over photographs."""
    rng = np.random.Generator(np.random.Philox(seed))
    means = values[rng.integers(0, len(values), (2000, len(values)))].mean(axis=1)
    return [round(float(edge), 3) for edge in np.percentile(means, [2.5, 97.5])]


def measure(model: Model, images: torch.Tensor, layer: str, most: int, seed: int) -> dict[str, Any]:
    """One layer's figures."""
    height, width = model.activations(images[:1], [layer])[layer].shape[2:]
    plain, smooth = Attributor(model, layer), Attributor(model, layer, smooth_pooling=True)
    sums = MeaningSums(model.n_classes)
    rng = np.random.Generator(np.random.Philox(seed))
    found: dict[str, list[float]] = {"attribution": [], "smooth": [], "length": []}
    for number in range(len(images)):
        image = images[number : number + 1]
        places = torch.from_numpy(rng.permutation(height * width)[:most])
        rows, cols = places // width, places % width
        vectors, attributions, logits = (value[0] for value in plain(image, rows[None], cols[None]))
        gentle = smooth(image, rows[None], cols[None]).attributions[0]
        sums.add(attributions.numpy(), logits.numpy(), (height, width))
        predicted = logits.argmax(1)
        drop = predicted_margin(logits, predicted) - predicted_margin(
            ablated(model, image, layer, rows, cols), predicted
        )
        for name, scores in (
            ("attribution", predicted_margin(attributions, predicted)),
            ("smooth", predicted_margin(gentle, predicted)),
            ("length", vectors.norm(dim=1)),
        ):
            found[name].append(spearman(scores, drop))
    meaning = label_meaning(layer, {layer: sums.record()})
    result: dict[str, Any] = {
        "layer": layer,
        "map": [height, width],
        "positions_a_photograph": min(most, height * width),
    }
    for name, values in found.items():
        result[f"spearman_{name}"] = round(float(np.mean(values)), 3)
        result[f"spearman_{name}_95"] = interval(np.array(values), seed)
    result |= {name: round(float(getattr(meaning, name) or 0), 4) for name in ("agreement", "chance", "kappa")}
    explained = meaning.explained
    result |= {"explained": None if explained is None else round(explained, 3), "informative": meaning.informative}
    return result


def finished(kept: Path, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Layers that a run with these settings, which was stopped, has measured."""
    if not kept.exists():
        return []
    before = json.loads(kept.read_text(encoding="utf-8"))
    if before["settings"] != settings:
        sys.exit(f"{kept} holds layers measured with other settings; delete it, or give another --out.")
    layers: list[dict[str, Any]] = before["layers"]
    return layers


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny-imagenet", type=Path, required=True)
    parser.add_argument("--photographs", type=int, default=100)
    parser.add_argument("--positions", type=int, default=9)
    parser.add_argument("--layers", nargs="+", default=LAYERS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS / "attribution.json")
    arguments = parser.parse_args()
    model = atlas.load_model("inceptionv1-tiny", device="cpu")
    source = Mosaics(arguments.tiny_imagenet / "val")
    images = pictures(source, model.input_size, arguments.photographs, arguments.seed)
    settings = {"photographs": arguments.photographs, "positions": arguments.positions, "seed": arguments.seed}
    settings |= {"model": model.digest}
    kept = arguments.out.with_suffix(".part.json")
    table = [row for row in finished(kept, settings) if row["layer"] in arguments.layers]
    for layer in arguments.layers:
        if any(row["layer"] == layer for row in table):
            continue
        table.append(measure(model, images, layer, arguments.positions, arguments.seed))
        print(json.dumps(table[-1]), flush=True)
        kept.write_text(json.dumps({"settings": settings, "layers": table}), encoding="utf-8")
    table.sort(key=lambda row: arguments.layers.index(row["layer"]))
    result = {
        "command": command(),
        "seed": arguments.seed,
        "model": {"name": model.name, "digest": model.digest},
        "photographs": len(images),
        "source": source.name,
        "least_kappa": LEAST_KAPPA,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "layers": table,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    kept.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
