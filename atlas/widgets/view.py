"""The viewer as a notebook widget."""

from __future__ import annotations

import itertools
import math
import threading
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from weakref import WeakSet

import traitlets

from atlas.errors import AtlasError
from atlas.export.header import opening_layer, viewer_header
from atlas.export.page import PageView, write_page
from atlas.export.state import checked_camera, nearest_camera
from atlas.widgets.aiming import aim
from atlas.widgets.answers import REFUSALS, Answers
from atlas.widgets.large import LargeIcons
from atlas.widgets.pushed import Pushed
from atlas.widgets.selection import SelectedCell, Selection
from atlas.widgets.sentences import sentence
from atlas.widgets.still import show_with_still
from atlas.widgets.traits import ViewTraits

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from atlas.atlas import Atlas
    from atlas.export import Marker
    from atlas.models import VisionModel
    from atlas.patches import Patches

#: Views that are not closed; their numbers are in the order in which they were made.
_OPEN: Final[WeakSet[AtlasView]] = WeakSet()
_NUMBERS: Final = itertools.count()
#: What linked views share.
_SHARED: Final = ("camera", "level", "class_name")


class AtlasView(ViewTraits):
    """An atlas in a notebook; `Atlas.view` makes one.

    What the user does in the browser is in the traits (`ViewTraits`: layer, level, camera, class_name, selection,
    hovered, options), and setting them moves the view. ``observe`` tells of changes.

    Parameters
    ----------
    world : Atlas
        The atlas.
    layer : str, optional
        Shown first; by default that of the markers, or the first where class labels mean something.
    level : int
        Cells a side of the level shown; 0 chooses by zoom.
    patches : Patches, optional
        Where example patches come from.
    markers : sequence of Marker, optional
        Places to point out.
    title : str, optional
        By default the name of the atlas.
    model : VisionModel, optional
        What renders a cell large; by default the network of the atlas, loaded by its name when first needed.
    """

    def __init__(
        self,
        world: Atlas,
        *,
        layer: str | None = None,
        level: int = 0,
        patches: Patches | None = None,
        markers: Sequence[Marker] | None = None,
        title: str | None = None,
        model: VisionModel | None = None,
    ) -> None:
        self.world = world
        self._told: dict[str, Any] = {
            "patches": "none" if patches is None else "kernel",
            "markers": markers,
            "title": title,
        }
        self._answers, self._patches = Answers(world, patches), patches
        self._large = LargeIcons(world, model, self.send)
        self.pushed = Pushed()
        self.number, self._following = next(_NUMBERS), False
        #: Set by the first request: somebody looks.
        self.looked_at = threading.Event()
        name = world.record(layer or opening_layer(world, markers))[0]
        super().__init__(
            header=viewer_header(world, kernel=True, **self._told),
            layer=name,
            level=level,
            selection=Selection(world, name, ()),
        )
        self.on_msg(self._answer)
        _OPEN.add(self)

    def fly_to(
        self,
        target: str | Sequence[float] | SelectedCell | Selection,
        *,
        zoom: float | None = None,
        seconds: float = 1.0,
    ) -> None:
        """Move the view to a cell, a selection, or a place.

        Parameters
        ----------
        target : str, SelectedCell, Selection or (x, y)
            The id of a cell ("40/812"), a cell or cells of a selection, or a place in [0, 1], y down.
        zoom : float, optional
            1 shows the whole atlas; by default what the target fills well.
        seconds : float
            Of the flight; 0 jumps.

        Raises
        ------
        AtlasError
            There is no such cell, or the place is outside the atlas.
        """
        x, y, fitting = aim(self.world, self.layer, target, self.camera[2])
        camera = checked_camera(self.world, [x, y, fitting if zoom is None else zoom])
        if not 0 <= seconds < math.inf:
            raise AtlasError(f"seconds is {seconds}: give 0, which jumps, or more.")
        # Nobody would hear a message now; who opens the view later finds it there.
        if seconds == 0 or not self.looked_at.is_set():
            self.camera = camera
            return
        self.send({"kind": "fly", "camera": camera, "seconds": float(seconds)})

    def linked(self, other: AtlasView) -> Self:
        """Keep this view and another one together: where one goes, the other goes.

        Returns
        -------
        AtlasView
            This view, so that ``world.view().linked(first)`` reads well.
        """
        other.link = other.link or uuid.uuid4().hex
        self.link = other.link
        for name in _SHARED:
            self.follow(name, getattr(other, name))
        return self

    def to_html(self, path: str | os.PathLike[str], *, folder: bool = False) -> Path:
        """Write what is shown now as a page that needs no network and no Python; with it, the views linked to it.

        Linked views lie side by side, in the order in which they were made, and move together.

        Parameters
        ----------
        path : path
            Name that ends in .html; with `folder`, the folder to write.
        folder : bool
            A folder with ``index.html``, whose sheets are loaded when they come into sight.

        Returns
        -------
        Path
            The file to open.

        Raises
        ------
        AtlasError
            Nothing is rendered yet, or the page cannot be written.
        """
        return write_page([view.in_page() for view in self._together()], Path(path), folder=folder)

    def _together(self) -> list[AtlasView]:
        linked = [view for view in _OPEN if view is self or (self.link and view.link == self.link)]
        return sorted(linked, key=lambda view: view.number)

    @traitlets.observe(*_SHARED)
    def _lead(self, change: Any) -> None:  # noqa: ANN401 - traitlets' own
        # Where a browser moves a view, it moves the linked ones too.
        if self.link and not self._hearing and not self._following:
            for view in self._together():
                view.follow(change["name"], change["new"])

    def follow(self, name: str, value: Any) -> None:  # noqa: ANN401 - of any trait
        """Do as a linked view did."""
        self._following = True
        try:
            # Another atlas may lack the level or the class, or end at another zoom.
            with suppress(AtlasError):
                self.set_trait(name, nearest_camera(self.world, value) if name == "camera" else value)
        finally:
            self._following = False

    @property
    def markers(self) -> list[Marker]:
        """Places that are pointed out."""
        return list(self._told["markers"] or ())

    def in_page(self) -> PageView:
        """As one view of a page."""
        title = self._told["title"]
        return PageView(self.world, markers=self.markers, title=title, patches=self._patches, state=self.state)

    def _ipython_display_(self, **_options: Any) -> None:  # noqa: ANN401 - IPython's own
        show_with_still(self)

    def refresh(self) -> None:
        """Tell the browser what the atlas holds by now, after a build went on."""
        self.pushed.forget_rendered(self.world)
        self.header = viewer_header(self.world, kernel=True, **self._told)

    def push(self, message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """Send what the browser has not asked for, and keep it for one that comes later."""
        if self.comm is not None:
            self.pushed.keep(message, buffers or [])
            self.send(message, buffers)

    def close(self) -> None:
        """Remove the view from the browser, stop what it computes and let go of what it holds."""
        self._large.close()
        self.on_msg(self._answer, remove=True)
        self.unobserve_all()
        self.pushed.clear()
        _OPEN.discard(self)
        super().close()

    def _answer(self, _view: AtlasView, content: Any, _buffers: Any) -> None:  # noqa: ANN401
        if not isinstance(content, dict):
            return
        self.looked_at.set()
        if content.get("kind") != "render":
            answer, buffers = self._answers(content)
            self.send(answer, buffers)
            if content.get("kind") == "cells" and answer["ok"]:
                for message, icons in self.pushed.of(str(content["layer"]), int(content["level"])):
                    self.send(message, icons)
            return
        about = {"id": content.get("id"), "kind": "render"}
        try:
            self._large.start(content)
        except REFUSALS as error:
            self.send(about | {"ok": False, "error": sentence(error, self.world)})
        else:
            self.send(about | {"ok": True})
