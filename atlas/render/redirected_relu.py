"""A ReLU that lets a dead start move: gradients pass through inactive units, image by image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable


class _RedirectedReLU(Function):
    """Forward: the ReLU. Backward: its gradient, or, for an image that no gradient reaches, a redirected one."""

    @staticmethod
    def forward(x: Tensor, examples: Tensor | None) -> Tensor:  # noqa: ARG004
        return x.clamp(min=0)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor | None], output: Tensor) -> None:  # noqa: ANN401, ARG004
        ctx.save_for_backward(inputs[0])
        ctx.examples = inputs[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (x,) = ctx.saved_tensors
        (gradient,) = gradients
        through = torch.where(x > 0, gradient, 0)
        # Decided for each example on its own (lucid's rule): in a batch, a live image must not keep a dead one dead.
        dead = (through == 0).flatten(1).all(dim=1)
        if ctx.examples is not None:
            dead &= ctx.examples
        # Whether there are any is not asked: a GPU would have to be waited for.
        # Descending along a positive gradient would push an inactive unit further down; only the rest can wake it.
        redirected = torch.where((x < 0) & (gradient > 0), 0, gradient)
        return torch.where(dead.view(-1, *[1] * (x.ndim - 1)), redirected, through), None


class RedirectedReLU(TorchFunctionMode):
    """Within this context every ReLU of every network, module or function, is redirected.

    For the first steps of an optimisation only: afterwards the true gradient is wanted. A mode rather than a change of
    the network: it works on networks that call ``torch.relu`` themselves, and leaves nothing behind.

    Parameters
    ----------
    examples : Tensor or None
        (B,), bool: the images that this is for; None for all of them.
    """

    _RELUS = frozenset({F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_})
    _IN_PLACE = frozenset({torch.relu_, Tensor.relu_})

    def __init__(self, examples: Tensor | None = None) -> None:
        super().__init__()
        self._examples = examples

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        kwargs = kwargs or {}
        if func not in self._RELUS:
            return func(*args, **kwargs)
        x = args[0] if args else kwargs["input"]
        if func in self._IN_PLACE or kwargs.get("inplace") or (len(args) > 1 and args[1]):
            # The caller may go on with `x` and drop the result. The copy keeps the input for the backward pass.
            return x.copy_(_RedirectedReLU.apply(x.clone(), self._examples))
        return _RedirectedReLU.apply(x, self._examples)
