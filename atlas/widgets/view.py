"""The viewer as a notebook widget."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any, Final, Self

import anywidget
import traitlets

from atlas.errors import AtlasError
from atlas.export.bundle import bundle_file
from atlas.export.header import opening_layer, viewer_header
from atlas.widgets.answers import Answers
from atlas.widgets.large import LargeIcons
from atlas.widgets.selection import SelectedCell, Selection, SelectionTrait
from atlas.widgets.still import show_with_still

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atlas.atlas import Atlas
    from atlas.export import Marker
    from atlas.models import VisionModel
    from atlas.patches import Patches

#: A cell that is flown to takes about a sixth of the view.
_CELLS_AROUND: Final = 6.0
_MOST_ZOOM: Final = 1e6


class AtlasView(anywidget.AnyWidget):
    """An atlas in a notebook; `Atlas.view` makes one.

    What the user does in the browser is in the traits, and setting them moves the view. ``observe`` tells of changes.

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

    Attributes
    ----------
    layer : str
        Layer shown.
    level : int
        0, or cells a side of the level that is kept whatever the zoom.
    camera : (float, float, float)
        x and y of the middle of the view in [0, 1], y down, and zoom; at zoom 1 the whole atlas fits.
    class_name : str
        Class whose attribution is shown; "" for none.
    selection : Selection
        Selected cells with their vectors and members; set it to a list of cell ids such as "40/812".
    hovered : str
        Id of the cell under the pointer or the cell cursor; "" for none.
    options : dict
        "density" and "labels" (bool), "filters" (count, spread, cosine, attribution: [low, high] or None; mode: "dim"
        or "hide").
    """

    _esm = bundle_file("viewer.js")
    _css = bundle_file("viewer.css")

    header = traitlets.Dict().tag(sync=True)
    layer = traitlets.Unicode().tag(sync=True)
    level = traitlets.Int(0).tag(sync=True)
    camera = traitlets.List(traitlets.Float(), [0.5, 0.5, 1.0]).tag(sync=True)
    class_name = traitlets.Unicode().tag(sync=True)
    selection = SelectionTrait().tag(
        sync=True,
        to_json=lambda value, _view: list(value.ids),
        from_json=lambda ids, view: Selection.of_known(view.world, view.layer, ids),
    )
    hovered = traitlets.Unicode().tag(sync=True)
    options = traitlets.Dict().tag(sync=True)
    link = traitlets.Unicode().tag(sync=True)

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
        self._answers = Answers(world, patches)
        self._large = LargeIcons(world, model, self.send)
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
        x, y, fitting = self._aim(target)
        camera = [x, y, fitting if zoom is None else float(zoom)]
        if not (0 <= x <= 1 and 0 <= y <= 1 and 0 < camera[2] <= _MOST_ZOOM and seconds >= 0):
            raise AtlasError(f"Cannot fly to ({x:g}, {y:g}) at zoom {camera[2]:g}: places are in [0, 1], zoom above 0.")
        # Nobody would hear a message now; who opens the view later finds it there.
        if seconds == 0 or not self.looked_at.is_set():
            self.camera = camera
            return
        self.send({"kind": "fly", "camera": camera, "seconds": float(seconds)})

    def _aim(self, target: str | Sequence[float] | SelectedCell | Selection) -> tuple[float, float, float]:
        if isinstance(target, SelectedCell):
            target = Selection(self.world, target.layer, [target.id])
        elif isinstance(target, str):
            target = Selection(self.world, self.layer, [target])
        if isinstance(target, Selection):
            left, top, right, bottom = target.bounds()
            across = max(right - left, bottom - top)
            sizes = [cell.level for cell in target[:1]]
            zoom = 1 / (across + (_CELLS_AROUND - 1) / sizes[0]) if sizes else 1.0
            return (left + right) / 2, (top + bottom) / 2, max(1.0, zoom)
        if len(target) != 2:
            raise AtlasError(f"Cannot fly to {target!r}; give a cell id such as '40/812', cells, or (x, y).")
        return float(target[0]), float(target[1]), max(1.0, self.camera[2])

    def linked(self, other: AtlasView) -> Self:
        """Keep this view and another one together: where one goes, the other goes.

        Returns
        -------
        AtlasView
            This view, so that ``world.view().linked(first)`` reads well.
        """
        other.link = other.link or uuid.uuid4().hex
        self.link = other.link
        self.camera = list(other.camera)
        return self

    def _ipython_display_(self, **_options: Any) -> None:  # noqa: ANN401 - IPython's own
        show_with_still(self._repr_mimebundle_(), self.world)

    def refresh(self) -> None:
        """Tell the browser what the atlas holds by now, after a build went on."""
        self.header = viewer_header(self.world, kernel=True, **self._told)

    def close(self) -> None:
        """Remove the view from the browser, stop what it computes and let go of what it holds."""
        self._large.close()
        self.on_msg(self._answer, remove=True)
        self.unobserve_all()
        super().close()

    @traitlets.validate("camera")
    def _check_camera(self, proposal: Any) -> list[float]:  # noqa: ANN401 - traitlets' own
        camera = [float(value) for value in proposal["value"]]
        if len(camera) != 3 or not all(abs(value) <= _MOST_ZOOM for value in camera) or camera[2] <= 0:
            raise AtlasError(f"camera is {camera}; give [x, y, zoom], x and y in [0, 1], zoom above 0.")
        return camera

    @traitlets.validate("layer")
    def _check_layer(self, proposal: Any) -> str:  # noqa: ANN401
        return self.world.record(proposal["value"])[0]

    @traitlets.validate("level")
    def _check_level(self, proposal: Any) -> int:  # noqa: ANN401
        level = int(proposal["value"])
        if level and level not in {size for name in self.world.layers for size in self.world.grids(name)}:
            there = ", ".join(str(size) for size in self.world.grids())
            raise AtlasError(f"There is no level {level}; there are {there}, and 0 chooses by zoom.")
        return level

    @traitlets.observe("layer")
    def _other_layer(self, change: Any) -> None:  # noqa: ANN401
        if change["old"]:
            self.selection = Selection.of_known(self.world, change["new"], self.selection.ids)

    def _answer(self, _view: AtlasView, content: Any, _buffers: Any) -> None:  # noqa: ANN401
        if not isinstance(content, dict):
            return
        self.looked_at.set()
        if content.get("kind") != "render":
            self.send(*self._answers(content))
            return
        about = {"id": content.get("id"), "kind": "render"}
        try:
            self._large.start(content)
        except (AtlasError, LookupError, TypeError, ValueError) as error:
            self.send(about | {"ok": False, "error": str(error)})
        else:
            self.send(about | {"ok": True})
