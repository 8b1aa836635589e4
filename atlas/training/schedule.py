"""How learning rate and image size change over a training; time is the share of it that is done, from 0 to 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atlas.training.settings import TrainSettings


def learning_rate(done: float, settings: TrainSettings) -> float:
    """Linear rise over the warm-up, then a half cosine to zero."""
    if done < settings.warm_up:
        return settings.learning_rate * max(done, 1e-3) / settings.warm_up
    rest = (done - settings.warm_up) / (1 - settings.warm_up)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, rest)))


def image_size(done: float, settings: TrainSettings) -> int:
    """Side in pixels: each of the sizes for an equal share of the training."""
    return settings.sizes[min(len(settings.sizes) - 1, int(done * len(settings.sizes)))]
