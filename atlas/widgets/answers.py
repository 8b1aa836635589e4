"""What the viewer asks for, answered from the atlas on disk: plain values and binary buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from atlas.errors import AtlasError
from atlas.export.packing import class_attribution, pack_cells
from atlas.widgets.sentences import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.patches import Patches
    from atlas.reader import AtlasReader

    Answer = tuple[dict[str, Any], list[bytes]]

#: What nonsense from a browser, or a file that has just gone, raises on the way.
REFUSALS: Final = (AtlasError, OSError, ValueError, LookupError, TypeError)


class Answers:
    """Answers requests; never raises for what a request says or the disk lacks.

    Parameters
    ----------
    world : AtlasReader
        The atlas.
    patches : Patches, optional
        Where example patches come from.
    """

    def __init__(self, world: AtlasReader, patches: Patches | None = None) -> None:
        self._world = world
        self._patches = patches
        self._kinds: dict[str, Callable[[dict[str, Any]], Answer]] = {
            "cells": self._cells,
            "sheet": self._sheet,
            "overview": self._overview,
            "attribution": self._attribution,
            "patches": self._examples,
        }

    def __call__(self, request: dict[str, Any]) -> Answer:
        """Answer one request: ``{"id", "kind", "ok": True, …}`` and buffers, or ``ok`` False and an ``error``."""
        about = {"id": request.get("id"), "kind": request.get("kind")}
        try:
            content, buffers = self._kinds.get(str(about["kind"]), self._unknown)(request)
        except REFUSALS as error:
            return about | {"ok": False, "error": sentence(error, self._world)}, []
        return about | {"ok": True} | content, buffers

    def _unknown(self, request: dict[str, Any]) -> Answer:
        raise AtlasError(f"The view asked for {request.get('kind')!r}, which this version does not know.")

    def _cells(self, request: dict[str, Any]) -> Answer:
        packed = pack_cells(self._world.level(int(request["level"]), request["layer"]))
        return packed.header(), [packed.data]

    def _sheet(self, request: dict[str, Any]) -> Answer:
        icons = self._world.level(int(request["level"]), request["layer"]).icons
        if icons is None:
            raise AtlasError(f"The icons of level {request['level']} are not rendered yet.")
        return {}, [icons.read(int(request["sheet"]))]

    def _overview(self, request: dict[str, Any]) -> Answer:
        overview = self._world.level(int(request["level"]), request["layer"]).overview
        if overview is None:
            raise AtlasError(f"Level {request['level']} has no overview.")
        return {}, [overview()]

    def _attribution(self, request: dict[str, Any]) -> Answer:
        level = self._world.level(int(request["level"]), request["layer"])
        return {}, [class_attribution(level, int(request["class_index"])).tobytes()]

    def _examples(self, request: dict[str, Any]) -> Answer:
        if self._patches is None:
            raise AtlasError("The photographs are not at hand: view(images=…) shows example patches.")
        layer, size = request["layer"], int(request["level"])
        found = self._patches(layer, size, row_of(self._world, layer, size, int(request["cell"])))
        return {"count": len(found)}, found


def row_of(world: AtlasReader, layer: str, size: int, cell: int) -> int:
    """Row of a cell in the arrays of its level.

    Raises
    ------
    AtlasError
        The cell is empty.
    """
    rows = (world.level(size, layer).grid.cell == cell).nonzero()[0]
    if not len(rows):
        raise AtlasError(f"Cell {cell} of level {size} is empty.")
    return int(rows[0])
