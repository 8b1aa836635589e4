"""Adam for a batch whose images are each at a step of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from atlas.render.canvas_loops import adam
from atlas.render.painting import LANES, adam_beside, laid, lay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

_DECAY = (0.9, 0.999)
_EPSILON = 1e-8


class Adam:
    """Kingma and Ba, 2015, with torch's defaults; each image has its own moments, step count and rate.

    Parameters
    ----------
    parameters : Tensor
        (B, …), float32; changed in place.
        Those that `lay` laid out move side by side, if their gradients lie so too.
    loops : bool
        Image by image in compiled loops, on a processor; elsewhere it is always all images at once.
    """

    def __init__(self, parameters: Tensor, *, loops: bool = True) -> None:
        self._parameters = parameters
        self._in_loops = loops and parameters.device.type == "cpu"
        self._beside = self._in_loops and laid(parameters)
        if self._beside:
            self._mean, self._square = lay(*parameters.shape), lay(*parameters.shape)
            self._factors = np.zeros((2, LANES), dtype=np.float32)
        else:
            self._mean, self._square = torch.zeros_like(parameters), torch.zeros_like(parameters)

    def restart(self, i: int) -> None:
        """Forget what image `i` has done."""
        self._mean[i].zero_()
        self._square[i].zero_()

    def step(self, gradient: Tensor, rates: Tensor, corrections: Tensor) -> None:
        """A step of every image, with `factors` (B,) on the device of the parameters."""
        if self._beside and laid(gradient):
            self._factors[0, : len(rates)], self._factors[1, : len(rates)] = rates, corrections
            addresses = (x.data_ptr() for x in (self._parameters, gradient, self._mean, self._square))
            both = (row.ctypes.data for row in self._factors)
            adam_beside(*addresses, self._parameters[0].numel(), *both, np.float32(_EPSILON))
            return
        if self._in_loops:
            # Image by image: an image must not depend on its place in the batch, see `to_image`.
            for i, both_factors in enumerate(zip(rates.numpy(), corrections.numpy(), strict=True)):
                tensors = self._parameters[i], gradient[i], self._mean[i], self._square[i]
                adam(*(tensor.reshape(-1).numpy() for tensor in tensors), *both_factors, np.float32(_EPSILON))
            return
        shape = (-1, *[1] * (gradient.dim() - 1))
        self._mean.lerp_(gradient, 1 - _DECAY[0])
        self._square.mul_(_DECAY[1]).addcmul_(gradient, gradient, value=1 - _DECAY[1])
        divisor = self._square.sqrt().mul_(corrections.view(shape)).add_(_EPSILON)
        self._parameters.addcdiv_(self._mean * rates.view(shape), divisor, value=-1)


def factors(steps: Sequence[int], rates: Sequence[float]) -> NDArray[np.float32]:
    """What `Adam.step` takes for steps number ``steps[i]``, counted from 1, at learning rates ``rates[i]``: (2, B)."""
    scaled = [rate / (1 - _DECAY[0] ** step) for step, rate in zip(steps, rates, strict=True)]
    return np.array([scaled, [(1 - _DECAY[1] ** step) ** -0.5 for step in steps]], dtype=np.float32)
