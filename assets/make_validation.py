"""Make what the tests check the stated accuracy with: pooled features of photographs, without the photographs.

    python -m assets.make_validation --mosaics tiny-imagenet/val

runs the first five validation photographs of every class through the embedded network and writes what enters its head,
the mean of mixed5b over the map (float16), with the classes, to `assets/validation.safetensors`. Not in the wheel.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import safetensors.torch
import torch

from assets.mosaics import Mosaics
from atlas.models import load_model
from atlas.training import evaluate, read_photographs

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Collect features and classes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mosaics", type=Path, required=True)
    parser.add_argument("--per-class", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / "validation.safetensors")
    arguments = parser.parse_args()
    model = load_model("inceptionv1-tiny", device="cpu")
    source = Mosaics(arguments.mosaics, arguments.per_class)
    # At the network's own size, as any photograph is brought to it.
    photographs = read_photographs(source, model.input_size, labels=model.labels, workers=0)
    with torch.no_grad():
        batches = torch.split(photographs.pixels, 100)
        maps = [model.activations(batch / 255, ["mixed5b"])["mixed5b"] for batch in batches]
    features = torch.cat([m.mean((2, 3)) for m in maps]).half()
    figures = evaluate(model, photographs).rounded()
    safetensors.torch.save_file(
        {"features": features, "classes": photographs.classes.int()},
        arguments.out,
        metadata={"figures": json.dumps(figures), "weights": model.digest, "photographs": source.name},
    )
    print(figures)


if __name__ == "__main__":
    main()
