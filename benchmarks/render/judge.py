"""One judge for all sides: what the network answers to finished icons, alone and under changes nobody trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
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


def _nearer(x: Tensor) -> Tensor:
    size = x.shape[-1]
    cut = size // 10
    return F.interpolate(x[:, :, cut:-cut, cut:-cut], size=size, mode="bilinear", align_corners=False)


#: Changes that neither our views (shift, rotation, scale by 5 %) nor lucent's hold; "nearer" is a far larger scale.
CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "mirrored": lambda x: x.flip(3),
    "blurred": _blurred,
    "noisy": _noisy,
    "less contrast": lambda x: 0.5 + 0.7 * (x - 0.5),
    "darker": lambda x: x**1.4,
    "nearer": _nearer,
}


def answers(model: VisionModel, layer: str, images: Tensor) -> NDArray[np.float32]:
    """Activations (n, C) at the centre of a layer for images (n, 3, S, S)."""
    with torch.no_grad():
        parts = [centre(model.activations(part, [layer])[layer]) for part in torch.split(images, 16)]
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row by row."""
    found: NDArray[np.float32] = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1) + 1e-12)
    return found


def judge(
    model: VisionModel, layer: str, images: NDArray[np.uint8], means: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """Of icons (n, S, S, 3): cosines (n,) to the cells' means, of the clean icons and on average over the changes."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    clean = cosines(answers(model, layer, pixels), means)
    changed = [cosines(answers(model, layer, change(pixels)), means) for change in CHANGES.values()]
    return {"clean": clean, "changed": np.mean(changed, axis=0)}


def interval(values: NDArray[np.float32]) -> list[float]:
    """95 % bootstrap interval of the mean."""
    rng = np.random.Generator(np.random.Philox(1))
    means = values[rng.integers(0, len(values), (_RESAMPLES, len(values)))].mean(axis=1)
    return [round(float(x), 4) for x in np.percentile(means, [2.5, 97.5])]
