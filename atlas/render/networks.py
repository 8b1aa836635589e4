"""What an image's score is, and its gradient: through any network, or through a trunk prepared for one layer."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

import torch

from atlas.models.inception import MIXED_WIDTHS, InceptionV1
from atlas.models.load import inception_range
from atlas.render.icons import achieved_cosine
from atlas.render.objective import DotCosine, centre
from atlas.render.redirected_relu import RedirectedReLU
from atlas.render.transforms import warp, warp_back
from atlas.render.trunk import TileTrunk, Trunk, trunk_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from atlas.models import VisionModel

    #: (activations (B, C), targets (B, C)) → scores (B,).
    Objective = Callable[[Tensor, Tensor], Tensor]


class Network(Protocol):
    """A network as the optimisation uses it.

    Attributes
    ----------
    any_width : bool
        Whether an image's arithmetic is the same however many there are.
    repeatable : bool
        Whether `ascend` is nothing but operators on its tensors, so that it may be recorded and replayed, see
        `Replayed`. Of an objective of somebody else's that is not known: it may count its calls or change with them.
    """

    any_width: bool
    repeatable: bool

    def ascend(self, images: Tensor, maps: Tensor, goal: Tensor, redirect: Tensor | None) -> tuple[Tensor, Tensor]:
        """Scores (B,) of images (B, 3, S, S) in [0, 1], seen through `maps`, and the gradient of minus their sum.

        `redirect` (B,), bool, marks images whose gradients pass through dead ReLUs; None for none of them.
        """

    def judge(self, pixels: Tensor, *goals: Tensor) -> list[Tensor]:
        """Cosines of finished icons, see `achieved_cosine`."""


class AnyNetwork:
    """Any network, by automatic differentiation. One thread at a time: it listens to the network by hooks."""

    any_width = False

    def __init__(self, model: VisionModel, layer: str, objective: Objective) -> None:
        self._model, self._layer, self._objective = model, layer, objective
        self.repeatable = isinstance(objective, DotCosine)

    def ascend(self, images: Tensor, maps: Tensor, goal: Tensor, redirect: Tensor | None) -> tuple[Tensor, Tensor]:
        """See `Network`."""
        with torch.enable_grad():
            views = warp(images, maps).requires_grad_()
            seen = views.to(self._model.dtype, memory_format=torch.channels_last)
            with nullcontext() if redirect is None else RedirectedReLU(redirect):
                found = self._model.activations(seen, [self._layer])[self._layer]
                scores = self._objective(centre(found).float(), goal)
                # The sum over the batch: no image's gradient holds anything of another's.
                (gradient,) = torch.autograd.grad(-scores.sum(), views)
        return scores.detach(), warp_back(gradient, images, maps)

    def judge(self, pixels: Tensor, *goals: Tensor) -> list[Tensor]:
        """See `Network`."""
        return achieved_cosine(self._model, self._layer, pixels, *goals)


class TrunkNetwork:
    """InceptionV1, by hand, in the type that the device computes fast; icons are judged in float32."""

    def __init__(self, model: VisionModel, layer: str, size: int, objective: Objective, dtype: torch.dtype) -> None:
        self._trunk = trunk_for(model.module, layer, size, dtype)  # type: ignore[arg-type] # see `has_trunk`
        self.any_width = isinstance(self._trunk, TileTrunk)
        self._exact = Trunk(model.module, layer, size, torch.float32)  # type: ignore[arg-type]
        self._objective = objective
        self.repeatable = isinstance(objective, DotCosine)

    def ascend(self, images: Tensor, maps: Tensor, goal: Tensor, redirect: Tensor | None) -> tuple[Tensor, Tensor]:
        """See `Network`."""
        reached, saved = self._trunk(images, maps)
        if isinstance(self._objective, DotCosine):
            scores, gradient = self._objective.ascend(reached, goal)
            return scores, self._trunk.pull_back(gradient, saved, redirect)
        with torch.enable_grad():
            reached.requires_grad_()
            scores = self._objective(reached, goal)
            (gradient,) = torch.autograd.grad(-scores.sum(), reached)
        return scores.detach(), self._trunk.pull_back(gradient, saved, redirect)

    def judge(self, pixels: Tensor, *goals: Tensor) -> list[Tensor]:
        """See `Network`."""
        reached, _ = self._exact(pixels / 255)
        return [torch.nn.functional.cosine_similarity(reached, goal, dim=1) for goal in goals]


def has_trunk(model: VisionModel, layer: str) -> bool:
    """Whether a trunk can stand for `model`: InceptionV1 as it was loaded, at a mixed block."""
    return (
        type(model.module) is InceptionV1
        and model.preprocess is inception_range
        and model.dtype == torch.float32
        and layer in MIXED_WIDTHS
    )
