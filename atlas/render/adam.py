"""Adam for a batch whose images are each at a step of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from atlas.render.canvas_loops import adam

if TYPE_CHECKING:
    from torch import Tensor

_DECAY = (0.9, 0.999)
_EPSILON = 1e-8


class Adam:
    """Kingma and Ba, 2015, with torch's defaults; each image has its own moments, step count and rate.

    Parameters
    ----------
    parameters : Tensor
        (B, …), float32; changed in place.
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
            scaled, correction = rate / (1 - _DECAY[0] ** step), (1 - _DECAY[1] ** step) ** -0.5
            tensors = self._parameters[i], gradient[i], self._mean[i], self._square[i]
            if gradient.device.type == "cpu":
                flat = [tensor.reshape(-1).numpy() for tensor in tensors]
                adam(*flat, np.float32(scaled), np.float32(correction), np.float32(_EPSILON))
            else:
                values, g, mean, square = tensors
                mean.lerp_(g, 1 - _DECAY[0])
                square.mul_(_DECAY[1]).addcmul_(g, g, value=1 - _DECAY[1])
                values.addcdiv_(mean, square.sqrt().mul_(correction).add_(_EPSILON), value=-scaled)
