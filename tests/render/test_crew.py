from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from atlas.render import Icons
from atlas.render.batch import Job
from atlas.render.crew import Post, work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def jobs(n: int) -> list[Job]:
    vector = np.zeros(1, dtype=np.float32)
    return [Job(i, 0, (0, i, 0), vector, vector) for i in range(n)]


class Places:
    """A batch whose job i takes i % 3 + 1 steps; `room` is how many places fit into memory."""

    def __init__(self, width: int, room: int, widths: list[int]) -> None:
        if width > room:
            raise torch.OutOfMemoryError
        widths.append(width)
        self._places: list[tuple[Job, int] | None] = [None] * width

    @property
    def jobs(self) -> list[Job]:
        return [place[0] for place in self._places if place]

    @property
    def free(self) -> int:
        return self._places.count(None)

    def take(self, more: Sequence[Job]) -> None:
        for job in more:
            self._places[self._places.index(None)] = (job, job.row % 3 + 1)

    def spared(self) -> int:
        return 0

    def step(self) -> list[tuple[Job, Icons]]:
        done = []
        for i, place in enumerate(self._places):
            if place:
                job, left = place
                self._places[i] = (job, left - 1) if left > 1 else None
                if left == 1:
                    done.append((job, Icons.empty(32)))
        return done


def posts(n: int, room: int = 99, widths: list[int] | None = None) -> list[Post]:
    made: Any = [] if widths is None else widths
    return [Post(1, lambda width: Places(width, room, made))] * n  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(("workers", "width", "n"), [(1, 4, 10), (3, 2, 20), (2, 8, 3), (2, 2, 0)])
def test_every_job_is_done_once_and_every_step_reported(workers: int, width: int, n: int) -> None:
    reports = list(work(jobs(n), posts(workers), width))
    assert sorted(job.row for report in reports for job, _ in report.finished) == list(range(n))
    assert sum(report.steps for report in reports) == sum(i % 3 + 1 for i in range(n))


def test_a_finished_jobs_place_goes_to_a_waiting_one() -> None:
    reports = list(work(jobs(12), posts(1), 4))
    # 24 steps in all; only once nothing is waiting may places be empty.
    assert [report.steps for report in reports][:5] == [4] * 5
    assert len(reports) <= 7


def test_when_memory_runs_out_the_batch_is_halved_and_nothing_is_lost() -> None:
    widths: list[int] = []
    reports = list(work(jobs(10), posts(1, room=3, widths=widths), 12))
    assert widths == [3]
    assert sorted(job.row for report in reports for job, _ in report.finished) == list(range(10))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes. Error code 12"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        MemoryError(),
    ],
    ids=repr,
)
def test_whatever_says_that_memory_ran_out_in_a_step_halves_the_batch(error: Exception) -> None:
    class Tight(Places):
        def step(self) -> list[tuple[Job, Icons]]:
            if len(self._places) > 3 and not self.free:
                raise error
            return super().step()

    widths: list[int] = []
    crew = [Post(1, lambda width: Tight(width, 99, widths))]  # type: ignore[arg-type,return-value]
    reports = list(work(jobs(10), crew, 8))
    assert widths == [8, 4, 2]
    assert sorted(job.row for report in reports for job, _ in report.finished) == list(range(10))


def test_what_a_failed_batch_held_is_free_before_a_narrower_one_is_made() -> None:
    class Maps:
        pass

    held: list[weakref.ref[Maps]] = []

    class Hungry(Places):
        def step(self) -> list[tuple[Job, Icons]]:
            maps = Maps()
            held.append(weakref.ref(maps))
            if len(self._places) > 2:
                raise torch.OutOfMemoryError
            return super().step()

    def batch(width: int) -> Hungry:
        assert not any(maps() for maps in held)
        return Hungry(width, 99, [])

    reports = list(work(jobs(10), [Post(1, batch)], 8))  # type: ignore[arg-type]
    assert len(held) > 2
    assert sorted(job.row for report in reports for job, _ in report.finished) == list(range(10))


def test_what_is_finished_is_not_lost_when_memory_runs_out_for_sketches() -> None:
    class Tight(Places):
        def sketches(self) -> list[tuple[Job, NDArray[np.uint8]]]:
            if len(self._places) > 2:
                raise torch.OutOfMemoryError
            return []

    widths: list[int] = []
    crew = [Post(1, lambda width: Tight(width, 99, widths))]  # type: ignore[arg-type,return-value]
    reports = list(work(jobs(60), crew, 4, sketch=True))
    assert widths == [4, 2]
    assert sorted(job.row for report in reports for job, _ in report.finished) == list(range(60))


def test_memory_that_does_not_even_hold_one_is_an_error() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        list(work(jobs(2), posts(2, room=0), 4))


def test_what_goes_wrong_in_a_worker_is_raised_and_all_workers_end() -> None:
    class Broken(Places):
        def step(self) -> list[tuple[Job, Icons]]:
            raise ValueError("no")

    before = threading.active_count()
    with pytest.raises(ValueError, match="no"):
        list(work(jobs(4), [Post(1, lambda width: Broken(width, 99, []))] * 2, 2))  # type: ignore[arg-type,return-value]
    assert threading.active_count() == before


def test_workers_end_and_threads_are_as_before_when_the_caller_stops_listening() -> None:
    before = threading.active_count(), torch.get_num_threads()
    reports = work(jobs(1000), posts(2), 2)
    next(reports)
    reports.close()
    assert (threading.active_count(), torch.get_num_threads()) == before


def test_an_interruption_between_two_starts_leaves_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    before = threading.active_count(), torch.get_num_threads()
    start, interruptions = threading.Thread.start, iter([False, True])

    def interrupted(thread: threading.Thread) -> None:
        if next(interruptions):
            raise KeyboardInterrupt
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(work(jobs(100_000), posts(2), 2))
    assert (threading.active_count(), torch.get_num_threads()) == before
