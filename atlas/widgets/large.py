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


class _StoppedError(Exception):
    """Nobody waits for the picture any more."""


class LargeIcons:
    """Renders single cells on request, one after the other; a new request takes the place of the one before.

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
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, request: dict[str, Any]) -> None:
        """Begin with a cell; progress and the picture are sent as they come.

        Raises
        ------
        AtlasError
            The cell is empty.
        """
        layer, size, cell = str(request["layer"]), int(request["level"]), int(request["cell"])
        row = row_of(self._world, layer, size, cell)
        self._stop.set()
        self._stop = threading.Event()
        about = {"layer": layer, "level": size, "cell": cell}
        arguments = (about, row, self._stop)
        self._thread = threading.Thread(target=self._run, args=arguments, name="atlas-large-icon", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and wait until the thread has ended."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._thread = None

    def _run(self, about: dict[str, Any], row: int, stop: threading.Event) -> None:
        try:
            with _ONE_AT_A_TIME:
                self._render(about, row, stop)
        except _StoppedError:
            return
        # A thread that dies in silence would leave the view waiting for ever.
        except (AtlasError, RuntimeError, OSError, ValueError, MemoryError) as error:
            if not stop.is_set():
                self._send({"kind": "rendered", **about, "error": str(error).partition("\n")[0]}, [])

    def _render(self, about: dict[str, Any], row: int, stop: threading.Event) -> None:
        if stop.is_set():
            raise _StoppedError
        layer, settings = about["layer"], self._settings
        self._send({"kind": "rendering", **about, "step": 0, "steps": settings.steps}, [])
        self._model = model_of(self._world.provenance, self._model)
        level = self._world.level(about["level"], layer).grid
        mean = level.mean[row : row + 1]
        target = mean if is_early(layer) else whiten(mean, self._moment(layer, about["level"]), settings.ridge)
        score, step = dot_cosine(settings.power), 0

        def objective(activations: Tensor, goal: Tensor) -> Tensor:
            nonlocal step
            if stop.is_set():
                raise _StoppedError
            step += 1
            if step % _TELL_EVERY == 0:
                self._send({"kind": "rendering", **about, "step": step, "steps": settings.steps}, [])
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
        if not stop.is_set():
            self._send({"kind": "rendered", **about, "cosine": float(icons.cosine[0])}, [stream.getvalue()])

    def _moment(self, layer: str, size: int) -> NDArray[np.float64]:
        try:
            return second_moment(self._world.activations[layer].vectors)
        except AtlasError:
            # An atlas that was sent to somebody comes without its activations. The means of its cells, each with its
            # weight, say nearly the same of the layer; the cosine that is shown tells how well it went.
            level = self._world.level(size, layer).grid
            weighted = level.mean * np.sqrt(level.count / level.count.mean())[:, None]
            return second_moment(weighted.astype(np.float32))
