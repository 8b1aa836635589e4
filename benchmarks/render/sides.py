"""The sides of the comparison: what each renders, and how long it takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from atlas.render import centre, dot_cosine, render
from atlas.render.global_random import seeded_globals
from atlas.render.icons import eight_bits
from atlas.render.lucent import preprocessed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from atlas.models import VisionModel
    from atlas.render import RenderSettings
    from benchmarks.render.targets import Targets

#: What lucent's default views add to an image, both sides together: with so much more, the network sees it unshrunk.
PADDING = 24


@dataclass(frozen=True)
class Found:
    """Icons (n, S, S, 3), uint8, and the seconds that all of them took, from nothing to the finished images.

    Of the clock, and of the processor: the latter tell more where the machine does something else as well.
    """

    images: NDArray[np.uint8]
    seconds: float
    processor_seconds: float

    @property
    def each(self) -> float:
        """Seconds an icon."""
        return self.seconds / len(self.images)


def together(parts: Sequence[Found]) -> Found:
    """Icons of several rounds."""
    return Found(
        np.concatenate([part.images for part in parts]),
        sum(part.seconds for part in parts),
        sum(part.processor_seconds for part in parts),
    )


def ours(model: VisionModel, targets: Targets, settings: RenderSettings) -> Found:
    """`atlas.render.render`, as an atlas uses it."""
    begun = _now()
    icons = render(model, targets.layer, targets.directions, means=targets.means, settings=settings)
    return Found(icons.images, *_since(begun, _now()))


def lucents(
    model: VisionModel,
    targets: Targets,
    size: int,
    steps: Sequence[int],
    *,
    batch: int,
    side: int,
    rate: float = 0.05,
) -> dict[int, Found]:
    """``lucent.optvis.render.render_vis`` after each of several numbers of steps.

    Parameters
    ----------
    batch : int
        Icons optimised together, 1 as in lucent's README. The views are then those of the whole batch.
    side : int
        What every view is brought to; lucent's own choice for small images is 224.
    rate : float
        Adam's, constant; 0.05 is lucent's own.
    """
    parts = [
        _lucent_batch(model, targets.layer, targets.directions[i : i + batch], size, steps, side, rate, seed=i)
        for i in range(0, len(targets.directions), batch)
    ]
    return {step: together([part[step] for part in parts]) for step in steps}


def _lucent_batch(
    model: VisionModel,
    layer: str,
    directions: NDArray[np.float32],
    size: int,
    steps: Sequence[int],
    side: int,
    rate: float,
    seed: int,
) -> dict[int, Found]:
    from lucent.optvis import param  # noqa: PLC0415 - chooses a device when imported
    from lucent.optvis import render as lucent_render  # noqa: PLC0415

    goal, score = torch.from_numpy(directions), dot_cosine()
    stamps: list[tuple[float, float]] = []

    def loss(layers: Callable[[str], torch.Tensor]) -> torch.Tensor:
        stamps.append(_now())
        return -score(centre(layers(f"network_{layer}")).float(), goal).sum()

    begun = _now()
    with seeded_globals([seed]):
        images = lucent_render.render_vis(
            preprocessed(model),
            loss,
            lambda: param.image(size, batch=len(goal)),
            optimizer=lambda params: torch.optim.Adam(params, lr=rate),
            thresholds=tuple(steps),
            preprocess=False,
            progress=False,
            show_image=False,
            fixed_image_size=side,
        )
    stamps.append(_now())
    found = {}
    for step, image in zip(steps, images, strict=True):
        pixels = eight_bits(torch.from_numpy(image)).numpy()
        # The call of the objective in the next step comes right after this one has ended.
        found[step] = Found(pixels, *_since(begun, stamps[step]))
    return found


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(begun: tuple[float, float], ended: tuple[float, float]) -> tuple[float, float]:
    return ended[0] - begun[0], ended[1] - begun[1]
