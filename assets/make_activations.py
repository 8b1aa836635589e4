"""Make the embedded activations: vectors of photographs, without the photographs.

    python assets/make_activations.py --mosaics tiny-imagenet/train

reads Tiny-ImageNet-200 as one mosaic of 64 x 64 px photographs a class (WNID.webp, 25 photographs in a row), runs the
first photographs of every class through the embedded network, and writes `assets/activations.acts` in 8 bits.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from functools import lru_cache
from pathlib import Path

import torch
from PIL import Image
from tqdm import tqdm

from atlas.activations import collect, write_activations
from atlas.models import load_model

SIDE, COLUMNS = 64, 25
LAYERS = ("mixed4c", "mixed5b")
HERE = Path(__file__).resolve().parent


class Mosaics:
    """Photographs cut from mosaics; an image source.

    Parameters
    ----------
    folder : Path
        One WNID.webp a class.
    per_class : int
        Photographs taken of each, from the first.
    """

    def __init__(self, folder: Path, per_class: int) -> None:
        self.name = f"Tiny-ImageNet-200 training photographs, the first {per_class} of each class"
        self._files = sorted(folder.glob("*.webp"))
        self._per_class = per_class
        if not self._files:
            sys.exit(f"{folder} holds no mosaics (WNID.webp).")

    def __len__(self) -> int:
        return len(self._files) * self._per_class

    def image_id(self, index: int) -> str:
        """WNID and number of the photograph."""
        file, number = divmod(index, self._per_class)
        return f"{self._files[file].stem}/{number:03d}"

    def label(self, index: int) -> str:
        """WNID."""
        return self._files[index // self._per_class].stem

    def load(self, index: int) -> Image.Image:
        """Photograph of 64 x 64 px."""
        file, number = divmod(index, self._per_class)
        row, column = divmod(number, COLUMNS)
        left, top = column * SIDE, row * SIDE
        return _mosaic(self._files[file]).crop((left, top, left + SIDE, top + SIDE))


@lru_cache(maxsize=2)
def _mosaic(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def main() -> None:
    """Collect in float16, then write 8 bits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mosaics", type=Path, required=True)
    parser.add_argument("--per-class", type=int, default=100)
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
