"""An atlas as a page: one HTML file, or a folder whose sheets are loaded when they come into sight."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import warnings
from typing import TYPE_CHECKING, Any, Final

from atlas.errors import AtlasError
from atlas.export.bundle import bundle_file
from atlas.export.files import new_text_file
from atlas.export.header import viewer_header
from atlas.export.payload import InFolder, InPage, chosen_levels, payload_bytes, write_payload
from atlas.writing import new_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from atlas.export.annotations import Marker
    from atlas.export.payload import Parts, PatchesOf
    from atlas.reader import AtlasReader

#: Beyond this a page is slow to open and awkward to send.
WARN_BYTES: Final = 50 << 20
_INDEX: Final = "index.html"


def write_page(
    world: AtlasReader,
    path: Path,
    *,
    folder: bool = False,
    layers: Sequence[str] | None = None,
    levels: Sequence[int] | None = None,
    markers: Sequence[Marker] | None = None,
    title: str | None = None,
    patches: PatchesOf | None = None,
    state: dict[str, Any] | None = None,
) -> Path:
    """Write the page; see `Atlas.to_html`.

    Returns
    -------
    Path
        The file to open.

    Raises
    ------
    AtlasError
        There is nothing to show, or it cannot be written.
    """
    shown = chosen_levels(world, layers, levels)
    settings: dict[str, Any] = {"markers": markers, "title": title, "patches": patches, "state": state}
    if not folder:
        if path.suffix.lower() not in (".html", ".htm"):
            raise AtlasError(f"{path.name}: a page needs a name that ends in .html")
        _warn_of_size(world, shown, path.name)
        with new_text_file(path) as file:
            _write(world, shown, file.write, InPage(), "", **settings)
        return path
    if path.exists() and not (path / _INDEX).is_file() and (not path.is_dir() or any(path.iterdir())):
        raise AtlasError(f"{path} exists and is not an exported atlas; give another name.")
    try:
        with new_folder(path) as part, (part / _INDEX).open("w", encoding="utf-8", newline="\n") as file:
            _write(world, shown, file.write, InFolder(part), "'self' file:", **settings)
    except OSError as error:
        raise AtlasError(f"{path} cannot be written: {error.strerror or error}") from error
    return path / _INDEX


def page_text(world: AtlasReader, **settings: Any) -> str:  # noqa: ANN401 - see `write_page`
    """The page of one file, as text."""
    shown = chosen_levels(world, settings.pop("layers", None), settings.pop("levels", None))
    _warn_of_size(world, shown, "The page")
    buffer = io.StringIO()
    _write(world, shown, buffer.write, InPage(), "", **settings)
    return buffer.getvalue()


def _warn_of_size(world: AtlasReader, shown: dict[str, tuple[int, ...]], name: str) -> None:
    size = payload_bytes(world, shown)
    if size > WARN_BYTES:
        warnings.warn(
            f"{name} will take about {size / 2**20:.0f} MB, all of it loaded at once: folder=True loads what is looked "
            "at, levels=(…) leaves levels out.",
            stacklevel=4,
        )


def _write(
    world: AtlasReader,
    shown: dict[str, tuple[int, ...]],
    write: Callable[[str], object],
    parts: Parts,
    neighbours: str,
    *,
    markers: Sequence[Marker] | None = None,
    title: str | None = None,
    patches: PatchesOf | None = None,
    state: dict[str, Any] | None = None,
) -> None:
    header = viewer_header(
        world,
        kernel=False,
        patches="none" if patches is None else "baked",
        markers=markers,
        title=title,
        levels=shown,
    )
    payload = write_payload(world, shown, parts, patches)
    start = "window.__atlas=" + _script_json({"header": header, "payload": payload, "state": state or {}}) + ";"
    code = bundle_file("viewer.js").read_text(encoding="utf-8")
    style = bundle_file("viewer.css").read_text(encoding="utf-8")
    write(_head(header["title"], style, [start, code], neighbours))
    for block in parts.blocks:
        write(block)
    write(f'<script>{start}</script>\n<script type="module">{code}</script>\n</body>\n</html>\n')


def _head(title: str, style: str, scripts: Sequence[str], neighbours: str) -> str:
    # Only these very scripts run, whatever a label says, and nothing is fetched from anywhere.
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; script-src {hashes} {neighbours}; style-src 'unsafe-inline'; "
        f"img-src data: blob:; worker-src blob:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="generator" content="activation-atlas">\n'
        f"<title>{html.escape(title)}</title>\n<style>html,body{{height:100%;margin:0}}#atlas{{height:100%}}\n"
        f'{style}</style>\n</head>\n<body>\n<div id="atlas"></div>\n'
        "<noscript>This page shows an activation atlas; it needs JavaScript, and no network.</noscript>\n"
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _script_json(value: object) -> str:
    """JSON that may stand inside a script: nothing in it can close the script or start a comment."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return (
        text.replace("<", "\\u003c").replace(">", "\\u003e").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    )
