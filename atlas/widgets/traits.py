"""What a view and its browser both may change, and what goes with a change."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from atlas.errors import AtlasError
from atlas.export.bundle import bundle_file
from atlas.export.state import (
    ViewState,
    checked_camera,
    checked_class,
    checked_level,
    checked_options,
    nearest_camera,
)
from atlas.widgets.selection import Selection, SelectionTrait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atlas.atlas import Atlas


class RefusedError(AtlasError, traitlets.TraitError):
    """A trait was set to what makes no sense; traitlets takes back what was set with it."""


@cache
def _bundle(name: str) -> str:
    return bundle_file(name).read_text(encoding="utf-8")


@contextmanager
def _refusing() -> Iterator[None]:
    """Refuse so that what was set at the same time is taken back too."""
    try:
        yield
    except AtlasError as error:
        raise RefusedError(str(error)) from None


class ViewTraits(anywidget.AnyWidget):
    """State of a view. Python is told of what makes no sense; what a browser says is taken as far as it makes sense.

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
        See `ViewState`.
    """

    world: Atlas
    #: Whether it is a browser that changes something.
    _hearing = False

    # As traits of ours: files that anywidget watches would keep every view for ever.
    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)

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

    @traitlets.default("_esm")
    def _script(self) -> str:
        return _bundle("viewer.js")

    @traitlets.default("_css")
    def _style(self) -> str:
        return _bundle("viewer.css")

    @property
    def state(self) -> ViewState:
        """What is shown now; `Atlas.to_html` takes it."""
        return ViewState(
            layer=self.layer,
            level=self.level,
            camera=list(self.camera),
            class_name=self.class_name,
            selection=list(self.selection.ids),
            options=self.options,
        )

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what a browser says as far as it makes sense; the layer first, because cells are about it."""
        believed: dict[str, Any] = {}
        for name, value in sorted(sync_data.items(), key=lambda item: item[0] != "layer"):
            with suppress(AtlasError, TypeError, ValueError):
                believed[name] = self._believed(name, value, believed.get("layer", self.layer))
        self._hearing = True
        try:
            super().set_state(believed)
        finally:
            self._hearing = False

    def _believed(self, name: str, value: Any, layer: str) -> Any:  # noqa: ANN401
        if name == "camera":
            camera = nearest_camera(self.world, value)
            return self.camera if camera is None else camera
        if name == "layer":
            return self.world.record(value)[0]
        if name == "level":
            return checked_level(self.world.grids(layer), value)
        if name == "class_name":
            return checked_class(self.world, value)
        if name == "options":
            return checked_options(value)
        if not isinstance(value, list if name == "selection" else str):
            raise TypeError(name)
        return value

    @traitlets.validate("camera")
    def _check_camera(self, proposal: Any) -> list[float]:  # noqa: ANN401 - traitlets' own
        with _refusing():
            return checked_camera(self.world, proposal["value"])

    @traitlets.validate("layer")
    def _check_layer(self, proposal: Any) -> str:  # noqa: ANN401
        with _refusing():
            return self.world.record(proposal["value"])[0]

    @traitlets.validate("level")
    def _check_level(self, proposal: Any) -> int:  # noqa: ANN401
        with _refusing():
            return checked_level(self.world.grids(self.layer), proposal["value"])

    @traitlets.validate("class_name")
    def _check_class(self, proposal: Any) -> str:  # noqa: ANN401
        with _refusing():
            return checked_class(self.world, proposal["value"])

    @traitlets.validate("options")
    def _check_options(self, proposal: Any) -> dict[str, Any]:  # noqa: ANN401
        with _refusing():
            return checked_options(proposal["value"])

    @traitlets.observe("layer")
    def _other_layer(self, change: Any) -> None:  # noqa: ANN401
        # The same numbers are other cells there.
        if change["old"] and self.selection.layer != change["new"]:
            self.selection = Selection(self.world, change["new"], ())
            self.hovered = ""
        if self.level not in (0, *self.world.grids(change["new"])):
            self.level = 0

    @traitlets.observe("class_name")
    def _other_class(self, _change: Any) -> None:  # noqa: ANN401
        # Bounds on the attribution to another class mean nothing for this one. A browser says so itself.
        filters = self.options.get("filters", {})
        if not self._hearing and filters.get("attribution") is not None:
            self.options = {**self.options, "filters": {**filters, "attribution": None}}
