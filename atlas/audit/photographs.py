"""Which photographs an audit is about: those of two classes that the network classifies correctly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from atlas.errors import AtlasError
from atlas.images import ImageLoader
from atlas.models.labels import AmbiguousClassError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from atlas.images import ImageSource
    from atlas.models import VisionModel
    from atlas.progress import Progress

_BATCH = 64


@dataclass(frozen=True, eq=False)
class Photographs:
    """Correctly classified photographs of one class.

    Attributes
    ----------
    pixels : uint8 array (N, 3, S, S)
        At the size the network takes.
    ids, digests : list of str
        Name and content of each.
    tried : int
        How many were run through the network to find them.
    copies : int
        How many of those were left out because the same picture was there already: they are no further evidence.
    """

    pixels: NDArray[np.uint8]
    ids: list[str]
    digests: list[str]
    tried: int
    copies: int

    def __len__(self) -> int:
        return len(self.ids)


def resolve(model: VisionModel, name: str | int) -> tuple[int, str]:
    """Index and name of a class of a network, given by name, WNID or index."""
    if model.labels is not None:
        index = model.labels.resolve(name)
        return index, model.labels.names[index]
    if not str(name).isdecimal() or not int(name) < model.n_classes:
        raise AtlasError(f"{model.name} has no class names; give a class by its number, 0 to {model.n_classes - 1}.")
    return int(name), str(int(name))


def class_members(model: VisionModel, source: ImageSource, wanted: int, report: Progress) -> list[int]:
    """Numbers of the images of a source whose label means the class `wanted`; labels that may mean it are reported."""
    of_label: dict[str, int | None] = {}
    members = []
    for number in range(len(source)):
        label = source.label(number)
        if label is None:
            continue
        if label not in of_label:
            try:
                of_label[label] = resolve(model, label)[0]
            except AmbiguousClassError as error:
                of_label[label] = None
                if wanted in error.indices:
                    report.note(f"{error} Its images are left out.")
            except AtlasError:
                # A folder may hold classes that the network does not know.
                of_label[label] = None
        if of_label[label] == wanted:
            members.append(number)
    return members


def correct_photographs(
    model: VisionModel, source: ImageSource, wanted: int, name: str, *, limit: int | None, seed: int, report: Progress
) -> Photographs:
    """Photographs of a class that the network recognises, in an order that the seed decides.

    Parameters
    ----------
    wanted, name : int, str
        The class.
    limit : int or None
        Stop at so many.

    Raises
    ------
    AtlasError
        No image has that label, or the network recognises none.
    """
    members = class_members(model, source, wanted, report)
    if not members:
        raise AtlasError(
            f"No image of {source.name} is labelled {name!r}; put each class into a subfolder called after it, or give "
            "labels with the images: open_images(…, labels=…)."
        )
    order = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, wanted]))).permutation(len(members))
    part = _Part(source, [members[i] for i in order])
    most = len(part) if limit is None else limit
    kept: list[NDArray[np.uint8]] = []
    ids: list[str] = []
    digests: list[str] = []
    seen: set[str] = set()
    tried = copies = 0
    loader = ImageLoader(part, model.input_size, batch_size=_BATCH, workers=0)
    for batch in loader:
        right = predict(model, batch.pixels) == wanted
        for i in np.flatnonzero(right):
            if len(ids) == most:
                break
            # Copies would count as independent, and could choose the placement in one half and confirm it in the other.
            if batch.digests[i] in seen:
                copies += 1
                continue
            seen.add(batch.digests[i])
            kept.append(batch.pixels[i])
            ids.append(part.image_id(int(batch.indices[i])))
            digests.append(batch.digests[i])
        tried += len(batch.indices)
        report(f"find {name}", min(len(ids), most), most)
        if len(ids) >= most:
            break
    if loader.skipped:
        first = loader.skipped[0]
        report.note(f"{len(loader.skipped)} images of {name} cannot be read, first {first.image_id}: {first.reason}.")
    if not ids:
        raise AtlasError(f"{model.name} classifies none of {tried} images of {name!r} correctly; nothing can flip.")
    if copies:
        report.note(f"{copies} copies among the photographs of {name} are left out.")
    return Photographs(np.stack(kept), ids, digests, tried, copies)


@torch.no_grad()
def predict(model: VisionModel, pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Class (B,) that the network gives to images (B, 3, S, S)."""
    images = torch.from_numpy(pixels).to(model.device).to(model.dtype) / 255
    predicted: NDArray[np.int32] = model.logits(images).argmax(dim=1).cpu().numpy().astype(np.int32)
    return predicted


class _Part:
    """Some images of a source, in a given order."""

    def __init__(self, source: ImageSource, numbers: list[int]) -> None:
        self.name = source.name
        self.in_memory = bool(getattr(source, "in_memory", False))
        self._source, self._numbers = source, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def image_id(self, index: int) -> str:
        """Name of image `index`."""
        return self._source.image_id(self._numbers[index])

    def label(self, index: int) -> str | None:
        """Label of image `index`."""
        return self._source.label(self._numbers[index])

    def load(self, index: int) -> Image.Image:
        """Decode image `index`; raises ``UnreadableImageError``."""
        return self._source.load(self._numbers[index])
