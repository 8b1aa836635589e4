"""A labelled set of photographs, whole in memory as bytes, and random crops of it made on the device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from atlas.errors import AtlasError
from atlas.images import ImageLoader, summarise
from atlas.models import Labels, labels_from_names
from atlas.models.weights import state_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.images import ImageSource


@dataclass(frozen=True)
class Photographs:
    """Photographs in memory.

    Attributes
    ----------
    pixels : uint8 tensor (N, 3, S, S)
        RGB.
    classes : int64 tensor (N,)
        Index into `labels`.
    labels : Labels
        The classes.
    summary : dict
        Name of the source, number of photographs, those left out.
    """

    pixels: Tensor
    classes: Tensor
    labels: Labels
    summary: dict[str, object]

    def __len__(self) -> int:
        return len(self.classes)

    @cached_property
    def digest(self) -> str:
        """Digest of pixels, classes and labels."""
        return state_digest({"pixels": self.pixels, "classes": self.classes}) + self.labels.digest

    def near(self, device: torch.device) -> Photographs:
        """The same on `device` where half of what is free there holds them, so that a step copies nothing."""
        if device.type != "cuda" or self.pixels.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
            return self
        return Photographs(self.pixels.to(device), self.classes.to(device), self.labels, self.summary)


def read_photographs(
    source: ImageSource,
    size: int,
    *,
    labels: Labels | None = None,
    workers: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Photographs:
    """Read a whole labelled source.

    Parameters
    ----------
    source : ImageSource
        Every image has a label: a folder's is the name of the subfolder.
    size : int
        Side in pixels: the shorter side is scaled to it, the centre cut out.
    labels : Labels, optional
        The classes, in order; a label of the source may be a name, synonym or WNID of them. By default the labels of
        the source in sorted order.
    progress : callable, optional
        Called with ("read", photographs read, all).

    Raises
    ------
    AtlasError
        There are no labels, fewer than two classes, a label that is no class, or nothing readable.
    """
    names = [source.label(i) for i in range(len(source))]
    missing = sum(name is None for name in names)
    if missing:
        raise AtlasError(
            f"{missing:,} of {len(names):,} images of {source.name} have no label; put each class into a subfolder "
            "of its own, or give labels with the images."
        )
    found = sorted({str(name) for name in names})
    if len(found) < 2:
        raise AtlasError(f"{source.name} has one class only ({found[0]}); a classifier needs two or more.")
    table = labels or labels_from_names(found)
    index = {name: table.resolve(name) for name in found}
    try:
        pixels = np.empty((len(source), 3, size, size), dtype=np.uint8)
    except MemoryError as error:
        needed = len(source) * 3 * size * size / 1e9
        raise AtlasError(
            f"{len(source):,} photographs of {size} px need {needed:.1f} GB of memory; keep them smaller (source_size)."
        ) from error
    classes = np.empty(len(source), dtype=np.int64)
    loader, filled = ImageLoader(source, size, batch_size=256, workers=workers), 0
    for batch in loader:
        rows = slice(filled, filled + len(batch.indices))
        pixels[rows] = batch.pixels
        classes[rows] = [index[str(names[i])] for i in batch.indices]
        filled = rows.stop
        if progress is not None:
            progress("read", int(batch.indices[-1]) + 1, len(source))
    if not filled:
        raise AtlasError(f"No image of {source.name} can be read; `atlas collect` says why each fails.")
    summary = {"name": source.name, "photographs": filled, "skipped": summarise(loader.skipped, len(source))}
    return Photographs(torch.from_numpy(pixels[:filled]), torch.from_numpy(classes[:filled]), table, summary)


def random_crops(pixels: Tensor, size: int, least_crop: float, generator: torch.Generator) -> Tensor:
    """Random parts of photographs, half of them mirrored (Szegedy et al., 2015).

    Parameters
    ----------
    pixels : uint8 tensor (B, 3, S, S)
        Whole photographs.
    size : int
        Side of the result.
    least_crop : float
        Smallest share of the area; sides are drawn with ratios from 3/4 to 4/3.
    generator : torch.Generator
        On the device of `pixels`.

    Returns
    -------
    float32 tensor (B, 3, size, size)
        In [0, 255]. One bilinear resampling of fixed shape, on the device.
    """
    n, device = len(pixels), pixels.device
    area, ratio, x, y, mirror = torch.rand((5, n), generator=generator, device=device)
    area = least_crop + (1 - least_crop) * area
    root = torch.exp((ratio - 0.5) * 2 * np.log(4 / 3) / 2)
    width, height = (area.sqrt() * root).clamp(max=1), (area.sqrt() / root).clamp(max=1)
    # In affine_grid's coordinates the image is [-1, 1]: a crop of width w is the unit square times w, shifted by at
    # most 1 - w.
    maps = torch.zeros(n, 2, 3, device=device)
    maps[:, 0, 0] = width * (1 - 2 * (mirror < 0.5).float())
    maps[:, 1, 1] = height
    maps[:, 0, 2], maps[:, 1, 2] = (2 * x - 1) * (1 - width), (2 * y - 1) * (1 - height)
    grid = F.affine_grid(maps, [n, 3, size, size], align_corners=False)
    return F.grid_sample(pixels.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)


def whole(pixels: Tensor, size: int) -> Tensor:
    """Whole photographs (B, 3, size, size) in [0, 255], float32: bilinear, antialiased when shrunk."""
    images = pixels.float()
    if images.shape[-1] == size:
        return images
    return F.interpolate(images, (size, size), mode="bilinear", antialias=size < images.shape[-1], align_corners=False)
