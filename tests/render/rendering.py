"""What tests of rendered icons share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from atlas.render import Icons, RenderSettings

if TYPE_CHECKING:
    from atlas.models import VisionModel

SMALL = RenderSettings(size=32, steps=18, tile=4)
FIELDS = ("images", "cosine", "target_cosine", "score", "width")


def wanted(n: int = 5, channels: int = 12) -> np.ndarray:
    return np.random.default_rng(0).random((n, channels), dtype=np.float32)


def row(icons: Icons, i: int) -> Icons:
    return Icons(*(getattr(icons, name)[i : i + 1] for name in FIELDS))


def assert_same(a: Icons, b: Icons) -> None:
    for name in FIELDS:
        assert np.array_equal(getattr(a, name), getattr(b, name)), name


def cosines(model: VisionModel, layer: str, images: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Independent of the engine: from the stored bytes, in float64."""
    pixels = torch.from_numpy(images.astype(np.float32) / np.float32(255)).permute(0, 3, 1, 2)
    with torch.no_grad():
        maps = model.activations(pixels, [layer])[layer].numpy().astype(np.float64)
    h = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
    v = vectors.astype(np.float64)
    return np.asarray((h * v).sum(1) / np.linalg.norm(h, axis=1) / np.linalg.norm(v, axis=1))
