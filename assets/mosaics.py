"""Tiny-ImageNet-200 kept as mosaics: one WebP a class, photographs of 64 x 64 px in rows."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 64


class Mosaics:
    """Photographs cut from mosaics; an image source.

    Parameters
    ----------
    folder : Path
        One WNID.webp a class.
    per_class : int, optional
        Photographs taken of each, from the first; by default all.
    wnids : sequence of str, optional
        Classes to take; by default all.
    """

    #: They are decoded a mosaic at a time: worker processes would each decode them all.
    in_memory = True

    def __init__(self, folder: Path, per_class: int | None = None, wnids: list[str] | None = None) -> None:
        self._files = sorted(folder.glob("*.webp")) if wnids is None else [folder / f"{wnid}.webp" for wnid in wnids]
        if not self._files or not all(file.is_file() for file in self._files):
            raise AtlasError(f"{folder} holds no mosaics (WNID.webp) of the classes asked for; give their folder.")
        with Image.open(self._files[0]) as image:
            self._columns = image.width // SIDE
            there = self._columns * (image.height // SIDE)
        self._per_class = min(per_class or there, there)
        self.name = f"Tiny-ImageNet-200 {folder.name} photographs, the first {self._per_class} of each class"

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
        row, column = divmod(number, self._columns)
        left, top = column * SIDE, row * SIDE
        return _mosaic(self._files[file]).crop((left, top, left + SIDE, top + SIDE))


@lru_cache(maxsize=2)
def _mosaic(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")
