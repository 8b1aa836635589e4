"""The Atlas: what `build` returns and `open` reads."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atlas.by_class import ByClass
from atlas.errors import AtlasError
from atlas.export import Marker, render_level, write_png
from atlas.export.deepzoom import write_deep_zoom
from atlas.export.page import PageView, write_page
from atlas.patches import Patches
from atlas.projection import Projection, project

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from PIL import Image

    from atlas.export.state import ViewState
    from atlas.level import AtlasLevel
    from atlas.models import VisionModel
    from atlas.widgets import AtlasView


class Atlas(ByClass):
    """An activation atlas on disk: look at it, place images on it, draw it.

    Parameters
    ----------
    path : path
        Folder ``name.atlas``.

    Raises
    ------
    AtlasError
        There is no atlas, it is damaged, or a later version wrote it.
    """

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
        name = self.record(layer)[0]
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
        here = self.record(layer)[0]
        return self._draw(
            found,
            level_size=found.size,
            cells=found.grid.cell.astype(np.int64),
            icon=found.icons.__getitem__,
            icon_px=icon_px,
            background=background,
            density=found.grid.count.astype(np.int64) if density else None,
            labels=names,
            markers=[marker for marker in markers or () if self.record(marker.layer)[0] == here],
            title=title,
            footer=footer,
        )

    def _draw(self, _found: AtlasLevel, **options: Any) -> Image.Image:  # noqa: ANN401 - those of `render_level`
        """Draw a level; atlases whose directions have a meaning draw their axes too."""
        return render_level(**options)

    def _labels(self, level: int, layer: str | None) -> list[str]:
        name = self.record(layer)[0]
        note = self.label_meaning(name).note
        if note is not None:
            raise AtlasError(f"{note.removesuffix('.')}; draw it without labels.")
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

    def view(
        self,
        *,
        layer: str | None = None,
        level: int = 0,
        images: Any = None,  # noqa: ANN401 - whatever `open_images` takes
        markers: Sequence[Marker] | None = None,
        title: str | None = None,
        model: VisionModel | None = None,
    ) -> AtlasView:
        """Fly through the atlas in a notebook.

        Parameters
        ----------
        layer : str, optional
            Shown first; by default that of the markers, or the first where class labels mean something.
        level : int
            Cells a side of the level to keep; 0 chooses by zoom.
        images
            The photographs that were collected from: shows real example patches of a cell.
        markers : sequence of Marker, optional
            Places to point out, such as ``project(…).markers()``.
        title : str, optional
            By default the name of the atlas.
        model : VisionModel, optional
            What renders a cell large (the key R); by default the network of the atlas, loaded by its name.

        Returns
        -------
        AtlasView
            A widget; show it by making it the last line of a cell. A picture is left beside it for those who read the
            notebook without running it.

        Raises
        ------
        AtlasError
            There is no such layer or level, or the images are others.
        """
        from atlas.widgets import AtlasView  # noqa: PLC0415 - notebooks' packages take a moment to import

        patches = None if images is None else Patches(self, images)
        return AtlasView(self, layer=layer, level=level, patches=patches, markers=markers, title=title, model=model)

    def show_static(self, *, height: int = 600, **options: Any) -> None:  # noqa: ANN401
        """Put the viewer into the notebook as a page of its own, which works without a kernel and without a network.

        Parameters
        ----------
        height : int
            In pixels, 120 or more.
        **options
            layers, levels, markers, title, images, state; see `to_html`.
        """
        from atlas.widgets.still import show_page  # noqa: PLC0415

        images = options.pop("images", None)
        show_page(PageView(self, patches=None if images is None else Patches(self, images), **options), height)

    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        folder: bool = False,
        layers: Sequence[str] | None = None,
        levels: Sequence[int] | None = None,
        markers: Sequence[Marker] | None = None,
        title: str | None = None,
        images: Any = None,  # noqa: ANN401 - whatever `open_images` takes
        state: ViewState | None = None,
    ) -> Path:
        """Write the viewer with this atlas inside as a page that needs no network and no Python.

        Parameters
        ----------
        path : path
            Name that ends in .html; with `folder`, the folder to write.
        folder : bool
            A folder with ``index.html``, whose sheets are loaded when they come into sight: for large atlases. By
            default one file, which holds everything.
        layers, levels : sequence, optional
            What to show; by default everything that is rendered.
        markers : sequence of Marker, optional
            Places to point out.
        title : str, optional
            By default the name of the atlas.
        images
            The photographs that were collected from: bakes real example patches of every cell into the page.
        state : dict, optional
            What is shown first, any of layer, level, camera, class_name, selection, options: see `ViewState`, or take
            the `state` of a view.

        Returns
        -------
        Path
            The file to open.

        Raises
        ------
        AtlasError
            Nothing is rendered yet, there is no such layer, level, class or cell, or the page cannot be written.
        """
        patches = None if images is None else Patches(self, images)
        return write_page([PageView(self, layers, levels, markers, title, patches, state)], Path(path), folder=folder)

    def to_dzi(
        self,
        folder: str | os.PathLike[str],
        level: int | None = None,
        *,
        layer: str | None = None,
        picture_format: str = "webp",
    ) -> Path:
        """Write one level as a deep zoom image, for OpenSeadragon and every viewer that reads its format.

        Parameters
        ----------
        folder : path
            Folder to write: ``atlas.dzi`` and its tiles.
        level : int, optional
            Cells a side; by default the finest.
        layer : str, optional
            By default the first.
        picture_format : {"webp", "png"}
            Of the tiles. Blanks are transparent in both.

        Returns
        -------
        Path
            The ``.dzi`` file.

        Raises
        ------
        AtlasError
            The level is not there or not rendered, or the folder holds something else.
        """
        return write_deep_zoom(self.level(level, layer), Path(folder), picture_format=picture_format)

    def _repr_png_(self) -> bytes | None:
        """Show the coarsest level in notebooks that run no widget."""
        levels = self.manifest.layers[self.layers[0]].levels if self.layers else {}
        rendered = [size for size, level in levels.items() if level.icons is not None]
        if not rendered:
            return None
        size = rendered[0]
        buffer = io.BytesIO()
        self.picture(size, icon_px=max(16, min(80, 640 // size))).save(buffer, "PNG")
        return buffer.getvalue()
