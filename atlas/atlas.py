"""The Atlas: what `build` returns and `open` reads."""

from __future__ import annotations

import io
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atlas.activations import Activations, open_activations
from atlas.arrays import read_arrays
from atlas.assets import asset
from atlas.errors import AtlasError
from atlas.export import Marker, render_level, write_png
from atlas.grid import CellTable, Level
from atlas.layout import Landmarks
from atlas.level import AtlasLevel
from atlas.manifest import LayerRecord, Manifest, Stage
from atlas.models.depth import is_early
from atlas.projection import Projection, project
from atlas.sprites import SheetReader

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import Image

    from atlas.models import VisionModel


class Atlas:
    """An activation atlas on disk.

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
        self._manifest = Manifest.read(self.path)
        self._levels: dict[tuple[str, int], AtlasLevel] = {}

    def __repr__(self) -> str:
        layers = "; ".join(f"{layer} at {', '.join(str(size) for size in self.grids(layer))}" for layer in self.layers)
        return f"<Atlas {self.path.name}: {layers}>"

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers of the network that the atlas shows."""
        return tuple(self._manifest.layers)

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the atlas comes from: network, images, settings, seeds, library versions."""
        return self._manifest.provenance

    @property
    def class_names(self) -> list[str] | None:
        """Name of every class, where known."""
        return self._manifest.class_names

    def _record(self, layer: str | None) -> tuple[str, LayerRecord]:
        if not self.layers:
            raise AtlasError(f"{self.path.name} holds nothing yet, its build was interrupted; build it again to go on.")
        name = self.layers[0] if layer is None else layer
        if name not in self._manifest.layers:
            raise AtlasError(f"The atlas has no layer {name!r}; it has {', '.join(self.layers)}.")
        return name, self._manifest.layers[name]

    def grids(self, layer: str | None = None) -> tuple[int, ...]:
        """Grid sizes of a layer (by default the first), coarse to fine."""
        return tuple(self._record(layer)[1].levels)

    def summary(self, layer: str | None = None) -> dict[str, Any]:
        """Settings and figures of a layer: of its layout, and of each level's grid and icons."""
        record = self._record(layer)[1]
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
        name, record = self._record(layer)
        rendered = [other for other, stages in record.levels.items() if stages.icons is not None]
        chosen = max(rendered or record.levels, default=0) if size is None else size
        if chosen not in record.levels:
            there = ", ".join(str(other) for other in record.levels) or "none"
            raise AtlasError(f"{self.path.name} has no level {chosen} of {name}; it has {there}.")
        if (name, chosen) not in self._levels:
            stages = record.levels[chosen]
            grid = Level.from_arrays(read_arrays(self._folder(stages.grid) / "arrays.zarr"))
            icons, scores = None, {}
            if stages.icons is not None:
                folder = self._folder(stages.icons)
                icons = SheetReader(folder, int(stages.icons.summary["icon_px"]), len(grid))
                scores = read_arrays(folder / "arrays.zarr", "cosine", "target_cosine")
            self._levels[name, chosen] = AtlasLevel(grid, icons, scores.get("cosine"), scores.get("target_cosine"))
        return self._levels[name, chosen]

    def cells(self, level: int | None = None, layer: str | None = None) -> CellTable:
        """Cells of a level as a table; ``.to_pandas()`` gives a DataFrame.

        Columns: cell, row, column, x, y, count, spread, mixture; with attributions class_index, class (where names are
        known) and attribution; with icons cosine.
        """
        found = self.level(level, layer)
        table = found.grid.table(self.class_names)
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
        return read_arrays(self._folder(self._record(layer)[1].layout) / "arrays.zarr", "xy")

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
        return activations

    def project(
        self,
        images: Any,  # noqa: ANN401 - whatever `collect` takes
        *,
        model: VisionModel | None = None,
        layer: str | None = None,
        per_image: int | str = "all",
    ) -> Projection:
        """Place new images on the atlas, where their activations would lie.

        Parameters
        ----------
        images
            Anything `collect` takes; a single Pillow image or path too.
        model : VisionModel, optional
            The network of the atlas; loaded by its name when left out.
        layer : str, optional
            By default the first.
        per_image : int or "all"
            Positions a picture.
        """
        name = self._record(layer)[0]
        return project(self.landmarks(name), self.provenance, images, model=model, layer=name, per_image=per_image)

    def picture(
        self,
        level: int | None = None,
        *,
        layer: str | None = None,
        icon_px: int = 80,
        background: str = "white",
        density: bool = False,
        labels: bool = False,
        markers: Sequence[Marker] | None = None,
        title: str | None = None,
        footer: str | None = None,
    ) -> Image.Image:
        """One level as a Pillow image; see `to_png`."""
        found = self.level(level, layer)
        if found.icons is None:
            raise AtlasError(f"The icons of level {found.size} are not rendered yet; build the atlas again to go on.")
        names = self._labels(found.size, layer) if labels else None
        return render_level(
            found.size,
            found.grid.cell.astype(np.int64),
            found.icons.__getitem__,
            icon_px=icon_px,
            background=background,
            density=found.grid.count.astype(np.int64) if density else None,
            labels=names,
            markers=markers,
            title=title,
            footer=footer,
        )

    def _labels(self, level: int, layer: str | None) -> list[str]:
        name = self._record(layer)[0]
        if is_early(name):
            raise AtlasError(f"Class labels mean little at {name}, so early in the network; draw it without labels.")
        table = self.cells(level, name)
        if "class" not in table.columns:
            raise AtlasError("This atlas has no class labels: no attributions were collected, or no class names.")
        return [str(label) for label in table["class"]]

    def to_png(self, path: str | os.PathLike[str], level: int | None = None, **options: Any) -> Path:  # noqa: ANN401
        """Write one level as a PNG picture, whole or not at all.

        Parameters
        ----------
        path : path
            Name that ends in .png.
        level : int, optional
            Cells a side; by default the finest.
        **options
            layer, icon_px (16 to 384), background ("white", "transparent", any colour), density (icons sized by the
            number of members), labels (class names on cells), markers, title, footer.
        """
        target = Path(path)
        write_png(self.picture(level, **options), target)
        return target

    def _repr_png_(self) -> bytes | None:
        """Show the coarsest level in notebooks that run no widget."""
        levels = self._manifest.layers[self.layers[0]].levels if self.layers else {}
        rendered = [size for size, level in levels.items() if level.icons is not None]
        if not rendered:
            return None
        size = rendered[0]
        buffer = io.BytesIO()
        self.picture(size, icon_px=max(16, min(80, 640 // size))).save(buffer, "PNG")
        return buffer.getvalue()


def open_atlas(path: str | os.PathLike[str]) -> Atlas:
    """Open an atlas; see `Atlas`."""
    return Atlas(path)
