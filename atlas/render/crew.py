"""Threads that optimise icons, each a batch of its own, on one processor core or one GPU."""

from __future__ import annotations

import queue
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from atlas.render.batch import Batch, Job
    from atlas.render.icons import Icons


#: Steps from one look at unfinished icons to the next.
_SKETCH_EVERY = 12


@dataclass(frozen=True, slots=True)
class Post:
    """One worker: how many threads its operators may use, and how to make its batch of so many places."""

    threads: int
    batch: Callable[[int], Batch]


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker has done: steps of jobs since its last report, finished jobs, and how unfinished ones look."""

    steps: int
    finished: list[tuple[Job, Icons]]
    sketches: list[tuple[Job, NDArray[np.uint8]]] = field(default_factory=list)


def work(
    jobs: Sequence[Job], posts: Sequence[Post], width: int, *, sketch: bool = False
) -> Generator[Report, None, None]:
    """Do all jobs; reports come as they happen.

    Two batches on two threads are faster than one batch on both: the small maps deep in a network are little to share.
    A finished job's place goes to a waiting one. When memory runs out, a worker begins its jobs again in a batch of
    half the width. With `sketch`, reports say now and then how unfinished icons look.

    Raises
    ------
    Exception
        What a worker raised, once all have stopped.
    """
    waiting = deque(jobs)
    lock = threading.Lock()
    stop = threading.Event()
    reports: queue.SimpleQueue[Report | BaseException | None] = queue.SimpleQueue()

    def fetch(n: int) -> list[Job]:
        with lock:
            return [waiting.popleft() for _ in range(min(n, len(waiting)))]

    def give_back(unfinished: Sequence[Job]) -> None:
        with lock:
            waiting.extendleft(reversed(unfinished))

    def run(post: Post) -> None:
        try:
            if stop.is_set():
                return
            torch.set_num_threads(post.threads)
            _run(post, width, fetch, give_back, reports.put, stop, sketch=sketch)
            reports.put(None)
        except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
            reports.put(error)

    crew = [threading.Thread(target=run, args=(post,), daemon=True) for post in posts]
    with _threads_restored(), _running(crew, stop):
        busy = len(crew)
        while busy:
            report = reports.get()
            if isinstance(report, BaseException):
                raise report
            if report is None:
                busy -= 1
            else:
                yield report


def _run(
    post: Post,
    width: int,
    fetch: Callable[[int], list[Job]],
    give_back: Callable[[Sequence[Job]], None],
    report: Callable[[Report], None],
    stop: threading.Event,
    *,
    sketch: bool,
) -> None:
    batch = None
    steps = 0
    with torch.no_grad():
        while not stop.is_set():
            out_of_memory = False
            try:
                batch = batch or post.batch(width)
                if batch.free:
                    batch.take(fetch(batch.free))
                if not batch.jobs:
                    return
                working, finished = len(batch.jobs), batch.step()
                steps += 1
                # What is finished has left the batch: it must be out before anything else can run out of memory.
                report(Report(working + batch.spared(), finished))
                if sketch and steps % _SKETCH_EVERY == 0:
                    report(Report(0, [], batch.sketches()))
            except (RuntimeError, MemoryError) as error:
                if width == 1 or not _out_of_memory(error):
                    raise
                out_of_memory = True
            if out_of_memory:
                # Not before the error is gone: its traceback holds the maps that memory has to be freed of.
                give_back(batch.jobs if batch else [])
                batch = None
                width = (width + 1) // 2
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()


def _out_of_memory(error: Exception) -> bool:
    # A processor's allocator raises a plain RuntimeError, with other words on Linux than elsewhere.
    words = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(some in str(error) for some in words)


@contextmanager
def _running(crew: Sequence[threading.Thread], stop: threading.Event) -> Iterator[None]:
    """Start all, and whatever happens leave none running: one that Python's end finds in torch aborts the process."""
    try:
        # Within: an interruption may come between two starts.
        for thread in crew:
            thread.start()
        yield
    finally:
        stop.set()
        for thread in crew:
            # One that an interruption kept from starting, or caught at it, ends before it computes anything.
            if thread.is_alive():
                thread.join()


@contextmanager
def _threads_restored() -> Iterator[None]:
    # What a thread sets becomes the default of threads that start later.
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
