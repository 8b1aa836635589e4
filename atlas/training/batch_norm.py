"""Batch normalisation that exists while training alone: put after every convolution, folded into it at the end."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Iterator


class NormalisedConv(nn.Module):
    """A convolution without bias, then batch normalisation (Ioffe and Szegedy, 2015).

    Parameters
    ----------
    conv : torch.nn.Conv2d
        Gives shape, stride and padding, and the first weights. Its bias is dropped: the normalisation has one.
    input_scale : float
        What the input is multiplied with first. Folded away too; it brings an input of ±128 to the size that the usual
        learning rates are made for.
    """

    def __init__(self, conv: nn.Conv2d, input_scale: float = 1.0) -> None:
        super().__init__()
        self.conv = copy.deepcopy(conv)
        self.conv.bias = None
        self.bn = nn.BatchNorm2d(conv.out_channels)
        self.input_scale = input_scale

    def forward(self, x: Tensor) -> Tensor:
        """Normalised responses."""
        y: Tensor = self.bn(self.conv(x if self.input_scale == 1 else x * self.input_scale))
        return y

    def folded(self) -> nn.Conv2d:
        """One convolution with bias that answers as this module does in evaluation mode.

        ``bn(W x) = g (W x - m) / sqrt(v + eps) + b = (s W) x + (b - s m)`` with ``s = g / sqrt(v + eps)``, computed in
        float64.
        """
        bn, conv = self.bn, self.conv
        assert bn.running_var is not None  # noqa: S101 - for the type checker: it is there unless switched off
        assert bn.running_mean is not None  # noqa: S101
        scale = bn.weight.double() / (bn.running_var.double() + bn.eps).sqrt()
        single = copy.deepcopy(conv)
        weight = conv.weight.double() * scale[:, None, None, None] * self.input_scale
        single.weight = nn.Parameter(weight.to(conv.weight.dtype))
        single.bias = nn.Parameter((bn.bias.double() - scale * bn.running_mean.double()).to(conv.weight.dtype))
        return single


def with_batch_norm(network: nn.Module, input_scale: float = 1.0) -> nn.Module:
    """A copy of `network` with every convolution replaced by a `NormalisedConv`.

    Weights start from He's initialisation (He et al., 2015, fan-in), linear layers from zero.

    Parameters
    ----------
    network : torch.nn.Module
        Untouched.
    input_scale : float
        What the input of the first convolution is multiplied with.
    """
    trained = copy.deepcopy(network)
    first = True
    for parent, name, conv in list(_convolutions(trained)):
        normalised = NormalisedConv(conv, input_scale if first else 1.0)
        nn.init.kaiming_normal_(normalised.conv.weight, mode="fan_in", nonlinearity="relu")
        setattr(parent, name, normalised)
        first = False
    for module in trained.modules():
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)
    return trained.requires_grad_(requires_grad=True)


def fold(network: nn.Module) -> nn.Module:
    """A copy of a network from `with_batch_norm` in its plain form, which gives the same answers in evaluation mode."""
    plain = copy.deepcopy(network)
    for module in list(plain.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, NormalisedConv):
                setattr(module, name, child.folded())
    return plain.eval()


@torch.no_grad()
def restart_statistics(network: nn.Module) -> None:
    """Forget running means and variances; from now on they are plain averages over the batches seen."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None


def _convolutions(network: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Conv2d]]:
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Conv2d):
                yield module, name, child
