"""What a notebook keeps of an atlas for those who open it without a kernel: a picture, or a page in the page."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from IPython import display

from atlas.errors import AtlasError
from atlas.export.page import page_text

if TYPE_CHECKING:
    from atlas.atlas import Atlas
    from atlas.reader import AtlasReader

_LEAST_PX = 120


def _publish(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
    display.publish_display_data(data, metadata)  # type: ignore[no-untyped-call]


def show_with_still(bundle: Any, world: AtlasReader) -> None:  # noqa: ANN401 - what ipywidgets gives
    """Show a widget and, as a second output, a picture of the atlas.

    A notebook that is opened again without a kernel shows nothing for a widget, not even another type of the same
    output: hence the second one. The front end hides it while the widget is alive.

    Parameters
    ----------
    bundle : dict or (dict, dict)
        The widget's own types, with metadata or without.
    """
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    _publish(data, metadata)
    picture = getattr(world, "_repr_png_", lambda: None)()
    if picture is not None:
        # Short words beside the picture are all that a reader without pictures gets.
        text = f"{world!r}, as a picture"
        _publish({"image/png": picture, "text/plain": text}, {"image/png": {"alt": text}})


def show_page(world: Atlas, height: int, **settings: Any) -> None:  # noqa: ANN401 - see `Atlas.show_static`
    """Show the page of an atlas in a sandboxed frame.

    Raises
    ------
    AtlasError
        The height makes no sense, or there is nothing to show.
    """
    if height < _LEAST_PX:
        raise AtlasError(f"height is {height}; give {_LEAST_PX} pixels or more.")
    page = page_text(world, **settings)
    title = html.escape(settings.get("title") or world.path.name)
    # Scripts run, but as a stranger to the notebook's page: nothing of it can be reached from inside.
    frame = (
        f'<iframe title="{title}" sandbox="allow-scripts allow-popups" srcdoc="{html.escape(page)}" '
        f'style="width:100%;height:{int(height)}px;border:0" loading="lazy" allowfullscreen></iframe>'
    )
    _publish({"text/html": frame, "text/plain": repr(world)})
