"""What a notebook keeps of an atlas for those who open it without a kernel: a picture, or a page in the page."""

from __future__ import annotations

import html
import io
import sys
from typing import TYPE_CHECKING, Any, Final

from IPython import display, get_ipython
from PIL.PngImagePlugin import PngInfo

from atlas.errors import AtlasError
from atlas.export.page import page_text

if TYPE_CHECKING:
    from atlas.export.page import PageView
    from atlas.widgets.view import AtlasView

_LEAST_PX: Final = 120
#: Side of the picture, and of its smallest icons.
_PICTURE_PX, _ICON_PX = 640, (20, 80)
#: By this the front end knows the picture from those that people show themselves.
MARK: Final = "activation-atlas still"


class Still:
    """A picture beside a view: the second output of a cell.

    A notebook that is opened again without a kernel shows nothing for a widget, not even another type of the same
    output: hence a second one. The front end hides it while the widget is alive.
    """

    def __init__(self, view: AtlasView) -> None:
        self._handle = display.DisplayHandle()  # type: ignore[no-untyped-call]
        _publish(picture_of(view), display_id=self._handle.display_id)

    def show(self, view: AtlasView) -> None:
        """Show the view's atlas as it is by now."""
        _publish(picture_of(view), display_id=self._handle.display_id, update=True)


def picture_of(view: AtlasView) -> dict[str, Any]:
    """The layer, markers and level of a view; where it keeps no level, the finest whose icons are not too small."""
    world = view.world
    text = f"{world!r}, as a picture"
    layer, record = world.record(view.layer)
    sizes = [size for size, level in record.levels.items() if level.icons is not None]
    if not sizes:
        return {"text/plain": ""}
    least, most = _ICON_PX
    fitting = max((size for size in sizes if size * least <= _PICTURE_PX), default=sizes[0])
    size = view.level if view.level in sizes else fitting
    icon_px = max(least, min(most, _PICTURE_PX // size))
    stream = io.BytesIO()
    told = PngInfo()
    told.add_text("Software", MARK)
    picture = world.picture(size, layer=layer, icon_px=icon_px, markers=view.markers)
    picture.save(stream, "PNG", pnginfo=told)
    return {"image/png": stream.getvalue(), "text/plain": text}


def show_with_still(view: AtlasView) -> Still:
    """Show a view, and a picture of its atlas."""
    bundle: Any = view._repr_mimebundle_()
    # The widget's own types, with metadata or without.
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    _publish(data, metadata)
    return Still(view)


def display_now(view: AtlasView) -> Still | None:
    """Show a view before the cell has ended.

    Returns
    -------
    Still or None
        The picture beside it; marimo keeps none.
    """
    if _in_marimo():
        sys.modules["marimo"].output.append(view)
        return None
    return show_with_still(view)


def in_notebook() -> bool:
    """Whether there is a notebook to show anything in."""
    return _in_marimo() or get_ipython() is not None


def _in_marimo() -> bool:
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())


def show_page(view: PageView, height: int) -> None:
    """Show a page in a sandboxed frame, see `Atlas.show_static`.

    Raises
    ------
    AtlasError
        The height makes no sense, or there is nothing to show.
    """
    if height < _LEAST_PX:
        raise AtlasError(f"height is {height}; give {_LEAST_PX} pixels or more.")
    page = page_text(view)
    title = html.escape(view.title or view.world.path.name)
    # Scripts run, but as a stranger to the notebook's page: nothing of it can be reached from inside.
    frame = (
        f'<iframe title="{title}" sandbox="allow-scripts allow-popups" srcdoc="{html.escape(page)}" '
        f'style="width:100%;height:{int(height)}px;border:0" loading="lazy" allowfullscreen></iframe>'
    )
    _publish({"text/html": frame, "text/plain": repr(view.world)})


def _publish(data: dict[str, Any], metadata: dict[str, Any] | None = None, **settings: Any) -> None:  # noqa: ANN401
    transient = {"display_id": settings["display_id"]} if "display_id" in settings else None
    display.publish_display_data(  # type: ignore[no-untyped-call]
        data, metadata, transient=transient, update=settings.get("update", False)
    )
