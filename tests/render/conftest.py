from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from atlas.models import VisionModel, load_model, wrap_model


class ResidualNet(nn.Module):
    """A small residual network with nested names, batch normalisation and in-place ReLUs."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 5, stride=2, padding=2), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.block = nn.ModuleDict({"conv1": nn.Conv2d(8, 8, 3, padding=1), "conv2": nn.Conv2d(8, 8, 3, padding=1)})
        self.relu = nn.ReLU(inplace=True)
        self.tail = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 12, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.relu(x + self.block["conv2"](self.relu(self.block["conv1"](x))))
        logits: Tensor = self.head(self.tail(x).mean((2, 3)))
        return logits


@pytest.fixture(scope="session")
def net() -> VisionModel:
    torch.manual_seed(0)
    return wrap_model(ResidualNet(), input_size=32, name="net")


@pytest.fixture(scope="session")
def tiny() -> VisionModel:
    return load_model("inceptionv1-tiny", device="cpu")


@pytest.fixture(scope="session")
def directions(tiny: VisionModel) -> np.ndarray:
    """17 vectors that mixed3b can reach: activations of smooth random pictures."""
    coarse = torch.rand(17, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    pictures = nn.functional.interpolate(coarse, size=48, mode="bicubic").clamp(0, 1)
    with torch.no_grad():
        found = tiny.activations(pictures, ["mixed3b"])["mixed3b"][:, :, 3, 3]
    return np.asarray(found.numpy(), dtype=np.float32)
