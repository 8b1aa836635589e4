"""Putting stages together into an atlas on disk: begin or go on, add levels, clear away what is replaced."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from atlas.errors import AtlasError
from atlas.manifest import FILE, LayerRecord, LevelRecord, Manifest, Stage
from atlas.progress import Watcher
from atlas.provenance import provenance_of
from atlas.stages import IconPlan, grid_stage, icons_stage
from atlas.writing import is_left_over

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.activations import Activations
    from atlas.models import VisionModel
    from atlas.progress import Progress


def refuse_other(folder: Path) -> None:
    """Refuse a name that belongs to something else than an atlas.

    Raises
    ------
    AtlasError
        `folder` is a file, or a folder with other things in it.
    """
    if folder.exists() and not folder.is_dir():
        raise AtlasError(f"{folder} is a file; give another name as out.")
    other = folder.is_dir() and any(not is_left_over(path) for path in folder.iterdir())
    if other and not (folder / FILE).is_file():
        raise AtlasError(f"{folder} exists and is not an atlas; give another name as out, or empty it.")


def take_up(
    folder: Path, acts: Activations, model: VisionModel, seed: int, part: dict[str, Any] | None = None
) -> Manifest:
    """Start an atlas, or read the one that is there.

    Parameters
    ----------
    acts : Activations
        What it is of, whole.
    part : dict, optional
        Which part of them it shows, for atlases of classes: kind, layer, classes, and how they were chosen.

    Raises
    ------
    AtlasError
        The atlas in `folder` is of other activations, or of other classes.
    """
    manifest = Manifest.read(folder) if (folder / FILE).is_file() else Manifest()
    before = manifest.provenance
    if before.get("activations", {}).get("digest") not in (None, acts.digest):
        raise AtlasError(f"{folder} was built from other activations; give another name as out, or delete it.")
    reseeded = part is not None and before.get("seed", seed) != seed
    if before and (reseeded or _subject(before.get("part")) != _subject(part)):
        raise AtlasError(f"{folder} shows something else of these activations; give another name as out, or delete it.")
    manifest.provenance = provenance_of(folder, acts, model) | {"seed": seed} | ({"part": part} if part else {})
    manifest.class_names = model.labels.names if model.labels is not None else None
    manifest.write(folder)
    return manifest


def _subject(part: dict[str, Any] | None) -> list[Any] | None:
    """What decides whether two atlases are of the same activations, however they are drawn."""
    return None if part is None else [part.get(key) for key in ("kind", "layer", "classes", "own", "k")]


def add_levels(
    folder: Path,
    manifest: Manifest,
    acts: Activations,
    name: str,
    placed: tuple[Stage, NDArray[Any]],
    sizes: Sequence[int],
    min_count: int | None,
    plan: IconPlan,
    report: Progress,
) -> None:
    """Grid and render a layer that is laid out, level by level, keeping what is there already.

    Parameters
    ----------
    placed : (Stage, array (N, 2))
        The layout and its positions, as `layout_stage` gives them.
    sizes : sequence of int
        Cells a side, coarse to fine.
    min_count, plan
        See `build`.
    """
    layout, xy = placed
    old = manifest.layers.get(name)
    kept = old.levels if old is not None and old.layout.digest == layout.digest else {}
    record = manifest.layers[name] = LayerRecord(layout, dict(kept))
    manifest.write(folder)
    if len(sizes) > 1:
        report.note(f"{name} at levels {', '.join(str(size) for size in sizes)}; grids=(…) or --grid chooses others.")
    for size in sizes:
        before = record.levels.get(size)
        grid, level = grid_stage(folder, before.grid if before else None, acts, name, layout, xy, size, min_count)
        same = before is not None and before.grid.digest == grid.digest
        icons = before.icons if before is not None and same else None
        record.levels[size] = LevelRecord(grid, icons)
        _enter(folder, manifest, report)
        record.levels[size].icons = icons_stage(folder, icons, acts, name, grid, level, plan, report)
        record.levels = dict(sorted(record.levels.items()))
        _enter(folder, manifest, report)


def _enter(folder: Path, manifest: Manifest, report: Progress) -> None:
    manifest.write(folder)
    if isinstance(report, Watcher):
        report.changed(folder)


def tidy(folder: Path, manifest: Manifest) -> None:
    """Remove stages that nothing refers to any more, and only those: other files of the folder are not ours."""
    used, waiting = set(), set()
    for layer in manifest.layers.values():
        used.add(layer.layout.folder)
        for level in layer.levels.values():
            used |= {level.grid.folder} | ({level.icons.folder} if level.icons else set())
            if level.icons is None:
                waiting.add((folder / level.grid.folder).parent)
    for layer in manifest.layers.values():
        home = (folder / layer.layout.folder).parent
        for stage in [*home.glob("layout-*"), *home.glob("levels/*/grid-*"), *home.glob("levels/*/icons-*")]:
            place = stage.relative_to(folder).as_posix()
            # The finished tiles of an interrupted level are what its next build goes on from.
            kept = place in used or (place.endswith(".partial") and stage.parent in waiting)
            if stage.is_dir() and not stage.is_symlink() and not kept:
                shutil.rmtree(stage)
