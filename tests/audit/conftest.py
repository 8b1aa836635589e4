"""A network that looks for one figure, and photographs for it: what an audit has to find is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atlas.audit import Patch, patch_test
from atlas.images import open_images
from atlas.models import VisionModel, wrap_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atlas.audit import PatchTest
    from atlas.images import ImageSource

SIDE, FIGURE = 32, 12


def figure() -> NDArray[np.uint8]:
    """A white cross on black."""
    cross = np.zeros((FIGURE, FIGURE, 3), dtype=np.uint8)
    cross[5:7] = cross[:, 5:7] = 255
    return cross


class CrossNet(nn.Module):
    """Says "crossed" where it sees the figure anywhere, "dark" of dark pictures, otherwise "plain"."""

    def __init__(self) -> None:
        super().__init__()
        template = torch.from_numpy(figure()[..., 0].astype(np.float32)) / 255
        template = template - template.mean()
        self.look = nn.Conv2d(1, 1, FIGURE, bias=False)
        self.look.weight.data = (template / (template**2).sum())[None, None]

    def forward(self, x: Tensor) -> Tensor:
        seen = F.relu(self.look(x.mean(1, keepdim=True))).amax((1, 2, 3))
        dark = 0.25 - x.mean((1, 2, 3))
        return torch.stack([torch.full_like(seen, 0.5), seen, 8 * dark], dim=1)


@pytest.fixture(scope="session")
def cross_net() -> VisionModel:
    def as_they_are(images: Tensor) -> Tensor:
        return images

    return wrap_model(
        CrossNet(), preprocess=as_they_are, labels=["plain", "crossed", "dark"], input_size=SIDE, name="cross"
    )


@pytest.fixture(scope="session")
def photographs() -> ImageSource:
    """80 plain and 40 crossed pictures."""
    rng = np.random.Generator(np.random.Philox(1))
    pictures = rng.integers(110, 150, (120, SIDE, SIDE, 3), dtype=np.uint8)
    for picture in pictures[80:]:
        top, left = rng.integers(0, SIDE - FIGURE + 1, 2)
        picture[top : top + FIGURE, left : left + FIGURE] = figure()
    return open_images(pictures, labels=["plain"] * 80 + ["crossed"] * 40)


@pytest.fixture(scope="session")
def patches() -> list[Patch]:
    """The figure, and a stripe that means nothing."""
    stripe = np.zeros((FIGURE, FIGURE, 3), dtype=np.uint8)
    stripe[:4] = 255
    return [Patch("cross", (figure(),)), Patch("stripe", (stripe,))]


@pytest.fixture(scope="session")
def audited(cross_net: VisionModel, photographs: ImageSource, patches: list[Patch]) -> PatchTest:
    grey = Patch("grey", (np.full((FIGURE, FIGURE, 3), 128, dtype=np.uint8),))
    return patch_test(
        cross_net, photographs, "plain", "crossed", patches=patches, neutral=[grey], sizes=(0.2, 0.375), progress=False
    )
