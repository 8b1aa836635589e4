"""How often a network is right, and how well it knows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from atlas.training.photographs import whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.models import VisionModel
    from atlas.training.photographs import Photographs

#: Bins of confidence of the calibration error (Guo et al., 2017).
_BINS = 15


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Figures of one network on one set of photographs.

    Attributes
    ----------
    size : int
        Side of the images in pixels.
    photographs : int
        How many.
    top1, top5 : float
        Share of photographs whose class has the largest logit, or is among the five largest.
    loss : float
        Mean negative log-likelihood, in nats.
    calibration_error : float
        Expected calibration error: mean gap between confidence and accuracy over 15 bins of confidence, weighted by
        how many photographs are in each.
    confidence : float
        Mean probability of the most likely class; below `top1` the network is under-confident.
    """

    size: int
    photographs: int
    top1: float
    top5: float
    loss: float
    calibration_error: float
    confidence: float

    def rounded(self) -> dict[str, Any]:
        """Figures to four places."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def accuracy_of_logits(logits: Tensor, classes: Tensor, size: int) -> Accuracy:
    """Figures from logits (N, K) and classes (N,)."""
    logits = logits.double()
    confidence, predicted = logits.softmax(1).max(1)
    right = (predicted == classes).double()
    among = logits.topk(min(5, logits.shape[1]), dim=1).indices
    bins = (confidence * _BINS).long().clamp(max=_BINS - 1)
    gaps = torch.zeros(_BINS, dtype=torch.float64, device=logits.device).index_add_(0, bins, confidence - right)
    return Accuracy(
        size=size,
        photographs=len(classes),
        top1=float(right.mean()),
        top5=float((among == classes[:, None]).any(1).double().mean()),
        loss=float(F.cross_entropy(logits, classes)),
        calibration_error=float(gaps.abs().sum() / len(classes)),
        confidence=float(confidence.mean()),
    )


@torch.no_grad()
def evaluate(
    model: VisionModel,
    photographs: Photographs,
    *,
    size: int | None = None,
    batch_size: int = 128,
    progress: Callable[[str, int, int], None] | None = None,
) -> Accuracy:
    """Figures of a network on labelled photographs.

    Parameters
    ----------
    model : VisionModel
        Its outputs are the classes of `photographs`.
    photographs : Photographs
        From `read_photographs`.
    size : int, optional
        Side in pixels that images are brought to; by default the network's own.
    batch_size : int
        Images in a pass.
    progress : callable, optional
        Called with ("evaluate", photographs done, all).
    """
    side = size or model.input_size
    logits = []
    for start in range(0, len(photographs), batch_size):
        images = whole(photographs.pixels[start : start + batch_size].to(model.device), side) / 255
        logits.append(model.logits(images.to(model.dtype)).float())
        if progress is not None:
            progress("evaluate", min(start + batch_size, len(photographs)), len(photographs))
    return accuracy_of_logits(torch.cat(logits), photographs.classes.to(model.device), side)
