"""Adam for a batch whose images are each at a step of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

_DECAY = (0.9, 0.999)
_EPSILON = 1e-8


class Adam:
    """Kingma and Ba, 2015, with torch's defaults; each image has its own moments, step count and rate.

    Parameters
    ----------
    parameters : Tensor
        (B, …); changed in place.
    """

    def __init__(self, parameters: Tensor) -> None:
        self._parameters = parameters
        self._mean, self._square = torch.zeros_like(parameters), torch.zeros_like(parameters)

    def restart(self, i: int) -> None:
        """Forget what image `i` has done."""
        self._mean[i].zero_()
        self._square[i].zero_()

    def step(self, gradient: Tensor, steps: list[int], rates: list[float]) -> None:
        """Step number ``steps[i]``, counted from 1, of every image i, at learning rate ``rates[i]``."""
        # Image by image: an image must not depend on its place in the batch, see `to_image`.
        for i, (step, rate) in enumerate(zip(steps, rates, strict=True)):
            g, mean, square = gradient[i], self._mean[i], self._square[i]
            mean.lerp_(g, 1 - _DECAY[0])
            square.mul_(_DECAY[1]).addcmul_(g, g, value=1 - _DECAY[1])
            correction = (1 - _DECAY[1] ** step) ** 0.5
            divisor = square.sqrt().div_(correction).add_(_EPSILON)
            self._parameters[i].addcdiv_(mean, divisor, value=-rate / (1 - _DECAY[0] ** step))
