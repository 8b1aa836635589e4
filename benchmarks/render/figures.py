"""Seconds and quality of one side, as they are written down."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from benchmarks.render.judge import interval, judge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atlas.models import VisionModel
    from benchmarks.render.second import SecondJudge
    from benchmarks.render.sides import Found
    from benchmarks.render.targets import Targets


def load() -> list[float]:
    """Load averages, where the system tells."""
    return [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else []


def figures(model: VisionModel, targets: Targets, found: Found, second: dict[str, SecondJudge]) -> dict[str, Any]:
    """Seconds and quality of one side."""
    scores = judge(model, targets.layer, found.images, targets.means)
    return {
        "icons": len(found.images),
        "seconds_an_icon": round(found.each, 4),
        "processor_seconds_an_icon": round(found.processor_seconds / len(found.images), 4),
        **{f"cosine_{name}": round(float(values.mean()), 4) for name, values in scores.items()},
        **{f"cosine_{name}_95": interval(values) for name, values in scores.items()},
        **{name: one.figures(found.images) for name, one in second.items()},
    }


def paired(
    model: VisionModel, targets: Targets, a: NDArray[Any], b: NDArray[Any], second: dict[str, SecondJudge]
) -> dict[str, float | list[float]]:
    """Differences of the same cells, a minus b, with 95 % intervals: of cosines, and of places in other networks."""
    of_a, of_b = (
        judge(model, targets.layer, images, targets.means)
        | {f"place_by_{name}": one.places(images) for name, one in second.items()}
        for images in (a, b)
    )
    found: dict[str, float | list[float]] = {}
    for name in of_a:
        difference = of_a[name] - of_b[name]
        found |= {name: round(float(difference.mean()), 4), f"{name}_95": interval(difference)}
    return found
