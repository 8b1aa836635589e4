"""A step recorded once and replayed: one call launches hundreds of kernels, and Python stays out of it.

By CUDA graphs rather than torch.compile: a graph launches the very kernels that were recorded, so that icons are the
same, and there is nothing to compile.
"""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from torch import Tensor

_LOG = logging.getLogger(__name__)

#: Calls before a step is recorded: libraries make their plans and choose their kernels in the first.
_REHEARSALS = 2

#: CUDA allows one recording at a time in a process, on whichever GPU.
_RECORDING = threading.Lock()


class Recorder(Protocol):
    """Makes recordings of steps, which are functions of nothing that read and write memory that stays in its place."""

    def rehearse(self, step: Callable[[], Tensor]) -> Tensor:
        """Take a step in the way in which it will be recorded."""

    def record(self, step: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """What does on every call what `step` does to memory, and gives its result until the next call.

        Nothing is done by recording. Raises whatever keeps the step from being recorded.
        """


class Replayed:
    """Steps that are recorded after a few calls, for each of their arguments, and replayed from then on.

    If a recording fails, for whichever reason, steps go on being taken one operator at a time, with the same result;
    the reason is logged at level INFO. Should it have been memory, the step itself will tell.

    Parameters
    ----------
    recorder : Recorder or None
        None for never.
    """

    def __init__(self, recorder: Recorder | None) -> None:
        self._recorder = recorder
        self._rehearsals: dict[Hashable, int] = {}
        self._recordings: dict[Hashable, Callable[[], Tensor]] = {}

    def __call__(self, step: Callable[..., Tensor], *arguments: Any) -> Tensor:  # noqa: ANN401
        """Take `step`, the same every time, which gives a tensor that is used up before the next call."""
        # It is not kept, since it holds the batch: whose memory has to be free as soon as the batch is gone.
        if arguments not in self._recordings:
            now = partial(step, *arguments)
            if self._recorder is None:
                return now()
            done = self._rehearsals[arguments] = self._rehearsals.get(arguments, 0) + 1
            if done <= _REHEARSALS:
                return self._recorder.rehearse(now)
            if not self._record(self._recorder, arguments, now):
                return now()
        return self._recordings[arguments]()

    def _record(self, recorder: Recorder, arguments: Hashable, step: Callable[[], Tensor]) -> bool:
        try:
            self._recordings[arguments] = recorder.record(step)
        except Exception as error:  # noqa: BLE001 - a network may fail in any way, and does without
            _LOG.info("Steps are not recorded: %s: %s", type(error).__name__, error)
            self._recorder = None
            return False
        return True


class CudaGraphs:
    """Records on one GPU. Recordings share their memory: one is replayed at a time, its result used up before the next.

    Not yet run on a GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def rehearse(self, step: Callable[[], Tensor]) -> Tensor:
        """See `Recorder`. On the stream that is recorded later, since libraries keep handles for each stream."""
        before = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(before)
        with torch.cuda.stream(self._stream):
            found = step()
        before.wait_stream(self._stream)
        return found

    def record(self, step: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """See `Recorder`."""
        graph = torch.cuda.CUDAGraph()
        # torch leaves its own stream in force when a recording cannot be ended: the outer one puts ours back.
        with (
            _RECORDING,
            torch.cuda.stream(torch.cuda.current_stream(self._device)),
            # Threads of other GPUs go on allocating meanwhile.
            torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"),
        ):
            found = step()

        def replay() -> Tensor:
            graph.replay()
            return found

        return replay


def recorder_on(device: torch.device) -> Recorder | None:
    """What can record steps on `device`, if anything can."""
    return CudaGraphs(device) if device.type == "cuda" else None
