"""The stages of an atlas: layout, grid, icons. Each is done only when its digest is new."""

from __future__ import annotations

import functools
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from atlas.activations import digest_of
from atlas.arrays import read_arrays, write_arrays
from atlas.blocks import BLOCKS, block_order
from atlas.grid import Level, default_grids, make_grid
from atlas.icons import medoid_icons, render_icons, seconds_per_icon
from atlas.layout import LayoutSettings
from atlas.layout import layout as lay_out
from atlas.manifest import Stage
from atlas.models.depth import is_early
from atlas.overview import write_overview
from atlas.progress import Watcher
from atlas.provenance import versions
from atlas.render import arithmetic, second_moment
from atlas.sprites import write_sheets
from atlas.tiles import Tiles, tiles_done
from atlas.writing import new_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.activations import Activations
    from atlas.images import ImageSource
    from atlas.models import VisionModel
    from atlas.progress import Progress
    from atlas.render import Icons, RenderSettings

#: Raised when a stage's result changes for equal settings, so that old results are made anew.
_REVISION = {"layout": 1, "grid": 1, "icons": 2}
_NEIGHBOURS_TOLD = 9


@dataclass(frozen=True)
class IconPlan:
    """How icons are made: from `source`, real patches; without it, rendered."""

    model: VisionModel
    settings: RenderSettings
    seed: int
    engine: str
    source: ImageSource | None
    #: Second moment (C, C) of the layer that whitening goes by, where icons are of a part of its activations.
    moment: NDArray[np.float64] | None = None

    @property
    def kind(self) -> str:
        """Name of the way, as `build` takes it."""
        return "rendered" if self.source is None else "medoid"


def sizes_for(grids: Sequence[int] | None, xy: NDArray[np.float32]) -> list[int]:
    """Grid sizes, coarse to fine; by default what the points can fill."""
    if grids is None:
        return list(default_grids(int(np.isfinite(xy).all(axis=1).sum())))
    return sorted(set(grids))


def layout_stage(
    folder: Path,
    old: Stage | None,
    acts: Activations,
    name: str,
    settings: LayoutSettings,
    report: Progress,
    kept: Mapping[str, NDArray[Any]] | None = None,
    device: str | None = None,
) -> tuple[Stage, NDArray[np.float32]]:
    """Positions (N, 2) of a layer's activations; arrays to be `kept` are stored beside them."""
    digest = digest_of(
        {"stage": "layout", "revision": _REVISION["layout"], "acts": acts.layer_digest(name), "layer": name}
        | {"settings": settings.record()}
    )
    place = f"{layer_folder(name)}/layout-{digest[:8]}"
    if old is None or old.digest != digest:
        rows = acts[name]
        report.note(f"Laying out {len(rows):,} activations of {name} ({settings}).")
        found = lay_out(rows.vectors, settings, device=device, progress=report)
        landmarks = {f"landmarks_{key}": array for key, array in found.landmarks.arrays().items()}
        with new_folder(folder / place) as part:
            write_arrays(part / "arrays.zarr", {"xy": found.xy, "inside": found.inside, **landmarks, **(kept or {})})
        old = Stage(digest, place, found.summary() | {"versions": versions()})
    return old, np.asarray(read_arrays(folder / place / "arrays.zarr", "xy")["xy"], dtype=np.float32)


def layer_folder(name: str) -> str:
    """Folder of a layer; characters that some file system does not take, or takes for a way out, are spelled out."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else f"~{ord(c):x}~" for c in name)
    return f"layers/{plain if plain.strip('.') else plain.replace('.', '~2e~')}"


def grid_stage(
    folder: Path,
    old: Stage | None,
    acts: Activations,
    name: str,
    layout: Stage,
    xy: NDArray[np.float32],
    size: int,
    min_count: int | None,
) -> tuple[Stage, Level]:
    """Cells of one grid over the layout."""
    digest = digest_of(
        {"stage": "grid", "revision": _REVISION["grid"], "layout": layout.digest, "size": size, "min_count": min_count}
    )
    place = f"{layer_folder(name)}/levels/{size:04d}/grid-{digest[:8]}"
    if old is None or old.digest != digest:
        rows = acts[name]
        level = make_grid(
            xy, rows.vectors, size, attributions=rows.attributions, min_count=min_count, nearest=_NEIGHBOURS_TOLD
        )
        with new_folder(folder / place) as part:
            write_arrays(part / "arrays.zarr", level.arrays())
            _write_examples(part / "examples.json", acts, name, level)
        old = Stage(
            digest,
            place,
            {
                "cells": len(level),
                "points": len(xy),
                "outside": level.n_outside,
                "in_small_cells": level.n_small,
                "min_count": level.min_count,
                "mixtures": int(level.mixture.sum()),
                "mean_spread": float(level.spread.mean()) if len(level) else None,
            },
        )
    return old, Level.from_arrays(read_arrays(folder / place / "arrays.zarr"))


def _write_examples(path: Path, acts: Activations, name: str, level: Level) -> None:
    """References to the images nearest to each cell's mean: an atlas may be shared without its activations."""
    rows = acts[name]
    used = np.unique(level.nearest[level.nearest >= 0])
    images = np.unique(rows.image[used]).tolist()
    content = {
        "map_size": list(rows.map_size),
        "images": {
            str(i): {"id": acts.image_ids[i], "digest": acts.image_digests[i], "label": acts.image_labels[i]}
            for i in images
        },
        "activations": {str(row): [int(rows.image[row]), *rows.position[row].tolist()] for row in used},
    }
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def icons_stage(
    folder: Path,
    old: Stage | None,
    acts: Activations,
    name: str,
    grid: Stage,
    level: Level,
    plan: IconPlan,
    report: Progress,
) -> Stage:
    """Icons of one grid, as sprite sheets, with their scores."""
    settings = plan.settings
    # Tile and precision are chosen by the device and change rounding only: an atlas rendered on a GPU is not rendered
    # again because it is now on a processor.
    made_by = settings.provenance() | {
        "bandwidth": settings.bandwidth_for(plan.model),
        "whitened": not is_early(name),
        "dtype": str(plan.model.dtype).removeprefix("torch."),
    }
    digest = digest_of(
        {
            "stage": "icons",
            "revision": _REVISION["icons"],
            "grid": grid.digest,
            "model": [plan.model.digest, plan.model.input_digest],
            "images": None if plan.source is None else [plan.source.name, len(plan.source)],
            "kind": plan.kind,
            "engine": plan.engine,
            "seed": plan.seed,
            "settings": made_by,
        }
    )
    if old is not None and old.digest == digest:
        return old
    place = f"{layer_folder(name)}/levels/{level.size:04d}/icons-{digest[:8]}"
    partial = folder / f"{place}.partial"
    icons = _make_icons(partial, acts, name, level, plan, report)
    with new_folder(folder / place) as part:
        order = block_order(level.cell, level.size, settings.size)
        sheets = write_sheets(part, (icons.images[i] for i in order.tolist()), settings.size)
        overview = write_overview(part, level.size, level.cell, icons.images.__getitem__)
        write_arrays(part / "arrays.zarr", {"cosine": icons.cosine, "target_cosine": icons.target_cosine})
    shutil.rmtree(partial, ignore_errors=True)
    return Stage(
        digest,
        place,
        {
            "kind": plan.kind,
            "engine": plan.engine,
            "icon_px": settings.size,
            "icons": len(icons),
            "sheets": sheets,
            "order": BLOCKS,
            "overview_px": overview,
            "device": plan.model.device.type,
            "seed": plan.seed,
            "settings": made_by | arithmetic(plan.model, name, settings) | {"tiles": _widths(icons)},
            "versions": versions(),
            "below_half": int((icons.cosine < 0.5).sum()),
            "mean_cosine": _mean(icons.cosine),
            "mean_target_cosine": _mean(icons.target_cosine),
        },
    )


def _make_icons(
    partial: Path, acts: Activations, name: str, level: Level, plan: IconPlan, report: Progress
) -> Icons | Tiles:
    if plan.source is not None:
        return medoid_icons(plan.model, name, level, acts, plan.source, plan.settings.size)
    cost = ""
    left = len(level) - tiles_done(partial) * plan.settings.tile_on(plan.model.device)
    if plan.engine == "atlas" and left > 0:
        seconds = seconds_per_icon(plan.model, name, plan.settings) * left
        cost = f", about {_duration(seconds)} on this device ({plan.model.device.type})"
    report.note(
        f"Rendering {len(level):,} icons of {name} at level {level.size}: "
        f"{plan.settings.size} px, {plan.settings.steps} steps{cost}."
    )
    return render_icons(
        plan.model,
        name,
        level,
        second_moment(acts[name].vectors) if plan.moment is None else plan.moment,
        plan.settings,
        seed=plan.seed,
        engine=plan.engine,
        partial=partial,
        progress=lambda done, total: report(f"icons {name} {level.size}", done, total),
        watch=functools.partial(report.icons, name, level.size) if isinstance(report, Watcher) else None,
    )


def _widths(icons: Icons | Tiles) -> dict[str, int]:
    """How many icons were optimised in batches of each width."""
    widths, counts = np.unique(icons.width[icons.width > 0], return_counts=True)
    return {str(width): int(count) for width, count in zip(widths, counts, strict=True)}


def _mean(values: NDArray[Any]) -> float | None:
    return float(values.mean()) if len(values) else None


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
