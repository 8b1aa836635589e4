from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from atlas.activations import Activations, LayerActivations
from atlas.models import wrap_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.models.vision import VisionModel

CLASSES = 7
SIZE = 24


class PlainNet(nn.Module):
    """Two layers of interest; `early` is followed by an in-place ReLU, `late` by global pooling and the head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.early = nn.Conv2d(8, 10, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.norm = nn.LocalResponseNorm(5, k=2)
        self.late = nn.Sequential(nn.Conv2d(10, 12, 3, padding=1), nn.ReLU())
        self.drop = nn.Dropout(0.4)
        self.head = nn.Linear(12, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.pool(self.relu(self.early(torch.relu(self.stem(x))))))
        logits: Tensor = self.head(self.drop(self.late(x).mean((2, 3))))
        return logits


class SkipNet(nn.Module):
    """A residual connection around `inner`: an enlarged batch behind it does not fit."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.inner = nn.Conv2d(6, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.head = nn.Linear(6, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x))
        x = torch.relu(x + self.norm(self.inner(x)) ** 2)
        logits: Tensor = self.head(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))
        return logits


def seeded(module_type: type[nn.Module]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return module_type()


@pytest.fixture
def wrapped() -> Callable[[type[nn.Module]], VisionModel]:
    def wrap(module_type: type[nn.Module], dtype: torch.dtype = torch.float32) -> VisionModel:
        return wrap_model(seeded(module_type).to(dtype), input_size=SIZE, name=module_type.__name__)

    return wrap


@pytest.fixture
def plain(wrapped: Callable[..., VisionModel]) -> VisionModel:
    return wrapped(PlainNet)


@pytest.fixture
def plain64(wrapped: Callable[..., VisionModel]) -> VisionModel:
    return wrapped(PlainNet, torch.float64)


@pytest.fixture
def skip64(wrapped: Callable[..., VisionModel]) -> VisionModel:
    return wrapped(SkipNet, torch.float64)


@pytest.fixture
def pictures() -> Callable[..., NDArray[np.uint8]]:
    def make(n: int, seed: int = 0) -> NDArray[np.uint8]:
        return np.random.default_rng(seed).integers(0, 256, (n, SIZE, SIZE, 3), dtype=np.uint8)

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str, NDArray[np.uint8], set[int]], Path]:
    """Write PNG files named by number; those in `bad` are cut in the middle."""

    def write(name: str, pictures: NDArray[np.uint8], bad: set[int]) -> Path:
        (tmp_path / name).mkdir()
        for number, picture in enumerate(pictures):
            held = io.BytesIO()
            Image.fromarray(picture).save(held, "png")
            data = held.getvalue()
            (tmp_path / name / f"{number:03}.png").write_bytes(data[: len(data) // 2] if number in bad else data)
        return tmp_path / name

    return write


@pytest.fixture
def made_up() -> Activations:
    """Two layers, one with signed attributions, of 50 images."""
    rng = np.random.default_rng(1)

    def layer(name: str, rows: int, channels: int, *, attributions: bool) -> LayerActivations:
        vectors = np.maximum(rng.normal(size=(rows, channels)) * 10.0 ** rng.integers(-2, 3, channels), 0)
        vectors[:, 0] = 0
        return LayerActivations(
            layer=name,
            vectors=vectors.astype(np.float16),
            image=np.sort(rng.integers(0, 50, rows)),
            position=rng.integers(0, [4, 6], (rows, 2)).astype(np.int16),
            map_size=(4, 6),
            attributions=rng.standard_t(3, (rows, 9)).astype(np.float16) if attributions else None,
        )

    return Activations.in_memory(
        [layer("block/1.conv", 130, 5, attributions=True), layer("mixed5b", 40, 3, attributions=False)],
        image_ids=[f"folder/{index}.jpg" for index in range(50)],
        image_labels=[None if index % 5 == 0 else f"class {index % 3}" for index in range(50)],
        provenance={"note": "made up"},
    )
