"""InceptionV1 (GoogLeNet as trained at Google in 2014), compactly, from a table of branch widths.

The parameters carry the names of the published PyTorch conversion of the TensorFlow graph
(``mixed4c_3x3_pre_relu_conv.weight``), so its state dict loads as it is. Every layer that an atlas can be made of is a
submodule under its own name (``conv2d0`` … ``mixed5b``): an identity that a hook can listen to.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atlas.models.normalisation import LocalResponseNorm

STEM_CHANNELS = {"conv2d0": 64, "conv2d1": 64, "conv2d2": 192}

#: Branch widths of every mixed block: 1x1 | 3x3 bottleneck, 3x3 | 5x5 bottleneck, 5x5 | pool reduce.
#: Szegedy et al., 2014, table 1, except mixed4a, whose 3x3 branch has 204 channels in the released network.
MIXED_WIDTHS: dict[str, tuple[int, int, int, int, int, int]] = {
    "mixed3a": (64, 96, 128, 16, 32, 32),
    "mixed3b": (128, 128, 192, 32, 96, 64),
    "mixed4a": (192, 96, 204, 16, 48, 64),
    "mixed4b": (160, 112, 224, 24, 64, 64),
    "mixed4c": (128, 128, 256, 24, 64, 64),
    "mixed4d": (112, 144, 288, 32, 64, 64),
    "mixed4e": (256, 160, 320, 32, 128, 128),
    "mixed5a": (256, 160, 320, 48, 128, 128),
    "mixed5b": (384, 192, 384, 48, 128, 128),
}
LAYER_NAMES = (*STEM_CHANNELS, *MIXED_WIDTHS)

#: Blocks whose output is halved by a max-pool before the next block.
POOLED_AFTER = ("mixed3b", "mixed4e")

HEAD = "softmax2_pre_activation_matmul"


def out_channels(block: str) -> int:
    """Channels that a mixed block puts out: the sum of its four branches."""
    one, _, three, _, five, pool = MIXED_WIDTHS[block]
    return one + three + five + pool


class Inception(nn.Module):
    """What networks of mixed blocks are made of: four branches side by side, and taps for hooks."""

    def _add_conv(
        self, name: str, inputs: int, outputs: int, kernel: int, stride: int = 1, *, padded: bool = True
    ) -> None:
        padding = kernel // 2 if padded else 0
        self.add_module(f"{name}_pre_relu_conv", nn.Conv2d(inputs, outputs, kernel, stride, padding))

    def _add_mixed(self, block: str, channels: int, widths: tuple[int, int, int, int, int, int]) -> int:
        """Add the convolutions of a block; returns the channels that it puts out."""
        one, bottleneck3, three, bottleneck5, five, pool = widths
        self._add_conv(f"{block}_1x1", channels, one, 1)
        self._add_conv(f"{block}_3x3_bottleneck", channels, bottleneck3, 1)
        self._add_conv(f"{block}_3x3", bottleneck3, three, 3)
        self._add_conv(f"{block}_5x5_bottleneck", channels, bottleneck5, 1)
        self._add_conv(f"{block}_5x5", bottleneck5, five, 5)
        self._add_conv(f"{block}_pool_reduce", channels, pool, 1)
        return one + three + five + pool

    def _conv(self, name: str, x: Tensor) -> Tensor:
        return F.relu(self.get_submodule(f"{name}_pre_relu_conv")(x))

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


class InceptionV1(Inception):
    """InceptionV1 with its true local response normalisation.

    Takes RGB of any size from 32 px, each value ``x * 255 - 117`` for x in [0, 1]; gives logits (B, n_classes).

    Parameters
    ----------
    n_classes : int
        Outputs of the head: 1,008 for the ImageNet network.
    """

    def __init__(self, n_classes: int = 1008) -> None:
        super().__init__()
        self.n_classes = n_classes
        # TensorFlow pads it on one side more than on the other: done in `forward`.
        self._add_conv("conv2d0", 3, 64, 7, stride=2, padded=False)
        self._add_conv("conv2d1", 64, 64, 1)
        self._add_conv("conv2d2", 64, 192, 3)
        self.normalise0 = LocalResponseNorm()
        self.normalise1 = LocalResponseNorm()
        channels = STEM_CHANNELS["conv2d2"]
        for block, widths in MIXED_WIDTHS.items():
            channels = self._add_mixed(block, channels, widths)
        self.add_module(HEAD, nn.Linear(channels, n_classes))
        for name in LAYER_NAMES:
            self.add_module(name, nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, n_classes) of preprocessed images (B, 3, H, W)."""
        x = self._tap("conv2d0", self._conv("conv2d0", F.pad(x, (2, 3, 2, 3))))
        x = self.normalise0(_halve(x))
        x = self._tap("conv2d1", self._conv("conv2d1", x))
        x = self._tap("conv2d2", self._conv("conv2d2", x))
        x = _halve(self.normalise1(x))
        for block in MIXED_WIDTHS:
            x = self._mixed(block, x)
            if block in POOLED_AFTER:
                x = _halve(x)
        # The mean over the whole map, not over 7 x 7: the network then takes images of any size.
        return self._tap(HEAD, x.mean(dim=(2, 3)))


def _halve(x: Tensor) -> Tensor:
    # TensorFlow's SAME padding of a 3 x 3 pool with stride 2 adds, to a map of even size, one row below and one column
    # to the right, which is what ceil_mode does: the window that hangs over the edge sees only real values. (Around an
    # odd map TensorFlow adds one on every side; here, as in the published conversion, nothing is added.)
    return F.max_pool2d(x, 3, stride=2, ceil_mode=True)
