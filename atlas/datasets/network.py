"""A small InceptionV1: the same branches, fewer and narrower blocks, for 64 px pictures and one thread."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from atlas.models.inception import Inception

#: Branch widths of each block, as in `atlas.models.inception.MIXED_WIDTHS`: 1x1 | 3x3 bottleneck, 3x3 | 5x5
#: bottleneck, 5x5 | pool reduce.
WIDTHS = {"mixed3": (8, 8, 16, 4, 8, 8), "mixed4": (16, 16, 24, 6, 12, 12), "mixed5": (32, 32, 48, 8, 16, 16)}
LAYER_NAMES = ("conv1", "conv2", *WIDTHS)
_STEM = {"conv1": 16, "conv2": 24}


class SmallInception(Inception):
    """Takes RGB, each value ``x * 255 - 117`` for x in [0, 1]; gives logits (B, n_classes).

    `conv2`, `mixed3` and `mixed4` have a position every 4 px, `mixed5` every 8 px.

    Parameters
    ----------
    n_classes : int
        Outputs of the head.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self._add_conv("conv1", 3, _STEM["conv1"], 5, stride=2)
        self._add_conv("conv2", _STEM["conv1"], _STEM["conv2"], 3, stride=2)
        channels = _STEM["conv2"]
        for block, widths in WIDTHS.items():
            channels = self._add_mixed(block, channels, widths)
        self.head = nn.Linear(channels, n_classes)
        for name in LAYER_NAMES:
            self.add_module(name, nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, n_classes) of preprocessed images (B, 3, H, W)."""
        x = self._tap("conv1", self._conv("conv1", x))
        x = self._tap("conv2", self._conv("conv2", x))
        x = self._mixed("mixed3", x)
        x = self._mixed("mixed4", x)
        x = self._mixed("mixed5", F.max_pool2d(x, 3, stride=2, padding=1))
        logits: Tensor = self.head(x.mean(dim=(2, 3)))
        return logits
