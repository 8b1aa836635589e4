"""A view that is open while its atlas is built: icons appear in it as they are rendered.

A kernel that computes answers nothing, so everything that the view needs is sent unasked.
"""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any, Final, Self

from PIL import Image

from atlas.atlas import Atlas
from atlas.export.packing import pack_cells
from atlas.widgets.still import Still, display_now
from atlas.widgets.view import AtlasView

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from atlas.models import VisionModel
    from atlas.progress import Progress

#: Often enough to look alive, seldom enough to cost nothing.
_TELL_EVERY_S: Final = 0.25
#: Seconds after the view was opened, by when a browser has loaded the viewer.
_REPEAT_AFTER_S: Final = (1.0, 3.0, 9.0)
#: The pictures are passing: sheets of full quality follow.
_QUALITY: Final = 80


class LiveView:
    """Passes on what a build reports, and shows it: what `build` reports to with ``view=True``.

    Parameters
    ----------
    report : Progress
        What else is to hear of it.
    model : VisionModel, optional
        Renders cells large when the build is over.
    """

    def __init__(self, report: Progress, model: VisionModel | None = None) -> None:
        self._report, self._model = report, model
        self.view: AtlasView | None = None
        self._still: Still | None = None
        self._told: set[tuple[str, int, str]] = set()
        self._repeats: list[float] = []
        self._stage, self._begun, self._first, self._last = "", 0.0, 0, 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away; whatever is shown stays."""
        self._push({"kind": "progress", "stage": "", "done": 0, "total": 0, "seconds_left": None})
        if self._still is not None and self.view is not None:
            self._still.show(self.view)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Pass progress on, with the time that is left."""
        self._report(stage, done, total)
        now = time.monotonic()
        self._again(now)
        if stage != self._stage:
            self._stage, self._begun, self._first, self._last = stage, now, done, 0.0
        if now - self._last < _TELL_EVERY_S and done < total:
            return
        self._last = now
        gained = done - self._first
        left = (now - self._begun) / gained * (total - done) if gained > 0 else None
        self._push({"kind": "progress", "stage": stage, "done": done, "total": total, "seconds_left": left})

    def note(self, line: str) -> None:
        """Pass a line on."""
        self._report.note(line)

    def changed(self, folder: Path) -> None:
        """Show what is new in `folder`: the first level opens the view."""
        if self.view is None:
            world = Atlas(folder)
            if not any(world.grids(name) for name in world.layers):
                return
            self.view = AtlasView(world, model=self._model)
            self._still = display_now(self.view)
        else:
            self.view.world.reload()
            self.view.refresh()
        world = self.view.world
        if not self._told:
            self._repeats = [time.monotonic() + after for after in _REPEAT_AFTER_S]
        for name, record in world.manifest.layers.items():
            for size, level in record.levels.items():
                stage = level.grid if level.icons is None else level.icons
                if (name, size, stage.digest) not in self._told:
                    self._told.add((name, size, stage.digest))
                    self._push_cells(name, size)

    def icons(self, layer: str, size: int, rows: Sequence[int], images: NDArray[np.uint8]) -> None:
        """Show icons, finished or on their way."""
        message = {"kind": "icons", "layer": layer, "level": size, "rows": list(rows), "icon_px": images.shape[1]}
        self._push(message, [_webp(image) for image in images])

    def _push_cells(self, layer: str, size: int) -> None:
        if self.view is not None:
            packed = pack_cells(self.view.world.level(size, layer))
            self._push({"kind": "cells", "layer": layer, "level": size, **packed.header()}, [packed.data])

    def _again(self, now: float) -> None:
        """Push once more what a browser may have missed that had not yet loaded the viewer, and cannot ask."""
        if self.view is None or self.view.looked_at.is_set() or not self._repeats or now < self._repeats[0]:
            return
        self._repeats.pop(0)
        for layer, size in dict.fromkeys((layer, size) for layer, size, _ in self._told):
            self._push_cells(layer, size)
            for message, buffers in self.view.pushed.of(layer, size):
                self.view.send(message, buffers)

    def _push(self, message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        if self.view is not None:
            self.view.push(message, buffers)


def _webp(image: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "WEBP", quality=_QUALITY, method=1)
    return stream.getvalue()
