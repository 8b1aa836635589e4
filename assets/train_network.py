"""Train the embedded network.

    python -m assets.train_network --tiny-imagenet FOLDER --out inceptionv1-tiny.safetensors

FOLDER holds Tiny-ImageNet-200 as mosaics: train/WNID.webp and val/WNID.webp. Stopped, the same command goes on. The
weights that ship were trained on from earlier ones (--start, batch normalisation still in; see the model card).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from assets.mosaics import Mosaics
from atlas.models import read_labels
from atlas.models.inception import HEAD, MIXED_WIDTHS
from atlas.training import TrainSettings, train

HERE = Path(__file__).resolve().parent
_BRANCHES = {
    "b1": "1x1",
    "b3r": "3x3_bottleneck",
    "b3": "3x3",
    "b5r": "5x5_bottleneck",
    "b5": "5x5",
    "pr": "pool_reduce",
}
#: What the true normalisation does to small activations is a division by the root of its bias, 2. The earlier weights
#: were trained without it: the convolutions that read normalised maps take it back.
_READ_NORMALISED = ("c1", "m.3a.b1", "m.3a.b3r", "m.3a.b5r", "m.3a.pr")


def earlier_weights(path: Path) -> dict[str, Tensor]:
    """State dict of `Trainer.network` from weights of the product's first trainer."""
    modules = {f"c{number}": f"conv2d{number}_pre_relu_conv" for number in range(3)}
    modules |= {
        f"m.{block.removeprefix('mixed')}.{theirs}": f"{block}_{ours}_pre_relu_conv"
        for block in MIXED_WIDTHS
        for theirs, ours in _BRANCHES.items()
    }
    state = {}
    for name, value in safetensors.torch.load_file(path).items():
        if name.startswith("fc."):
            state[f"{HEAD}.{name.removeprefix('fc.')}"] = value
            continue
        module, kind, part = name.rsplit(".", 2)
        factor = 2**0.5 if kind == "conv" and module in _READ_NORMALISED else 1.0
        state[f"{modules[module]}.{kind}.{part}"] = value * factor if value.is_floating_point() else value
    return state


def main() -> None:
    """Train, or go on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny-imagenet", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--epochs", type=float, default=16)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 80, 96])
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--least-crop", type=float, default=0.35)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(
        Mosaics(arguments.tiny_imagenet / "train"),
        arguments.out,
        validation=Mosaics(arguments.tiny_imagenet / "val"),
        labels=read_labels(HERE / "tiny-imagenet-classes.tsv"),
        settings=TrainSettings(
            epochs=arguments.epochs,
            sizes=tuple(arguments.sizes),
            learning_rate=arguments.learning_rate,
            least_crop=arguments.least_crop,
        ),
        start=None if arguments.start is None else earlier_weights(arguments.start),
        minutes=arguments.minutes,
        device=arguments.device,
        workers=0,
    )


if __name__ == "__main__":
    main()
