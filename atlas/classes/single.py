"""The atlas of one class."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from atlas.atlas import Atlas
from atlas.classes.owned import OWN, Own, default_k, layer_for_classes, owned_rows, read_attributions
from atlas.classes.part import PartOptions, build_part, part_model, resolve
from atlas.errors import AtlasError
from atlas.layout import LayoutSettings
from atlas.stages import layout_stage

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from atlas.activations import Activations
    from atlas.manifest import Stage
    from atlas.progress import Progress
    from atlas.reader import AtlasReader


def check_choice(own: str, k: int | None) -> None:
    """Refuse an unknown way to choose activations.

    Raises
    ------
    AtlasError
        `own` or `k` is out of range.
    """
    if own not in OWN:
        raise AtlasError(f"own is {own!r}; choose {' or '.join(repr(way) for way in OWN)}.")
    if k is not None and k < 1:
        raise AtlasError(f"k is {k}; give a number of activations from 1.")


def default_sizes(n: int) -> list[int]:
    """Levels for n activations of a class: 8 x 8, the article's, from 512; with 16 x 16 from 2,048."""
    coarse = max(2, min(8, math.isqrt(n // 8)))
    return [coarse, 2 * coarse] if n >= 8 * (2 * coarse) ** 2 else [coarse]


def class_atlas(
    world: AtlasReader,
    name: str | int,
    layer: str | None = None,
    own: Own = "winner",
    k: int | None = None,
    options: PartOptions | None = None,
) -> Atlas:
    """Build the atlas of one class; see `Atlas.class_atlas`."""
    options = options or PartOptions()
    check_choice(own, k)
    chosen = layer_for_classes(world, layer)
    model = part_model(world, options)
    ((index, label),) = resolve(model, [name])
    rows = world.activations[chosen]
    values, winner = read_attributions(rows, [index])
    most = k or default_k(len(rows), model.n_classes)
    owned = owned_rows(values[:, 0], winner, index, own, most)
    if not len(owned):
        remedy = "try own='top'" if own == "winner" else "choose another layer"
        raise AtlasError(f"No activation of {chosen} adds to {label} most; {remedy}.")
    record = {
        "kind": "class",
        "layer": chosen,
        "classes": [{"index": index, "name": label}],
        "own": own,
        "k": most,
        "activations": len(owned),
    }
    settings = LayoutSettings.for_layer(chosen, options.layout, options.seed)

    def lay_out(
        folder: Path, old: Stage | None, acts: Activations, report: Progress
    ) -> tuple[Stage, NDArray[np.float32]]:
        return layout_stage(folder, old, acts, chosen, settings, report, kept={"rows": owned})

    folder = build_part(world, chosen, owned, record, lay_out, default_sizes(len(owned)), model, options)
    return Atlas(folder)
