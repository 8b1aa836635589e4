"""One judge for all sides: what the network answers to finished icons, alone and under changes nobody trained with."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from atlas.render import centre

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from atlas.models import VisionModel

_RESAMPLES = 5_000


def _blurred(x: Tensor) -> Tensor:
    weights = torch.tensor([1.0, 4, 6, 4, 1]) / 16
    kernel = (weights[:, None] * weights).expand(3, 1, 5, 5)
    return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, groups=3)


def _noisy(x: Tensor) -> Tensor:
    return (x + 0.04 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)


def _moved(x: Tensor, grid: Tensor) -> Tensor:
    """Each pixel from where `grid` (S, S, 2) says, in [-1, 1]."""
    return F.grid_sample(
        x, grid.expand(len(x), -1, -1, -1), mode="bilinear", padding_mode="reflection", align_corners=False
    )


def _axes(x: Tensor) -> tuple[Tensor, Tensor]:
    """Columns and rows (S, S) of pixels, in (-1, 1)."""
    size = x.shape[-1]
    line = (torch.arange(size) + 0.5) * 2 / size - 1
    rows, columns = torch.meshgrid(line, line, indexing="ij")
    return columns, rows


def _sheared(x: Tensor) -> Tensor:
    columns, rows = _axes(x)
    return _moved(x, torch.stack([columns + 0.25 * rows, rows], dim=2))


def _tilted(x: Tensor) -> Tensor:
    """In perspective: the upper edge further away than the lower one."""
    columns, rows = _axes(x)
    depth = 1 - 0.2 * rows
    return _moved(x, torch.stack([columns * depth, rows * depth], dim=2))


def _wavy(x: Tensor) -> Tensor:
    columns, rows = _axes(x)
    return _moved(x, torch.stack([columns + 0.05 * torch.sin(6 * rows), rows + 0.05 * torch.sin(6 * columns)], dim=2))


def _as_jpeg(x: Tensor) -> Tensor:
    found = []
    for image in (x * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy():
        packed = io.BytesIO()
        Image.fromarray(image).save(packed, "JPEG", quality=40)
        found.append(torch.from_numpy(np.array(Image.open(packed))))
    return torch.stack(found).permute(0, 3, 1, 2) / 255


#: Changes of images (n, 3, S, S) in [0, 1] that no engine trained with: our views and lucent's are shifts, rotations
#: and uniform scales alone.
CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "mirrored": lambda x: x.flip(3),
    "blurred": _blurred,
    "noisy": _noisy,
    "less contrast": lambda x: 0.5 + 0.7 * (x - 0.5),
    "darker": lambda x: x**1.4,
    "sheared": _sheared,
    "tilted": _tilted,
    "wavy": _wavy,
    "as a JPEG": _as_jpeg,
}


def pixels_of(images: NDArray[np.uint8]) -> Tensor:
    """Images (n, S, S, 3), uint8, as (n, 3, S, S) in [0, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2) / 255


def answers(model: VisionModel, layer: str, images: Tensor) -> NDArray[np.float32]:
    """Activations (n, C) at the centre of a layer for images (n, 3, S, S)."""
    with torch.no_grad():
        parts = [
            centre(model.activations(part.to(model.device), [layer])[layer]).float().cpu()
            for part in torch.split(images, 16)
        ]
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row by row."""
    found: NDArray[np.float32] = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1) + 1e-12)
    return found


def judge(
    model: VisionModel, layer: str, images: NDArray[np.uint8], means: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """Of icons (n, S, S, 3): cosines (n,) to the cells' means, of the clean icons and on average over the changes."""
    pixels = pixels_of(images)
    clean = cosines(answers(model, layer, pixels), means)
    changed = [cosines(answers(model, layer, change(pixels)), means) for change in CHANGES.values()]
    return {"clean": clean, "changed": np.mean(changed, axis=0)}


def interval(values: NDArray[np.float32]) -> list[float]:
    """95 % bootstrap interval of the mean."""
    rng = np.random.Generator(np.random.Philox(1))
    means = values[rng.integers(0, len(values), (_RESAMPLES, len(values)))].mean(axis=1)
    return [round(float(x), 4) for x in np.percentile(means, [2.5, 97.5])]
