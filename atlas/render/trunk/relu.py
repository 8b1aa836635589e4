"""What a ReLU lets back through, redirected for dead examples in the first steps of an optimisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def through_relu(gradient: Tensor, output: Tensor, redirect: Tensor | None) -> Tensor:
    """Gradient before a ReLU, from that of a loss after it.

    Parameters
    ----------
    gradient, output : Tensor
        (B, …): gradient after the ReLU, and what the ReLU put out.
    redirect : Tensor or None
        (B,), bool: for which examples the gradient is redirected if none of it gets through, the rule of
        `RedirectedReLU`. None for no example.
    """
    through: Tensor = torch.ops.aten.threshold_backward(gradient, output, 0)
    if redirect is None:
        return through
    dead = redirect & ~through.flatten(1).any(dim=1)
    # Whether there are any is not asked: a GPU would have to be waited for.
    redirected = torch.where((output <= 0) & (gradient > 0), 0, gradient)
    return torch.where(dead.view(-1, *[1] * (gradient.ndim - 1)), redirected, through)
