"""What an atlas on disk holds: its levels, cells, positions, provenance."""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atlas.activations import Activations, LabelMeaning, label_meaning, open_activations, select
from atlas.arrays import read_arrays
from atlas.assets import asset
from atlas.blocks import BLOCKS, block_order
from atlas.errors import AtlasError
from atlas.grid import CellTable, Level
from atlas.layout import Landmarks
from atlas.level import AtlasLevel
from atlas.manifest import LayerRecord, Manifest, Stage
from atlas.overview import read_overview
from atlas.sprites import SheetReader

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray


class AtlasReader:
    """Reads an activation atlas on disk; nothing here draws or computes.

    Parameters
    ----------
    path : path
        Folder ``name.atlas``.

    Raises
    ------
    AtlasError
        There is no atlas, it is damaged, or a later version wrote it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.manifest = Manifest.read(self.path)
        self._levels: dict[tuple[str, int], AtlasLevel] = {}

    def __repr__(self) -> str:
        layers = "; ".join(f"{layer} at {', '.join(str(size) for size in self.grids(layer))}" for layer in self.layers)
        return f"<{type(self).__name__} {self.path.name}: {layers}>"

    def reload(self) -> None:
        """Read anew what the atlas holds, after a build went on."""
        self.manifest = Manifest.read(self.path)
        # A new one: another thread may still be reading what the old manifest says.
        self._levels = {}

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers of the network that the atlas shows."""
        return tuple(self.manifest.layers)

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the atlas comes from: network, images, settings, seeds, library versions."""
        return self.manifest.provenance

    @property
    def axes(self) -> dict[str, str] | None:
        """What lies in which direction, for atlases where directions have a meaning: left, right, vertical."""
        return None

    @property
    def class_names(self) -> list[str] | None:
        """Name of every class, where known."""
        return self.manifest.class_names

    def record(self, layer: str | None = None) -> tuple[str, LayerRecord]:
        """Name and stages of a layer; by default the first.

        Raises
        ------
        AtlasError
            There is no such layer, or none at all yet.
        """
        if not self.layers:
            raise AtlasError(f"{self.path.name} holds nothing yet, its build was interrupted; build it again to go on.")
        name = self.layers[0] if layer is None else layer
        if name not in self.manifest.layers:
            raise AtlasError(f"The atlas has no layer {name!r}; it has {', '.join(self.layers)}.")
        return name, self.manifest.layers[name]

    def label_meaning(self, layer: str | None = None) -> LabelMeaning:
        """Say what the class labels of a layer (by default the first) are worth: whether attributions tell the class.

        Measured while the activations were collected. Where they do not say, the name of the layer decides: the early
        layers of networks that are known have no labels.
        """
        name = self.record(layer)[0]
        return label_meaning(name, self.provenance["activations"]["collected"].get("attribution"))

    def grids(self, layer: str | None = None) -> tuple[int, ...]:
        """Grid sizes of a layer (by default the first), coarse to fine."""
        return tuple(self.record(layer)[1].levels)

    def summary(self, layer: str | None = None) -> dict[str, Any]:
        """Settings and figures of a layer: of its layout, and of each level's grid and icons."""
        record = self.record(layer)[1]
        levels = {
            size: {"grid": level.grid.summary, "icons": level.icons.summary if level.icons else None}
            for size, level in record.levels.items()
        }
        return {"layout": record.layout.summary, "levels": levels}

    def level(self, size: int | None = None, layer: str | None = None) -> AtlasLevel:
        """One level of a layer.

        Parameters
        ----------
        size : int, optional
            Cells a side; by default the finest that is rendered.
        layer : str, optional
            By default the first.

        Raises
        ------
        AtlasError
            There is no such level, or it is damaged.
        """
        levels = self._levels
        name, record = self.record(layer)
        rendered = [other for other, stages in record.levels.items() if stages.icons is not None]
        chosen = max(rendered or record.levels, default=0) if size is None else size
        if chosen not in record.levels:
            there = ", ".join(str(other) for other in record.levels) or "none"
            raise AtlasError(f"{self.path.name} has no level {chosen} of {name}; it has {there}.")
        if (name, chosen) not in levels:
            stages = record.levels[chosen]
            grid = Level.from_arrays(read_arrays(self._folder(stages.grid) / "arrays.zarr"))
            icons, scores, overview = None, {}, None
            if stages.icons is not None:
                folder = self._folder(stages.icons)
                icon_px = int(stages.icons.summary["icon_px"])
                order = block_order(grid.cell, chosen, icon_px) if stages.icons.summary.get("order") == BLOCKS else None
                icons = SheetReader(folder, icon_px, len(grid), order=order)
                scores = read_arrays(folder / "arrays.zarr", "cosine", "target_cosine")
                side = stages.icons.summary.get("overview_px")
                overview = partial(read_overview, folder, chosen, side) if isinstance(side, int) and side else None
            scored = scores.get("cosine"), scores.get("target_cosine")
            levels[name, chosen] = AtlasLevel(grid, icons, *scored, overview)
        return levels[name, chosen]

    def cells(self, level: int | None = None, layer: str | None = None) -> CellTable:
        """Cells of a level as a table; ``.to_pandas()`` gives a DataFrame.

        Columns: cell, row, column, x, y, count, spread, mixture; with attributions class_index, class and attribution;
        with icons cosine. There is no class where names are not known or mean little (`label_meaning`).
        """
        found = self.level(level, layer)
        names = self.class_names if self.label_meaning(layer).informative else None
        table = found.grid.table(names)
        return table if found.cosine is None else table.with_columns(cosine=found.cosine)

    def xy(self, layer: str | None = None) -> NDArray[np.float32]:
        """Position (N, 2) of every activation; the frame is [0, 1), NaN for vectors of zeros."""
        arrays = self._layout_arrays(layer)
        return np.asarray(arrays["xy"], dtype=np.float32)

    def landmarks(self, layer: str | None = None) -> Landmarks:
        """Kept points of the layout, by which new vectors are placed."""
        arrays = self._layout_arrays(layer)
        prefix = "landmarks_"
        return Landmarks.from_arrays(
            {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
        )

    def _layout_arrays(self, layer: str | None) -> dict[str, np.ndarray[Any, Any]]:
        return read_arrays(self._folder(self.record(layer)[1].layout) / "arrays.zarr", "xy")

    def level_folder(self, size: int, layer: str | None = None) -> Path:
        """Folder of a level's grid: its arrays and ``examples.json``."""
        self.level(size, layer)
        return self._folder(self.record(layer)[1].levels[size].grid)

    def _folder(self, stage: Stage) -> Path:
        folder = self.path / stage.folder
        below = [folder, *folder.parents][: len(folder.parts) - len(self.path.parts)]
        if any(part.is_symlink() for part in below):
            raise AtlasError(f"{stage.folder} of {self.path.name} is behind a link; an atlas holds plain files only.")
        return folder

    @cached_property
    def activations(self) -> Activations:
        """The activations that the atlas was built from.

        Raises
        ------
        AtlasError
            They are not where the atlas says (an atlas links them, it does not contain them), or have changed.
        """
        link = self.provenance["activations"]
        kind, name = link["kind"], str(link["link"])
        if kind == "memory":
            raise AtlasError("This atlas was built from activations in memory; collect them with out=… to keep them.")
        where = asset(name) if kind == "embedded" else self.path / name
        if not where.is_dir():
            raise AtlasError(f"The activations of this atlas are not at {name}, seen from the atlas; put them there.")
        activations = open_activations(where)
        if activations.digest != link["digest"]:
            raise AtlasError(f"{name} holds other activations than this atlas was built from; build it again.")
        part = self.provenance.get("part")
        if part is None:
            return activations
        rows = read_arrays(self._folder(self.record(part["layer"])[1].layout) / "arrays.zarr", "rows")["rows"]
        return select(activations, part["layer"], rows)
