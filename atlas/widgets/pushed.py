"""What a build has pushed and no file holds yet: for browsers that come later, or come again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atlas.reader import AtlasReader

#: Icons of a message; one with all of a large level would hold up everything behind it.
_BATCH: Final = 256


class Pushed:
    """The newest icon of every cell whose level is being rendered, and how far the build is.

    A build pushes from one thread while a kernel with subshells answers from another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._icons: dict[tuple[str, int], dict[int, bytes]] = {}
        self._icon_px: dict[tuple[str, int], int] = {}
        self._progress: dict[str, Any] | None = None

    def keep(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        """Keep what a message says, if it is about icons or progress."""
        with self._lock:
            if message["kind"] == "icons":
                level = message["layer"], message["level"]
                self._icons.setdefault(level, {}).update(zip(message["rows"], buffers, strict=True))
                self._icon_px[level] = message["icon_px"]
            elif message["kind"] == "progress":
                self._progress = message if message["stage"] else None

    def of(self, layer: str, size: int) -> Iterator[tuple[dict[str, Any], list[bytes]]]:
        """The messages that make up for those that a browser has missed about a level."""
        with self._lock:
            icons, icon_px = dict(self._icons.get((layer, size), {})), self._icon_px.get((layer, size), 0)
            progress = self._progress
        rows = list(icons)
        for at in range(0, len(rows), _BATCH):
            some = rows[at : at + _BATCH]
            message = {"kind": "icons", "layer": layer, "level": size, "rows": some, "icon_px": icon_px}
            yield message, [icons[row] for row in some]
        if progress is not None:
            yield progress, []

    def forget_rendered(self, world: AtlasReader) -> None:
        """Let go of the icons of levels whose sheets are written."""
        with self._lock:
            for layer, size in list(self._icons):
                record = world.manifest.layers.get(layer)
                if record is None or size not in record.levels or record.levels[size].icons is not None:
                    del self._icons[layer, size]

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._icons.clear()
            self._progress = None
