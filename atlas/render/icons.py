"""Rendered icons, and how well each reached its target."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from atlas.render.objective import centre

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from atlas.models import VisionModel

#: In the order of `Icons`; what stores icons stores all of them.
FIELDS = ("images", "cosine", "target_cosine", "score", "width")


@dataclass(slots=True)
class Icons:
    """Rendered icons and how well each reached its target.

    Attributes
    ----------
    images : array (M, S, S, 3), uint8
        The icons.
    cosine : array (M,), float32
        Cosine, in [-1, 1], between the activation of the clean icon (8 bits a channel, no random
        view, before the sheet is compressed) and the cell's mean vector. Shown to people.
    target_cosine : array (M,), float32
        The same to the target that was optimised for.
    score : array (M,), float32
        Objective averaged over the last steps; what the best of several tries is chosen by.
    width : array (M,), int32
        Places of the batch that each was optimised in: fewer than wanted where memory ran out. 0, and by default, where
        there was no such batch.
    """

    images: NDArray[np.uint8]
    cosine: NDArray[np.float32]
    target_cosine: NDArray[np.float32]
    score: NDArray[np.float32]
    width: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))

    def __post_init__(self) -> None:
        if len(self.width) != len(self.images):
            self.width = np.zeros(len(self.images), dtype=np.int32)

    def __len__(self) -> int:
        return len(self.images)

    @classmethod
    def concatenate(cls, parts: Sequence[Icons]) -> Icons:
        """Icons of several parts, in order."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS))

    def take(self, rows: Sequence[int]) -> Icons:
        """Icons of some rows."""
        return Icons(*(getattr(self, name)[np.asarray(rows, dtype=np.intp)] for name in FIELDS))

    def improved(self, rows: NDArray[np.int64], others: Icons) -> Icons:
        """These icons, with those of `rows` replaced by `others` (R) where these have a higher score."""
        better = others.score > self.score[rows]
        fields = []
        for name in FIELDS:
            values = getattr(self, name).copy()
            values[rows[better]] = getattr(others, name)[better]
            fields.append(values)
        return Icons(*fields)

    @classmethod
    def empty(cls, size: int) -> Icons:
        """No icons, of `size` px."""
        nothing = np.zeros(0, dtype=np.float32)
        return cls(np.zeros((0, size, size, 3), dtype=np.uint8), nothing, nothing.copy(), nothing.copy())

    @classmethod
    def best(cls, tries: Sequence[Icons]) -> Icons:
        """Of several tries at the same icons, for each icon the one with the highest score (the first of equals)."""
        winner = np.argmax([icons.score for icons in tries], axis=0)
        rows = np.arange(len(winner))
        return cls(*(np.stack([getattr(icons, name) for icons in tries])[winner, rows] for name in FIELDS))


def eight_bits(images: Tensor) -> Tensor:
    """Images in [0, 1] as they are stored: uint8, rounded to the nearest."""
    return (images.detach() * 255).round().to(torch.uint8)


def achieved_cosine(model: VisionModel, layer: str, pixels: Tensor, *goals: Tensor) -> list[Tensor]:
    """How well clean icons, as stored, reach what was wanted.

    Parameters
    ----------
    pixels : Tensor
        (B, 3, S, S), uint8, on the model's device.
    *goals : Tensor
        Vectors (B, C).

    Returns
    -------
    list of Tensor
        For each of `goals` the cosines (B,) to the activation at the centre of `layer`.
    """
    with torch.no_grad():
        clean = (pixels / 255).to(model.dtype, memory_format=torch.channels_last)
        reached = centre(model.activations(clean, [layer])[layer]).float()
        return [F.cosine_similarity(reached, goal, dim=1) for goal in goals]
