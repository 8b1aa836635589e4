"""One cell, rendered large while the notebook goes on: in a thread of its own."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from atlas.errors import AtlasError
from atlas.icons import icon_keys
from atlas.models.depth import is_early
from atlas.projection import model_of
from atlas.render import RenderSettings, dot_cosine, render, second_moment, whiten
from atlas.widgets.answers import row_of
from atlas.widgets.sentences import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from atlas.models import VisionModel
    from atlas.reader import AtlasReader

#: Enough steps for a picture that is looked at for a moment; one at a time, because one is asked for.
SETTINGS: Final = RenderSettings(size=384, steps=128, tile=1, rescues=0)
_QUALITY: Final = 92
_TELL_EVERY: Final = 4
#: Two renderings at once would each take more than twice as long.
_ONE_AT_A_TIME = threading.Lock()


#: A rendering that waits for another view's says so this often; views give up on what says nothing for half a minute.
_WAIT_S: Final = 1.0
#: What goes wrong without a fault of the program's: a lost network, too little memory.
_EXPECTED: Final = (AtlasError, OSError, RuntimeError, MemoryError)


class _StoppedError(Exception):
    """Nobody waits for the picture any more."""


class LargeIcons:
    """Renders single cells on request, one after the other; a new request takes the place of the one before.

    Every rendering that begins has an end that is told: ``rendered`` with a picture or an error.

    Parameters
    ----------
    world : AtlasReader
        The atlas.
    model : VisionModel or None
        Its network; loaded by name when left out.
    send : callable
        Takes a message and its buffers; called from another thread.
    settings : RenderSettings
        Of the large picture.
    """

    def __init__(
        self,
        world: AtlasReader,
        model: VisionModel | None,
        send: Callable[[dict[str, Any], list[bytes]], None],
        settings: RenderSettings = SETTINGS,
    ) -> None:
        self._world, self._model, self._send, self._settings = world, model, send, settings
        self._lock = threading.Lock()
        self._closed = False
        #: What is being rendered, and what stops it; None when its end is decided.
        self._now: tuple[dict[str, Any], threading.Event] | None = None

    def start(self, request: dict[str, Any]) -> None:
        """Begin with a cell; progress and the picture are sent as they come. One that is under way goes on.

        Raises
        ------
        AtlasError
            The cell is empty.
        """
        layer, size, cell = str(request["layer"]), int(request["level"]), int(request["cell"])
        row = row_of(self._world, layer, size, cell)
        about, stop = {"layer": layer, "level": size, "cell": cell}, threading.Event()
        with self._lock:
            if self._closed or (self._now is not None and self._now[0] == about):
                return
            if self._now is not None:
                self._now[1].set()
            self._now = about, stop
        threading.Thread(target=self._run, args=(about, row, stop), name="atlas-large-icon", daemon=True).start()

    def close(self) -> None:
        """Stop. The thread ends with the step that it is at; nobody waits for it, and nothing more is sent."""
        self._closed = True

    def _run(self, about: dict[str, Any], row: int, stop: threading.Event) -> None:
        try:
            end, buffers = self._in_turn(about, row, stop)
        except _StoppedError:
            end, buffers = {"error": "Another cell is drawn instead."}, []
        except _EXPECTED as error:
            end, buffers = {"error": sentence(error, self._world)}, []
        # A thread that dies in silence would leave the view waiting.
        except Exception as error:
            self._end(about, stop, {"error": sentence(error, self._world)}, [])
            raise
        self._end(about, stop, end, buffers)

    def _end(self, about: dict[str, Any], stop: threading.Event, end: dict[str, Any], buffers: list[bytes]) -> None:
        with self._lock:
            if self._now is not None and self._now[1] is stop:
                self._now = None
            elif self._now is not None and self._now[0] == about:
                # Asked for again meanwhile: that one's end is still to come.
                return
            self._tell({"kind": "rendered", **about, **end}, buffers)

    def _tell(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        if not self._closed:
            self._send(message, buffers)

    def _check(self, stop: threading.Event) -> None:
        if self._closed or stop.is_set():
            raise _StoppedError

    def _in_turn(self, about: dict[str, Any], row: int, stop: threading.Event) -> tuple[dict[str, Any], list[bytes]]:
        begun = {"kind": "rendering", **about, "step": 0, "steps": self._settings.steps}
        self._tell(begun, [])
        while not _ONE_AT_A_TIME.acquire(timeout=_WAIT_S):
            self._check(stop)
            self._tell(begun, [])
        try:
            return self._render(about, row, stop)
        finally:
            _ONE_AT_A_TIME.release()

    def _render(self, about: dict[str, Any], row: int, stop: threading.Event) -> tuple[dict[str, Any], list[bytes]]:
        layer, settings = about["layer"], self._settings
        self._check(stop)
        self._model = model_of(self._world.provenance, self._model)
        level = self._world.level(about["level"], layer).grid
        mean = level.mean[row : row + 1]
        target = mean if is_early(layer) else whiten(mean, self._moment(layer, about["level"]), settings.ridge)
        score, step = dot_cosine(settings.power), 0

        def objective(activations: Tensor, goal: Tensor) -> Tensor:
            nonlocal step
            self._check(stop)
            step += 1
            if step % _TELL_EVERY == 0:
                self._tell({"kind": "rendering", **about, "step": step, "steps": settings.steps}, [])
            return score(activations, goal)

        icons = render(
            self._model,
            layer,
            target,
            means=mean,
            keys=[icon_keys(layer, level)[row]],
            seed=int(self._world.provenance.get("seed", 0)),
            settings=settings,
            objective=objective,
        )
        stream = io.BytesIO()
        Image.fromarray(icons.images[0]).save(stream, "WEBP", quality=_QUALITY)
        return {"cosine": float(icons.cosine[0])}, [stream.getvalue()]

    def _moment(self, layer: str, size: int) -> NDArray[np.float64]:
        try:
            return second_moment(self._world.activations[layer].vectors)
        except AtlasError:
            # An atlas that was sent to somebody comes without its activations. The means of its cells, each with its
            # weight, say nearly the same of the layer; the cosine that is shown tells how well it went.
            level = self._world.level(size, layer).grid
            weighted = level.mean * np.sqrt(level.count / level.count.mean())[:, None]
            return second_moment(weighted.astype(np.float32))
