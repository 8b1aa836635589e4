"""Ours at other layers and sizes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from atlas.render import RenderSettings
from benchmarks.render.cost import flops
from benchmarks.render.figures import figures, load
from benchmarks.render.sides import ours
from benchmarks.render.targets import targets_of

if TYPE_CHECKING:
    from atlas.models import VisionModel

LAYERS_AND_SIZES = (
    ("mixed4c", 96),
    ("mixed3b", 96),
    ("mixed4e", 96),
    ("mixed5b", 96),
    ("mixed4c", 64),
    ("mixed4c", 80),
    ("mixed4c", 128),
)


def layers(model: VisionModel, steps: int, cells: int) -> list[dict[str, Any]]:
    """Seconds and quality of so many cells of each."""
    table = []
    for layer, size in LAYERS_AND_SIZES:
        targets = targets_of(layer, cells)
        settings = RenderSettings(size=size, steps=steps, rescues=0)
        ours(model, targets.part(0, 2), replace(settings, steps=2))
        found = ours(model, targets, settings)
        table.append(
            {"layer": layer, "size": size, "gflop_an_icon_step": round(flops(layer, size) / 1e9, 3), "load": load()}
            | figures(model, targets, found, {})
        )
        print(json.dumps(table[-1]), flush=True)
    return table
