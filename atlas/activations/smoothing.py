"""Max-pools whose derivative goes to all that a window holds, not to its largest value alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.autograd import forward_ad
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import Tensor

#: Keeps the quotient and its derivative finite over windows of zeros.
_EPSILON = 1e-6
_POOLS = (F.max_pool2d, torch.max_pool2d)


class SmoothPooling(TorchFunctionMode):
    """While it is active, max-pools in forward mode pass on the derivative of a weighted mean.

    The value stays that of the max-pool. Its tangent is that of ``sum(r(x) x) / sum(r(x))`` over the window, r(x) the
    positive part of x: the mean in which a value counts as much as it is large, of activations after a ReLU
    ``sum(x²) / sum(x)``. Pools without a dual input, with dilation, or that return indices are left as they are.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - torch's own signature
        """Replace the tangent of a max-pool; pass everything else on."""
        if func not in _POOLS:
            return func(*args, **(kwargs or {}))
        return _pool(*args, **(kwargs or {}))


def _pool(
    x: Tensor,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # noqa: ANN401 - with indices, what torch gives
    if return_indices or dilation not in (1, (1, 1), [1, 1]):
        return F.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)  # type: ignore[call-overload]
    plain = F.max_pool2d(x, kernel_size, stride, padding, ceil_mode=ceil_mode)
    value, tangent = forward_ad.unpack_dual(plain)  # type: ignore[no-untyped-call]
    if tangent is None:
        return plain

    def mean(values: Tensor) -> Tensor:
        # How many values a window at the edge holds cancels in the quotient.
        return F.avg_pool2d(values, kernel_size, stride, padding, ceil_mode)

    weight = x.clamp_min(0)
    relaxed = mean(weight * x) / (mean(weight) + _EPSILON)
    smooth = forward_ad.unpack_dual(relaxed).tangent  # type: ignore[no-untyped-call]
    return forward_ad.make_dual(value, smooth)  # type: ignore[no-untyped-call]
