"""The parts of a page that are too large for its header: cells, sheets, attributions, patches.

A page keeps a part as base64 text in a script block of its own, which the browser does not parse before it is wanted;
a folder keeps it in a script beside the page that hands the text over. Either way a part is known by a short reference.
Pictures too: a browser decodes bytes that it is handed beside its main thread, but an image element on it, once more
for the canvas, and the picture that moves stands still meanwhile.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from atlas.errors import AtlasError
from atlas.export.dense import MARK, UTF_16, dense_text
from atlas.export.packing import pack_cells, quantise_attribution

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from atlas.level import AtlasLevel
    from atlas.reader import AtlasReader

    #: From layer, level and row to a few example patches as WebP files.
    PatchesOf = Callable[[str, int, int], Sequence[bytes]]

#: Cells of a level whose patches are cut to say what all of them will take.
_SAMPLED_CELLS: Final = 24


class Parts(Protocol):
    """Takes parts and says how the page refers to them.

    Attributes
    ----------
    blocks : list of str
        What goes into the page itself.
    """

    blocks: list[str]

    def data(self, name: str, data: bytes) -> str:
        """Keep numbers or a WebP picture."""


class InPage:
    """Parts as script blocks of the page itself."""

    def __init__(self) -> None:
        self.blocks: list[str] = []

    def data(self, name: str, data: bytes) -> str:
        """Add a block; its reference is ``#`` and its id."""
        self.blocks.append(f'<script type="text/plain" id="part-{name}">{_text(data)}</script>\n')
        return f"#part-{name}"


class _Counted(InPage):
    """Parts of a page that are counted and let go."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def data(self, name: str, data: bytes) -> str:
        """Count a block."""
        reference = super().data(name, data)
        self.bytes += len(self.blocks.pop())
        return reference


class InFolder:
    """Parts as scripts beside the page.

    A page that is opened from a disk may load nothing else.

    Parameters
    ----------
    folder : Path
        Where the page is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.blocks: list[str] = []

    def data(self, name: str, data: bytes) -> str:
        """Write a script that hands its content over; its reference is its relative path."""
        reference = f"data/{name}.js"
        path = self._folder / reference
        path.parent.mkdir(exist_ok=True)
        before, after = f'__atlasData("{reference}",{len(data)},"', '");\n'
        path.write_bytes(MARK + before.encode(UTF_16) + dense_text(data) + after.encode(UTF_16))
        return reference


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def write_payload(
    world: AtlasReader,
    shown: Mapping[str, Sequence[int]],
    parts: Parts,
    patches: PatchesOf | None = None,
    *,
    prefix: str = "",
) -> dict[str, Any]:
    """Hand every part of the levels shown to `parts`; returns what the page needs to find them again.

    Names of parts begin with `prefix`, which tells several atlases of a page apart.

    Raises
    ------
    AtlasError
        A part of the atlas is missing or damaged.
    """
    levels = {}
    for position, (layer, sizes) in enumerate(shown.items()):
        for size in sizes:
            name = f"{prefix}{position}-{size:04d}"
            levels[f"{layer}/{size}"] = _level(world.level(size, layer), name, parts) | {
                "patches": _patches(world.level(size, layer), layer, name, parts, patches)
            }
    return {"levels": levels}


def _level(level: AtlasLevel, name: str, parts: Parts) -> dict[str, Any]:
    packed = pack_cells(level)
    cells = packed.header() | {"data": parts.data(f"{name}-cells", packed.data)}
    icons = level.icons
    sheets = range(0 if icons is None else icons.sheets)
    attribution = None
    if level.grid.attribution is not None:
        codes, scale = quantise_attribution(level.grid.attribution)
        attribution = {
            "data": parts.data(f"{name}-attribution", codes.tobytes()),
            # Six digits: more than a byte's worth of a value can need.
            "scale": [float(f"{value:.6g}") for value in scale],
            "classes": len(scale),
        }
    return {
        "cells": cells,
        "overview": None if level.overview is None else parts.data(f"{name}-overview", level.overview()),
        "sheets": [parts.data(f"{name}-{i:03d}", icons.read(i)) for i in sheets if icons is not None],
        "attribution": attribution,
    }


def _patches(
    level: AtlasLevel, layer: str, name: str, parts: Parts, patches: PatchesOf | None
) -> list[list[str]] | None:
    if patches is None:
        return None
    return [
        [parts.data(f"{name}-{row:05d}-{i}", patch) for i, patch in enumerate(patches(layer, level.size, row))]
        for row in range(len(level.grid))
    ]


def payload_bytes(world: AtlasReader, shown: Mapping[str, Sequence[int]], patches: PatchesOf | None = None) -> int:
    """What these levels take in a page of one file, in bytes; patches as some cells of every level have them."""
    counted = _Counted()
    payload = write_payload(world, shown, counted)
    total = counted.bytes + len(json.dumps(payload, separators=(",", ":")))
    if patches is None:
        return total
    for layer, sizes in shown.items():
        for size in sizes:
            cells = len(world.level(size, layer).grid)
            some = np.unique(np.linspace(0, cells - 1, min(cells, _SAMPLED_CELLS)).astype(int)).tolist()
            sample = _Counted()
            names = [
                sample.data(f"0-{size:04d}-{row:05d}-0", patch) for row in some for patch in patches(layer, size, row)
            ]
            total += round((sample.bytes + len(json.dumps(names, separators=(",", ":")))) * cells / max(1, len(some)))
    return total


def chosen_levels(
    world: AtlasReader, layers: Sequence[str] | None, levels: Sequence[int] | None
) -> dict[str, tuple[int, ...]]:
    """Levels of each layer to export: those asked for that have icons, by default all that have.

    Raises
    ------
    AtlasError
        There is no such layer or level, or it has no icons yet.
    """
    shown: dict[str, tuple[int, ...]] = {}
    for name in world.layers if layers is None else layers:
        records = world.record(name)[1].levels
        rendered = tuple(size for size, record in records.items() if record.icons is not None)
        missing = [size for size in levels or () if size not in rendered]
        if missing:
            there = ", ".join(str(size) for size in rendered) or "none"
            raise AtlasError(f"{name} has no level {missing[0]} with icons; it has {there}.")
        shown[name] = rendered if levels is None else tuple(sorted(set(levels)))
    if not any(shown.values()):
        raise AtlasError(f"{world.path.name} has no icons yet; build it again to go on.")
    return {name: sizes for name, sizes in shown.items() if sizes}
