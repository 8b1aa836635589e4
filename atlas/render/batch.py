"""A batch of icons being optimised, each at a step of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from atlas.render.adam import factors
from atlas.render.ascent import Ascent
from atlas.render.canvas import Canvas
from atlas.render.graphs import recorder_on
from atlas.render.icons import Icons, eight_bits
from atlas.render.parameterisation import start_spectrum
from atlas.render.settling import COOL, Settling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from atlas.render.networks import Network
    from atlas.render.settings import RenderSettings


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One try at one icon.

    Attributes
    ----------
    row : int
        Which icon.
    attempt : int
        Which of its tries.
    stream : tuple of int
        What its random numbers follow from.
    target, mean : array (C,)
        What it is optimised for, and what its cosine is to.
    approach : int
        First steps, fewer than all, in which the goal turns from the direction of the mean to that of the target. The
        mean is easy to reach from anywhere; a whitened target may have no slope where a start happens to lie.
    """

    row: int
    attempt: int
    stream: tuple[int, ...]
    target: NDArray[np.float32]
    mean: NDArray[np.float32]
    approach: int = 0

    def goal(self, step: int) -> NDArray[np.float32]:
        """What step number `step` is optimised for: a vector (C,) as long as the target."""
        if step >= self.approach:
            return self.target
        near, far = np.linalg.norm(self.mean), np.linalg.norm(self.target)
        if not near > 0 < far:
            return self.target
        part = step / self.approach
        between = (1 - part) * self.mean / near + part * self.target / far
        found: NDArray[np.float32] = (between * (far / np.linalg.norm(between))).astype(np.float32)
        return found


class Batch:
    """Places for icons on one device, all of them computed where the arithmetic has to have one shape.

    Parameters
    ----------
    network : Network
        What the icons are optimised through.
    settings : RenderSettings
        How.
    width : int
        Places.
    bandwidth : float
        See `spectrum_scale`.
    """

    def __init__(
        self, network: Network, settings: RenderSettings, width: int, bandwidth: float, device: torch.device
    ) -> None:
        self._network, self._settings, self._device = network, settings, device
        self._canvas = Canvas(settings.size, bandwidth, device)
        recorder = recorder_on(device) if settings.graphs else None
        late = self._late = max(1, settings.steps // 16)
        self._ascent = Ascent(network, self._canvas, width, late, device, recorder=recorder)
        self._jobs: list[Job | None] = [None] * width
        self._steps, self._ends = [0] * width, [settings.steps] * width
        self._settling = Settling(width, device) if settings.settle else None
        self._spared = 0
        self._maps = [np.zeros((settings.steps, 2, 3), dtype=np.float32)] * width

    @property
    def jobs(self) -> list[Job]:
        """What is being worked on."""
        return [job for job in self._jobs if job is not None]

    @property
    def free(self) -> int:
        """Places without a job."""
        return sum(job is None for job in self._jobs)

    def take(self, jobs: Sequence[Job]) -> None:
        """Put jobs into free places."""
        places = [i for i, job in enumerate(self._jobs) if job is None]
        # All first: what memory runs out for has to be among the jobs that are given back.
        for i, job in zip(places, jobs, strict=False):
            self._jobs[i] = job
        for i, job in zip(places, jobs, strict=False):
            self._start(i, job)
        if len(jobs) and not all(self._jobs):
            # Idle places compute along; what, does not matter, as long as it is a number.
            for i in places[len(jobs) :]:
                self._start(i, jobs[0])

    def _start(self, i: int, job: Job) -> None:
        # One Philox stream an icon and try. The counter starts at zero whatever else is rendered.
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(job.stream)))
        self._ascent.aim(i, job.goal(0))
        start = torch.from_numpy(start_spectrum(rng, self._settings.size))
        self._ascent.restart(i, start)
        self._maps[i] = self._settings.robustness.draw(rng, self._settings.steps, self._settings.size)
        self._steps[i], self._ends[i] = 0, self._settings.steps
        if self._settling is not None:
            self._settling.restart(i)

    def step(self) -> list[tuple[Job, Icons]]:
        """One optimisation step of every job; gives what is finished and frees its places."""
        settings = self._settings
        for i, (job, step) in enumerate(zip(self._jobs, self._steps, strict=True)):
            if job is not None and step <= job.approach > 0:
                self._ascent.aim(i, job.goal(step))
        n = self._computed()
        steps = self._steps[:n]
        maps = np.stack([maps[step] for maps, step in zip(self._maps[:n], steps, strict=True)])
        redirect = [step < settings.redirect_steps for step in steps]
        rates = [settings.learning_rate * schedule(self._progress(i)) for i in range(n)]
        steps = self._steps[:n] = [step + 1 for step in steps]
        late = [step > end - self._late for step, end in zip(steps, self._ends[:n], strict=True)]
        scores = self._ascent(maps, factors(steps, rates), redirect, late)
        if self._settling is not None:
            for i in self._settling.note(scores, self._steps):
                self._settle(i)
        return self._finish()

    def _computed(self) -> int:
        """How many places, from the first on, a step computes: no more than hold a job, where that changes no icon."""
        width = len(self._jobs)
        if self._settling is not None or not (self._network.any_width and self._canvas.any_width(width)):
            return width
        needed = max((i + 1 for i, job in enumerate(self._jobs) if job is not None), default=width)
        # By powers of two, since every number of places has memory of its own.
        return min(width, 1 << (needed - 1).bit_length())

    def _settle(self, i: int) -> None:
        job, steps = self._jobs[i], self._settings.steps
        end = self._steps[i] + max(1, int(COOL * steps))
        # Neither twice, nor where the learning rate falls anyway, nor a rescue, whose goal has moved.
        if job is None or job.approach or self._ends[i] < steps or end >= steps or self._progress(i) >= FALL:
            return
        self._ends[i] = end
        self._spared += steps - end

    def _progress(self, i: int) -> float:
        """How far place i is on the way of `schedule`."""
        step, end = self._steps[i], self._ends[i]
        if end == self._settings.steps:
            return step / end
        return 1 - (1 - FALL) * (end - step) / max(1, int(COOL * self._settings.steps))

    def spared(self) -> int:
        """Steps of jobs that settled since the last call, which will not be taken."""
        spared, self._spared = self._spared, 0
        return spared

    def sketches(self) -> list[tuple[Job, NDArray[np.uint8]]]:
        """Every job with its icon as it looks by now, (S, S, 3)."""
        found = [(i, job) for i, job in enumerate(self._jobs) if job is not None]
        if not found:
            return []
        pixels = eight_bits(self._canvas.images(self._ascent.spectrum[[i for i, _ in found]])).permute(0, 2, 3, 1)
        images = pixels.contiguous().cpu().numpy()
        return [(job, images[n]) for n, (_, job) in enumerate(found)]

    def _finish(self) -> list[tuple[Job, Icons]]:
        done = [i for i, (step, end) in enumerate(zip(self._steps, self._ends, strict=True)) if step == end]
        finished = [(i, job) for i in done if (job := self._jobs[i]) is not None]
        # A processor judges one at a time: then the result does not depend on how many are finished together.
        groups = [[one] for one in finished] if self._device.type == "cpu" else [finished]
        judged = [pair for group in groups if group for pair in self._judge(group)]
        # Only now: jobs that memory ran out for judging have to be among those that are given back.
        for i in done:
            # An idle place goes on; it must not run out of views, nor redirect gradients again.
            self._steps[i], self._jobs[i] = min(self._settings.redirect_steps, self._settings.steps - 1), None
            self._ends[i] = self._settings.steps
        return judged

    def _judge(self, group: list[tuple[int, Job]]) -> list[tuple[Job, Icons]]:
        places = [i for i, _ in group]
        pixels = eight_bits(self._canvas.images(self._ascent.spectrum[places]))
        means = torch.from_numpy(np.stack([job.mean for _, job in group])).to(self._device)
        cosine, target_cosine = self._network.judge(pixels, means, self._ascent.goal[places])
        icons = Icons(
            images=pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy(),
            cosine=cosine.cpu().numpy(),
            target_cosine=target_cosine.cpu().numpy(),
            score=self._ascent.score[places].cpu().numpy(),
            width=np.full(len(places), len(self._jobs), dtype=np.int32),
        )
        return [(job, icons.take([n])) for n, (_, job) in enumerate(group)]


#: Progress from which on the learning rate falls.
FALL = 0.75


def schedule(progress: float) -> float:
    """Learning rate at `progress` from 0 to 1, as a share of the setting: a tenth at the end."""
    return min(1.0, 0.1 + 0.9 / (1 - FALL) * (1 - progress))
