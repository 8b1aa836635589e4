"""Make the embedded activations: vectors of photographs, without the photographs.

    python -m assets.make_activations --mosaics tiny-imagenet/train

reads Tiny-ImageNet-200 as one mosaic of 64 x 64 px photographs a class (WNID.webp, 25 photographs in a row), runs the
first photographs of every class through the embedded network, and writes `assets/activations.acts` in 8 bits.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from tqdm import tqdm

from assets.mosaics import Mosaics
from atlas.activations import collect, write_activations
from atlas.models import load_model

LAYERS = ("mixed3b", "mixed4c", "mixed4e", "mixed5b")
HERE = Path(__file__).resolve().parent


def main() -> None:
    """Collect in float16, then write 8 bits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mosaics", type=Path, required=True)
    parser.add_argument("--per-class", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE / "activations.acts")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    source = Mosaics(arguments.mosaics, arguments.per_class)
    with tqdm(total=len(source), unit="photograph") as bar:
        exact = collect(
            load_model("inceptionv1-tiny", device="cpu"),
            source,
            LAYERS,
            per_image=1,
            workers=0,
            progress=lambda _stage, done, _total: bar.update(done - bar.n),
        )
    if arguments.out.exists():
        shutil.rmtree(arguments.out)
    write_activations(exact, arguments.out, encoding="uint8")


if __name__ == "__main__":
    main()
