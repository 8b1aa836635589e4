"""What the viewer has to know of an atlas before it asks for anything."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from atlas.blocks import BLOCKS
from atlas.sprites import FRAME_PX, SHEET_PX, SheetGeometry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from atlas.export.annotations import Marker
    from atlas.manifest import LevelRecord
    from atlas.reader import AtlasReader

SCHEMA: Final = 1
#: Icons that are not rendered yet, and of unknown size, are announced at the size of the default settings.
_EXPECTED_PX: Final = 80


def viewer_header(
    world: AtlasReader,
    *,
    kernel: bool,
    patches: str = "none",
    markers: Sequence[Marker] | None = None,
    title: str | None = None,
    levels: Mapping[str, Sequence[int]] | None = None,
) -> dict[str, Any]:
    """Layers, levels and where each icon lies in its sheets, as plain values.

    Parameters
    ----------
    kernel : bool
        Whether Python answers questions: the notebook, as against a page.
    patches : {"none", "baked", "kernel"}
        Where real example patches come from.
    markers : sequence of Marker, optional
        Places to point out.
    title : str, optional
        A line for people; by default the name of the atlas.
    levels : dict, optional
        Levels of each layer that are shown; by default all.
    """
    names = world.class_names
    shown = {name: world.grids(name) for name in world.layers} if levels is None else levels
    return {
        "schema": SCHEMA,
        "id": identity(world),
        "name": world.path.name,
        "title": title or world.path.name.removesuffix(".atlas"),
        "kernel": kernel,
        "classes": names,
        "layers": [_layer(world, name, sizes) for name, sizes in shown.items()],
        "markers": [_marker(world, marker) for marker in markers or ()],
        "axes": world.axes,
        "patches": patches,
    }


def opening_layer(world: AtlasReader, markers: Sequence[Marker] | None = None) -> str | None:
    """The layer to show first: that of the markers, or the first where class labels mean something.

    A map with names on it can be read at once. None leaves it at the first.
    """
    if markers:
        return world.record(next(iter(markers)).layer)[0]
    return next((name for name in world.layers if world.label_meaning(name).informative), None)


def identity(world: AtlasReader) -> str:
    """A digest of all icons: views with the same one may share their sheets."""
    stages = [
        stage.digest
        for layer in world.manifest.layers.values()
        for level in layer.levels.values()
        for stage in (level.grid, level.icons)
        if stage is not None
    ]
    return hashlib.blake2b("/".join(stages).encode(), digest_size=12).hexdigest()


def _layer(world: AtlasReader, name: str, sizes: Sequence[int]) -> dict[str, Any]:
    meaning = world.label_meaning(name)
    records = world.record(name)[1].levels
    known = world.class_names is not None and any(
        world.level(size, name).grid.top_classes.shape[1] for size in sizes[:1]
    )
    return {
        "name": name,
        "labels": known and meaning.informative,
        "note": meaning.note if known else None,
        "attributions": all(world.level(size, name).grid.attribution is not None for size in sizes),
        "levels": [_level(size, records[size]) for size in sizes],
    }


def _level(size: int, record: LevelRecord) -> dict[str, Any]:
    cells = int(record.grid.summary["cells"])
    icon_px = _EXPECTED_PX if record.icons is None else int(record.icons.summary["icon_px"])
    overview = None if record.icons is None else record.icons.summary.get("overview_px")
    return {
        "size": size,
        "cells": cells,
        "icons": record.icons is not None,
        "overview_px": overview if isinstance(overview, int) else 0,
        "blocks": record.icons is not None and record.icons.summary.get("order") == BLOCKS,
        **sheet_layout(icon_px, cells),
    }


def sheet_layout(icon_px: int, cells: int) -> dict[str, int]:
    """Where icons of a level lie: the i-th laid is in sheet i // columns², row by row, each behind its frame."""
    geometry = SheetGeometry(icon_px)
    return {
        "icon_px": icon_px,
        "pitch": geometry.pitch,
        "frame": FRAME_PX,
        "columns": geometry.per_side,
        "sheet_px": SHEET_PX,
        "sheets": geometry.sheets(cells),
    }


def _marker(world: AtlasReader, marker: Marker) -> dict[str, Any]:
    # A path would tell whose machine it was; its last part says as much.
    text = Path(marker.text).name if Path(marker.text).is_absolute() else marker.text
    return {"x": marker.x, "y": marker.y, "text": text, "colour": marker.colour, "layer": world.record(marker.layer)[0]}
