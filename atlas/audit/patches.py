"""What is pasted: icons of cells, real parts of photographs, a picture of one's own."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from atlas.activations.digests import digest_of_bytes
from atlas.errors import AtlasError
from atlas.images import UnreadableImageError, open_images
from atlas.images.fit import digest_of
from atlas.patches import crop_patch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from atlas.classes import Comparison, SeparatingCell
    from atlas.images import ImageSource
    from atlas.models import VisionModel

Kind = Literal["icon", "real", "picture"]
_LEAST_SIDE = 4


@dataclass(frozen=True, eq=False)
class Patch:
    """A square picture to paste, or several that stand for one thing.

    Attributes
    ----------
    name : str
        What to call it.
    pictures : tuple of uint8 arrays (S, S, 3)
        Its variants; every image gets one of them, drawn by the seed.
    kind : {"icon", "real", "picture"}
        A feature visualisation, parts of photographs, or a picture that somebody gave.
    """

    name: str
    pictures: tuple[NDArray[np.uint8], ...]
    kind: Kind = "picture"

    def __post_init__(self) -> None:
        if not self.pictures:
            raise AtlasError(f"The patch {self.name} has no picture; give one at least.")
        for picture in self.pictures:
            square = picture.ndim == 3 and picture.shape[0] == picture.shape[1] and picture.shape[2] == 3
            if picture.dtype != np.uint8 or not square or len(picture) < _LEAST_SIDE:
                raise AtlasError(
                    f"The patch {self.name} is {picture.dtype} of shape {picture.shape}; it has to be a square of RGB "
                    f"bytes, {_LEAST_SIDE} px a side at least."
                )

    @cached_property
    def digest(self) -> str:
        """Digest of the pixels: what a result is kept by."""
        sides = ",".join(str(len(picture)) for picture in self.pictures).encode()
        return digest_of_bytes(sides, *(np.ascontiguousarray(picture).tobytes() for picture in self.pictures))


def as_patches(things: Any, first: int = 1) -> list[Patch]:  # noqa: ANN401 - whatever people have
    """Patches of a list of whatever can be pasted.

    Parameters
    ----------
    things : one, or a sequence
        `Patch`; cells of a comparison, for their icons; paths, Pillow images or arrays as `open_images` takes them,
        of which the middle square is used. A file is called by its name, two of one name by folder and name.
    first : int
        Number of the first picture without a name.

    Raises
    ------
    AtlasError
        There are none, two have the same name, or one is no picture.
    """
    one = isinstance(things, (str, os.PathLike, Image.Image, Patch)) or hasattr(things, "icon")
    if one or getattr(things, "ndim", 0) in (2, 3):
        things = [things]
    things = list(things)
    patches = [_as_patch(thing, number) for number, thing in enumerate(things, first)]
    if not patches:
        raise AtlasError("There is no patch to test; give cells of a comparison, or pictures.")
    patches = _told_apart(patches, things)
    names = [patch.name for patch in patches]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise AtlasError(f"Two patches are called {twice[0]}; give each a name of its own: Patch(name, (picture,)).")
    return patches


def _as_patch(thing: Any, number: int) -> Patch:  # noqa: ANN401
    if isinstance(thing, Patch):
        return thing
    if hasattr(thing, "icon") and hasattr(thing, "row"):
        return Patch(cell_name(thing), (np.asarray(thing.icon, dtype=np.uint8),), "icon")
    source = open_images([thing])
    name = Path(thing).name if isinstance(thing, (str, os.PathLike)) else f"picture {number}"
    try:
        image = source.load(0)
    except UnreadableImageError as error:
        raise AtlasError(f"The patch {name} cannot be read ({error}); give a picture.") from error
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return Patch(name, (np.asarray(image.crop((left, top, left + side, top + side))),))


def _told_apart(patches: list[Patch], things: Any) -> list[Patch]:  # noqa: ANN401 - as in `as_patches`
    """The same, files of one name with the folder they are in before it."""
    names = [patch.name for patch in patches]
    return [
        replace(patch, name="/".join(Path(thing).absolute().parts[-2:]))
        if isinstance(thing, (str, os.PathLike)) and names.count(patch.name) > 1
        else patch
        for patch, thing in zip(patches, things, strict=True)
    ]


def cell_name(cell: SeparatingCell) -> str:
    """What a cell is called: its place, row and column."""
    return f"cell ({cell.row}, {cell.column})"


def real_patches(
    comparison: Comparison,
    cells: Sequence[SeparatingCell],
    images: Any,  # noqa: ANN401 - whatever `open_images` takes
    model: VisionModel,
    *,
    count: int = 5,
) -> list[Patch]:
    """Of each cell, parts of the photographs whose activations lie nearest to its mean.

    What a cell stands for need not survive rendering; these are the evidence itself.

    Parameters
    ----------
    comparison : Comparison
        Whose cells they are; its activations have to be where it says.
    cells : sequence of SeparatingCell
        From `Comparison.separating` or `Comparison.neutral`.
    images
        The photographs that the activations were collected from.
    model : VisionModel
        The network.
    count : int
        Variants of a patch, of different photographs where there are so many.

    Raises
    ------
    AtlasError
        A photograph is not among `images`, cannot be read, or is another one.
    """
    source = open_images(images)
    numbers = {source.image_id(i): i for i in range(len(source))}
    acts = comparison.activations
    rows = acts[comparison.layers[0]]
    patches = []
    for cell in cells:
        of_image: dict[int, int] = {}
        for row in cell.nearest:
            of_image.setdefault(int(rows.image[row]), row)
        pictures = []
        for image, row in list(of_image.items())[:count]:
            photograph = _photograph(source, numbers, acts.image_ids[image], acts.image_digests[image])
            part = crop_patch(photograph, rows.position[row].tolist(), rows.map_size, model.input_size)
            pictures.append(np.asarray(part))
        patches.append(Patch(f"{cell_name(cell)}, real", tuple(pictures), "real"))
    return patches


def _photograph(source: ImageSource, numbers: dict[str, int], name: str, digest: str) -> Image.Image:
    """The photograph that an activation was taken of."""
    if name not in numbers:
        raise AtlasError(f"Image {name!r} is not among the images given; give those that were collected from.")
    try:
        image = source.load(numbers[name])
    except UnreadableImageError as error:
        raise AtlasError(f"Image {name!r} cannot be read any more ({error}); test the icons alone.") from error
    if digest not in ("", digest_of(image)):
        raise AtlasError(f"Image {name!r} is not the one that was collected from; its content differs.")
    return image
