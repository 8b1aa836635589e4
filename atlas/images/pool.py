"""Decoding in other processes, one for each thread that waits for it.

A decoder can crash on a hostile file, or be killed for want of memory. A process of our own per decoder tells
which image it was working on, which neither ``multiprocessing.Pool`` nor ``ProcessPoolExecutor`` does.
Processes are started afresh (no fork: safe beside threads and CUDA, the same on every system) and do not
import the user's script, so that a script without an ``if __name__ == "__main__"`` works too.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from atlas.errors import AtlasError
from atlas.images.skipped import SkippedImage
from atlas.images.worker import READY, ReadImage, read_image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from atlas.images.source import ImageSource

_START = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from atlas.images.worker import serve; serve()"

# A source need not be safe to use from several threads.
_HERE = threading.Lock()


class DecoderPool:
    """Decoder processes for one source.

    Parameters
    ----------
    source : ImageSource
        Must be picklable. What a process cannot import (a class of a notebook) is decoded in this one.
    size : int
        Side of the squares in pixels.
    workers : int
        Number of processes, at least 1. Each is started when first needed.

    Raises
    ------
    pickle.PicklingError, TypeError, AttributeError
        If the source cannot be pickled.
    """

    def __init__(self, source: ImageSource, size: int, workers: int) -> None:
        setup = pickle.dumps((source, size))
        self._decoders = [_Decoder(source, size, setup) for _ in range(workers)]
        self._idle: SimpleQueue[_Decoder] = SimpleQueue()
        for decoder in self._decoders:
            self._idle.put(decoder)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="atlas-images")

    def submit(self, indices: Sequence[int]) -> Future[list[ReadImage | SkippedImage]]:
        """Read some images.

        Parameters
        ----------
        indices : sequence of int
            Which ones.

        Returns
        -------
        Future
            Of one result an index, in their order. An image that crashes the decoder twice, the second time
            alone, is skipped with that reason.
        """
        return self._threads.submit(self._read, indices)

    def close(self) -> None:
        """Stop the processes at once and wait for their end."""
        for decoder in self._decoders:
            decoder.stop()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for decoder in self._decoders:
            decoder.end()

    def _read(self, indices: Sequence[int]) -> list[ReadImage | SkippedImage]:
        decoder = self._idle.get()
        try:
            return decoder.read(indices)
        finally:
            self._idle.put(decoder)


class _Decoder:
    def __init__(self, source: ImageSource, size: int, setup: bytes) -> None:
        self._source = source
        self._size = size
        self._setup = setup
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._started = False
        self._here = False

    def read(self, indices: Sequence[int]) -> list[ReadImage | SkippedImage]:
        results: list[ReadImage | SkippedImage] = []
        crashed = False
        while len(results) < len(indices):
            rest = indices[len(results) :]
            asked = rest[:1] if crashed else rest
            answers = self._ask(asked)
            results += answers
            if self._stopped:
                break
            if len(answers) < len(asked) and crashed:
                image_id = self._source.image_id(asked[0])
                results.append(SkippedImage(image_id, "it crashes the decoder or needs too much memory"))
                crashed = False
            else:
                crashed = len(answers) < len(asked)
        return results

    def stop(self) -> None:
        self._stopped = True
        process = self._process
        if process is not None:
            process.kill()

    def _ask(self, indices: Sequence[int]) -> list[ReadImage | SkippedImage]:
        """Give the answers that came before the process ended, all of them when it did not."""
        if not self._here and self._process is None and not self._start() and not self._stopped:
            if self._started:
                # Not here: the image that ended the last process might end this one.
                raise AtlasError("an image decoder cannot be started again: use fewer workers, or free some memory")
            self._here = True
        if self._stopped:
            return []
        if self._process is None:
            with _HERE:
                return [read_image(self._source, index, self._size) for index in indices]
        requests, replies = _pipes(self._process)
        answers: list[ReadImage | SkippedImage] = []
        with contextlib.suppress(BrokenPipeError, ConnectionError):
            requests.write(json.dumps(list(indices)).encode("ascii") + b"\n")
            requests.flush()
            while len(answers) < len(indices):
                answer = self._receive(replies)
                if answer is None:
                    break
                answers.append(answer)
        if len(answers) < len(indices) or self._stopped:
            self.end()
        return answers

    def _start(self) -> bool:
        # No shell, and only our own interpreter and code; the path of modules goes along so that it finds the
        # same.
        command = [sys.executable, "-P", "-c", _START, json.dumps(sys.path)]
        environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        requests, replies = _pipes(self._process)
        with contextlib.suppress(BrokenPipeError, ConnectionError):
            requests.write(self._setup)
            requests.flush()
        if replies.readline() != READY:
            self.end()
            return False
        self._started = True
        return True

    def _receive(self, replies: BinaryIO) -> ReadImage | SkippedImage | None:
        line = replies.readline()
        if not line.endswith(b"\n"):
            return None
        reply = json.loads(line)
        if "error" in reply:
            # The answers to come belong to no question any more.
            self.end()
            raise RuntimeError(f"{self._source.name} failed to load an image: {reply['error']}")
        if "reason" in reply:
            return SkippedImage(reply["id"], reply["reason"])
        raw = replies.read(3 * self._size**2)
        if len(raw) < 3 * self._size**2:
            return None
        return ReadImage(np.frombuffer(raw, np.uint8).reshape(3, self._size, self._size), reply["digest"])

    def end(self) -> None:
        """Kill the process if there is one, and forget it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in _pipes(process):
            with contextlib.suppress(BrokenPipeError, ConnectionError):
                pipe.close()
        process.wait()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[BinaryIO, BinaryIO]:
    return cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
