"""A large atlas for timing the viewer: 160 x 160 cells, every one filled, from the icons of an atlas that exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atlas.arrays import write_arrays
from atlas.atlas import Atlas
from atlas.blocks import BLOCKS, block_order
from atlas.grid import Level
from atlas.manifest import LayerRecord, LevelRecord, Manifest, Stage
from atlas.overview import write_overview
from atlas.sprites import write_sheets

if TYPE_CHECKING:
    from pathlib import Path

GRIDS = (20, 40, 80, 160)
#: Each level repeats this many different icons in an order of its own, so that sheets differ as real ones do.
DIFFERENT = 64
_CLASSES, _CHANNELS = 200, 8


def make_large_atlas(icons_of: Atlas, folder: Path) -> Atlas:
    """Write the atlas: real icons, repeated; made-up counts and attributions.

    Parameters
    ----------
    icons_of : Atlas
        Where icons are taken from.
    folder : Path
        Made.
    """
    name = icons_of.layers[0]
    source = icons_of.level(None, name)
    assert source.icons is not None  # noqa: S101 - `level` gives one that is rendered
    different = [source.icons[i] for i in range(min(DIFFERENT, len(source.icons)))]
    rng = np.random.Generator(np.random.Philox(1))
    layer = LayerRecord(icons_of.record(name)[1].layout)
    for size in GRIDS:
        level = _level(size, rng)
        picks = rng.integers(0, len(different), len(level))
        place = f"layers/{name}/levels/{size:04d}"
        write_arrays(_new(folder / place / "grid" / "arrays.zarr"), level.arrays())
        icons = folder / place / "icons"
        order = block_order(level.cell, size, len(different[0]))
        write_sheets(icons, (different[i] for i in picks[order]), len(different[0]))
        side = write_overview(icons, size, level.cell, [different[i] for i in picks].__getitem__)
        cosine = rng.uniform(0.5, 1, len(level)).astype(np.float32)
        write_arrays(_new(icons / "arrays.zarr"), {"cosine": cosine, "target_cosine": cosine})
        figures = {
            "icon_px": len(different[0]),
            "mean_cosine": float(cosine.mean()),
            "overview_px": side,
            "order": BLOCKS,
        }
        grid = {"cells": len(level), "outside": 0, "in_small_cells": 0}
        layer.levels[size] = LevelRecord(
            Stage(f"grid-{size}", f"{place}/grid", grid), Stage(f"icons-{size}", f"{place}/icons", figures)
        )
    Manifest(icons_of.provenance, icons_of.class_names, {name: layer}).write(folder)
    return Atlas(folder)


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _level(size: int, rng: np.random.Generator) -> Level:
    cells = size * size
    attribution = rng.normal(0, 0.05, (cells, _CLASSES)).astype(np.float32)
    return Level(
        size=size,
        cell=np.arange(cells, dtype=np.int32),
        count=rng.integers(1, 200, cells).astype(np.int32),
        mean=np.ones((cells, _CHANNELS), dtype=np.float32),
        spread=rng.uniform(0.3, 1, cells).astype(np.float32),
        mixture=rng.random(cells) < 0.1,
        attribution=attribution,
        top_classes=np.argsort(-attribution, axis=1)[:, :5].astype(np.int32),
        nearest=np.full((cells, 1), -1, dtype=np.int64),
        point_cell=np.arange(cells, dtype=np.int32),
        min_count=1,
        n_outside=0,
        n_small=0,
    )
