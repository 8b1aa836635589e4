"""Atlases as a page: one HTML file, or a folder whose sheets are loaded when they come into sight."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from atlas.errors import AtlasError
from atlas.export.bundle import bundle_file
from atlas.export.files import new_text_file
from atlas.export.header import identity, opening_layer, viewer_header
from atlas.export.markup import head, script_json
from atlas.export.payload import InFolder, InPage, chosen_levels, payload_bytes, write_payload
from atlas.export.state import checked_state
from atlas.writing import new_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from atlas.export.annotations import Marker
    from atlas.export.payload import Parts, PatchesOf
    from atlas.export.state import ViewState
    from atlas.reader import AtlasReader

#: Beyond this a page is slow to open and awkward to send.
WARN_BYTES: Final = 50 << 20
_INDEX: Final = "index.html"


@dataclass(frozen=True)
class PageView:
    """One view of a page.

    Attributes
    ----------
    world : AtlasReader
        The atlas.
    layers, levels : sequence, optional
        What of it to show; by default everything that is rendered.
    markers : sequence of Marker, optional
        Places to point out.
    title : str, optional
        By default the name of the atlas.
    patches : callable, optional
        From layer, level and row to a few example patches.
    state : ViewState, optional
        What is shown first.
    """

    world: AtlasReader
    layers: Sequence[str] | None = None
    levels: Sequence[int] | None = None
    markers: Sequence[Marker] | None = None
    title: str | None = None
    patches: PatchesOf | None = None
    state: ViewState | None = None

    @property
    def shown(self) -> dict[str, tuple[int, ...]]:
        """Levels of each layer in the page."""
        return chosen_levels(self.world, self.layers, self.levels)

    @property
    def content(self) -> tuple[object, ...]:
        """What two views have in common that can share all their parts."""
        return identity(self.world), *self.shown.items(), self.patches is None


def write_page(views: Sequence[PageView], path: Path, *, folder: bool = False) -> Path:
    """Write a page of one view, or of several side by side that move together; see `Atlas.to_html`.

    Parameters
    ----------
    views : sequence of PageView
        From left to right. The address bar is the first one's.
    path : Path
        The file, or the folder.
    folder : bool
        Whether to write a folder.

    Returns
    -------
    Path
        The file to open.

    Raises
    ------
    AtlasError
        There is nothing to show, or it cannot be written.
    """
    if not folder:
        if path.suffix.lower() not in (".html", ".htm"):
            raise AtlasError(f"{path.name}: a page needs a name that ends in .html")
        start = _checked(views)
        _warn_of_size(views, path.name, stacklevel=4)
        with new_text_file(path) as file:
            _write(views, start, file.write, InPage(), "")
        return path
    if path.exists() and not (path / _INDEX).is_file() and (not path.is_dir() or any(path.iterdir())):
        raise AtlasError(f"{path} exists and is not an exported atlas; give another name.")
    start = _checked(views)
    try:
        with new_folder(path) as part, (part / _INDEX).open("w", encoding="utf-8", newline="\n") as file:
            _write(views, start, file.write, InFolder(part), "'self' file:")
    except OSError as error:
        raise AtlasError(f"{path} cannot be written: {error.strerror or error}") from error
    return path / _INDEX


def page_text(view: PageView) -> str:
    """The page of one file, as text."""
    start = _checked([view])
    _warn_of_size([view], "The page", stacklevel=5)
    buffer = io.StringIO()
    _write([view], start, buffer.write, InPage(), "")
    return buffer.getvalue()


def page_bytes(views: Sequence[PageView]) -> int:
    """What a page of one file will take, in bytes, all but its headers."""
    different = {view.content: view for view in views}
    payloads = sum(payload_bytes(view.world, view.shown, view.patches) for view in different.values())
    return payloads + sum(bundle_file(name).stat().st_size for name in ("viewer.js", "viewer.css"))


def _warn_of_size(views: Sequence[PageView], name: str, stacklevel: int) -> None:
    size = page_bytes(views)
    if size > WARN_BYTES:
        warnings.warn(
            f"{name} will take about {size / 2**20:.1f} MB, all of it loaded at once: folder=True loads what is looked "
            "at, levels=(…) leaves levels out.",
            stacklevel=stacklevel,
        )


def _checked(views: Sequence[PageView]) -> list[dict[str, Any]]:
    """Everything about the views that is not in parts; refuses what cannot be shown before anything is written."""
    contents = [view.content for view in views]
    # Copies of one page move together in one browser too, as views of one link do everywhere.
    link = hashlib.blake2b(repr(contents).encode(), digest_size=12).hexdigest()
    start = []
    for number, view in enumerate(views):
        shown = view.shown
        header = viewer_header(
            view.world,
            kernel=False,
            patches="none" if view.patches is None else "baked",
            markers=view.markers,
            title=view.title,
            levels=shown,
        )
        state: dict[str, Any] = {}
        if view.state:
            named = opening_layer(view.world, view.markers)
            state = checked_state(view.world, view.state, shown, named if named in shown else next(iter(shown)))
        one: dict[str, Any] = {"header": header, "state": state}
        if len(views) > 1:
            one |= {"at": f"atlas-{number}", "follows": number > 0}
            state["link"] = link
        start.append(one | {"payload": contents.index(view.content)})
    return start


def _write(
    views: Sequence[PageView],
    start: list[dict[str, Any]],
    write: Callable[[str], object],
    parts: Parts,
    neighbours: str,
) -> None:
    for number, (view, one) in enumerate(zip(views, start, strict=True)):
        # Views of the same icons share them: such a payload stays the number of the view that has it.
        if one["payload"] == number:
            prefix = f"{number}-" if number else ""
            one["payload"] = write_payload(view.world, view.shown, parts, view.patches, prefix=prefix)
    script = f"window.__atlas={script_json(start if len(start) > 1 else start[0])};"
    code = bundle_file("viewer.js").read_text(encoding="utf-8")
    style = bundle_file("viewer.css").read_text(encoding="utf-8")
    titles = dict.fromkeys(one["header"]["title"] for one in start)
    places = [one.get("at", "atlas") for one in start]
    write(head(" · ".join(titles), style, [script, code], neighbours, places))
    for block in parts.blocks:
        write(block)
    write(f'<script>{script}</script>\n<script type="module">{code}</script>\n</body>\n</html>\n')
