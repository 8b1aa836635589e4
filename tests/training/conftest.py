"""Coloured pictures that a small network tells apart after a few steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from atlas.images import open_images
from atlas.training import Photographs, TrainSettings, read_photographs

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

COLOURS = {"green": (40, 200, 60), "red": (210, 40, 30), "violet": (120, 40, 210)}
SIDE = 40


class Plain(nn.Module):
    """Two convolutions and a head, taking any size."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.second = nn.Sequential(nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU())
        self.head = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.second(self.first(x)).mean((2, 3)))
        return logits


def pictures(seed: int, n: int) -> tuple[NDArray[np.uint8], list[str]]:
    rng = np.random.Generator(np.random.Philox(seed))
    names = [sorted(COLOURS)[i % 3] for i in range(n)]
    base = np.asarray([COLOURS[name] for name in names])[:, None, None, :]
    return (base + rng.integers(-40, 41, (n, SIDE, SIDE, 3))).clip(0, 255).astype(np.uint8), names


@pytest.fixture(scope="session")
def plain() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return Plain()


@pytest.fixture(scope="session")
def coloured() -> Photographs:
    """96 photographs of three classes, in memory."""
    images, names = pictures(0, 96)
    return read_photographs(open_images(images, labels=names), SIDE)


@pytest.fixture(scope="session")
def quick() -> TrainSettings:
    return TrainSettings(epochs=4, batch_size=16, sizes=(32, 40), evaluation_size=40, source_size=SIDE, ema_decay=0.9)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`train` and `val`, with a subfolder a class."""
    root = tmp_path_factory.mktemp("coloured")
    for part, seed, n in (("train", 1, 48), ("val", 2, 12)):
        for index, (image, name) in enumerate(zip(*pictures(seed, n), strict=True)):
            (root / part / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(root / part / name / f"{index:03d}.png")
    return root
