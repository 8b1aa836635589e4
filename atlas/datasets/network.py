"""A small InceptionV1: the same branches, fewer and narrower blocks, for 64 px pictures and one thread."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: Branch widths of each block, as in `atlas.models.inception.MIXED_WIDTHS`: 1x1 | 3x3 bottleneck, 3x3 | 5x5
#: bottleneck, 5x5 | pool reduce.
WIDTHS = {"mixed3": (8, 8, 16, 4, 8, 8), "mixed4": (16, 16, 24, 6, 12, 12), "mixed5": (32, 32, 48, 8, 16, 16)}
LAYER_NAMES = ("conv1", "conv2", *WIDTHS)
_STEM = {"conv1": 16, "conv2": 24}


class SmallInception(nn.Module):
    """Takes RGB, each value ``x * 255 - 117`` for x in [0, 1]; gives logits (B, n_classes).

    `conv2`, `mixed3` and `mixed4` have a position every 4 px, `mixed5` every 8 px.

    Parameters
    ----------
    n_classes : int
        Outputs of the head.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.conv1_conv = nn.Conv2d(3, _STEM["conv1"], 5, stride=2, padding=2)
        self.conv2_conv = nn.Conv2d(_STEM["conv1"], _STEM["conv2"], 3, stride=2, padding=1)
        channels = _STEM["conv2"]
        for block, (one, bottleneck3, three, bottleneck5, five, pool) in WIDTHS.items():
            branches = {
                "1x1": (channels, one, 1),
                "3x3_bottleneck": (channels, bottleneck3, 1),
                "3x3": (bottleneck3, three, 3),
                "5x5_bottleneck": (channels, bottleneck5, 1),
                "5x5": (bottleneck5, five, 5),
                "pool_reduce": (channels, pool, 1),
            }
            for name, (inputs, outputs, kernel) in branches.items():
                self.add_module(f"{block}_{name}_conv", nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2))
            channels = one + three + five + pool
        self.head = nn.Linear(channels, n_classes)
        for name in LAYER_NAMES:
            self.add_module(name, nn.Identity())

    def _conv(self, name: str, x: Tensor) -> Tensor:
        return F.relu(self.get_submodule(f"{name}_conv")(x))

    def _tap(self, name: str, x: Tensor) -> Tensor:
        tapped: Tensor = self.get_submodule(name)(x)
        return tapped

    def _mixed(self, block: str, x: Tensor) -> Tensor:
        branches = [
            self._conv(f"{block}_1x1", x),
            self._conv(f"{block}_3x3", self._conv(f"{block}_3x3_bottleneck", x)),
            self._conv(f"{block}_5x5", self._conv(f"{block}_5x5_bottleneck", x)),
            self._conv(f"{block}_pool_reduce", F.max_pool2d(x, 3, stride=1, padding=1)),
        ]
        return self._tap(block, torch.cat(branches, dim=1))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, n_classes) of preprocessed images (B, 3, H, W)."""
        x = self._tap("conv1", self._conv("conv1", x))
        x = self._tap("conv2", self._conv("conv2", x))
        x = self._mixed("mixed3", x)
        x = self._mixed("mixed4", x)
        x = self._mixed("mixed5", F.max_pool2d(x, 3, stride=2, padding=1))
        logits: Tensor = self.head(x.mean(dim=(2, 3)))
        return logits
