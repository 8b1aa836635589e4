"""A frozen convolution with its ReLU, prepared once: forward, and the gradient to its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable


class Convolution:
    """``relu(conv(x) + bias)`` of stride 1, and the gradient of its input, without gradients of weights.

    The gradient to the input of a convolution is itself one, with the kernel turned round and channels exchanged; both
    kernels are laid out once in the order that the machine's convolutions want.

    Parameters
    ----------
    weight : Tensor
        (outputs, inputs, k, k).
    bias : Tensor
        (outputs,).
    padding : int
        Zeros on each side.
    dtype : torch.dtype
        What is computed in.
    """

    def __init__(self, weight: Tensor, bias: Tensor, padding: int, dtype: torch.dtype) -> None:
        weight, bias = weight.detach(), bias.detach().to(dtype)
        turned = weight.transpose(0, 1).flip(2, 3)
        self._forward = _prepared(weight.to(dtype), bias, padding, relu=True)
        self._backward = _prepared(turned.to(dtype), None, weight.shape[2] - 1 - padding, relu=False)

    def __call__(self, x: Tensor) -> Tensor:
        """Activations (B, outputs, h', w') of `x` (B, inputs, h, w), after the ReLU."""
        return self._forward(x)

    def pull_back(self, gradient: Tensor) -> Tensor:
        """Gradient (B, inputs, h, w) from the one (B, outputs, h', w') of the convolution before its ReLU."""
        return self._backward(gradient)


def _prepared(weight: Tensor, bias: Tensor | None, padding: int, *, relu: bool) -> Callable[[Tensor], Tensor]:
    if weight.shape[2] == 1:
        return _product(weight, bias, relu=relu)
    weight = weight.contiguous(memory_format=torch.channels_last)
    # oneDNN has no float64.
    if weight.device.type == "cpu" and weight.dtype != torch.float64 and _PACKED:
        return _packed(weight, bias, padding, relu=relu)
    if relu:
        return lambda x: F.conv2d(x, weight, bias, padding=padding).relu_()
    return lambda x: F.conv2d(x, weight, bias, padding=padding)


def _product(weight: Tensor, bias: Tensor | None, *, relu: bool) -> Callable[[Tensor], Tensor]:
    """A 1 x 1 convolution is a product of matrices, for which small maps are one large one."""
    matrix = weight[:, :, 0, 0].t().contiguous()

    def multiply(x: Tensor) -> Tensor:
        rows = x.permute(0, 2, 3, 1)
        flat = rows.reshape(-1, rows.shape[3])
        y = flat @ matrix if bias is None else torch.addmm(bias, flat, matrix)
        if relu:
            y.relu_()
        return y.view(*rows.shape[:3], -1).permute(0, 3, 1, 2)

    return multiply


def _packed(weight: Tensor, bias: Tensor | None, padding: int, *, relu: bool) -> Callable[[Tensor], Tensor]:
    """By oneDNN: the weights in the order it wants for inputs of one shape, the ReLU in the same pass."""
    pads, ones = [padding, padding], [1, 1]
    orders: dict[torch.Size, Tensor] = {}
    after = "relu" if relu else "none"

    def convolve(x: Tensor) -> Tensor:
        if x.shape not in orders:
            # Told no shape, oneDNN may choose an order that it then has no fast convolution for.
            orders[x.shape] = torch.ops.mkldnn._reorder_convolution_weight(weight, pads, ones, ones, 1, list(x.shape))  # noqa: SLF001
        packed = orders[x.shape]
        y: Tensor = torch.ops.mkldnn._convolution_pointwise(x, packed, bias, pads, ones, ones, 1, after, [], "")  # noqa: SLF001
        return y

    return convolve


def _can_pack() -> bool:
    """Whether this torch has oneDNN's convolution with prepared weights and a fused ReLU, and it works here."""
    try:
        x = torch.linspace(-1, 1, 2 * 5 * 5).view(1, 2, 5, 5).contiguous(memory_format=torch.channels_last)
        weight = torch.linspace(-1, 1, 3 * 2 * 3 * 3).view(3, 2, 3, 3).contiguous(memory_format=torch.channels_last)
        ones = [1, 1]
        packed = torch.ops.mkldnn._reorder_convolution_weight(weight, ones, ones, ones, 1, list(x.shape))  # noqa: SLF001
        found = torch.ops.mkldnn._convolution_pointwise(x, packed, None, ones, ones, ones, 1, "relu", [], "")  # noqa: SLF001
    except (AttributeError, RuntimeError):
        # Not a public part of torch: where it is absent or takes other arguments, the public one does the same, slower.
        return False
    return bool(torch.allclose(found, F.conv2d(x, weight, padding=1).relu(), atol=1e-4))


_PACKED = _can_pack()
