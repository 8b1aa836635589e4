"""What an icon is optimised for: an activation vector at the centre of the map."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

#: Below this cosine the objective is a fixed multiple of the dot product, or a start at a right angle would have no
#: gradient (Carter et al., 2019, and lucid's notebooks).
COSINE_FLOOR = 0.1


def centre(activations: Tensor) -> Tensor:
    """Vectors (B, C) at the centre of maps (B, C, h, w); of an even map, the lower right of the middle four."""
    return activations[:, :, activations.shape[2] // 2, activations.shape[3] // 2]


@dataclass(frozen=True)
class DotCosine:
    """What `dot_cosine` returns."""

    power: float

    def __call__(self, activations: Tensor, targets: Tensor) -> Tensor:
        """Scores (B,) of activations (B, C) for targets (B, C)."""
        dot, _, cosine, _ = self._parts(activations, targets)
        return dot * _power(cosine.clamp(min=COSINE_FLOOR), self.power)

    def ascend(self, activations: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Scores, and the gradient (B, C) of minus their sum: the one that differentiation finds, in fewer steps."""
        dot, unit, cosine, length = self._parts(activations, targets)
        pure = cosine.clamp(min=COSINE_FLOOR)
        purity = _power(pure, self.power)
        slope = torch.where(cosine >= COSINE_FLOOR, dot * self.power * _power(pure, self.power - 1), 0)
        along = -(purity + slope / length)
        back = slope * cosine / length.square()
        return dot * purity, unit * along[:, None] + activations * back[:, None]

    @staticmethod
    def _parts(activations: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        unit = F.normalize(targets, dim=1)
        dot = (activations * unit).sum(dim=1)
        # The small constant keeps the cosine of a dead (all-zero) activation defined, and its gradient finite.
        length = (activations.square().sum(dim=1) + 1e-12).sqrt()
        return dot, unit, dot / length, length


def dot_cosine(power: float = 4.0) -> DotCosine:
    """The atlas objective ``dot * max(0.1, cos) ** power``.

    The dot product asks for a strong activation, the cosine for the right one; the power says how much purity counts.
    ``dot`` is taken with the unit target: the originals leave the length of the target in, and take a mean over
    channels, so that their second factor is not a true cosine.

    Returns
    -------
    callable
        (activations (B, C), targets (B, C)) → scores (B,).
    """
    return DotCosine(power)


def _power(x: Tensor, power: float) -> Tensor:
    # Not `x ** power`, which a processor rounds by the element's place in the array: see `to_image`.
    if power == int(power) and power > 0:
        product: Tensor = math.prod([x] * int(power))  # type: ignore[assignment] # of tensors
        return product
    return torch.stack([value**power for value in x]) if x.device.type == "cpu" else x**power
