"""One optimisation step of a batch: a function of memory that stays where it is, which can be recorded and replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from atlas.render.adam import Adam
from atlas.render.graphs import Replayed

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from atlas.render.canvas import Canvas
    from atlas.render.graphs import Recorder
    from atlas.render.networks import Network

#: Numbers that a place is given for each step: six of its view, two factors of Adam's, whether gradients are redirected
#: and whether the score counts.
_GIVEN = 10


class Ascent:
    """Images → views → network → objective, its gradient all the way back, and Adam.

    What changes from step to step is copied to the device at once; no number comes back, so that the host is free to
    prepare the next step meanwhile.

    Parameters
    ----------
    network : Network
        What is climbed.
    canvas : Canvas
        How spectra become images.
    width : int
        Places.
    late : int
        Steps over which the score is averaged.
    recorder : Recorder, optional
        Makes steps recordings, see `Replayed`.
    loops : bool
        See `Adam`.

    Attributes
    ----------
    spectrum : Tensor (B, 3, S, S // 2 + 1, 2)
        What is optimised.
    goal : Tensor (B, C)
        What for; changed in place, once `aim` has been called.
    score : Tensor (B,)
        Mean of the scores of the steps that counted.
    """

    def __init__(
        self,
        network: Network,
        canvas: Canvas,
        width: int,
        late: int,
        device: torch.device,
        *,
        recorder: Recorder | None = None,
        loops: bool = True,
    ) -> None:
        self._network, self._canvas, self._late, self._device = network, canvas, late, device
        self._width = width
        self.spectrum = canvas.spectra(width)
        self.goal = torch.zeros(0, device=device)
        self.score = torch.zeros(width, device=device)
        self._adam = Adam(self.spectrum, loops=loops)
        self._host = np.zeros(_GIVEN * width, dtype=np.float32)
        # A processor reads what is written for it.
        self._given = torch.from_numpy(self._host).to(device)
        self._replayed = Replayed(recorder if network.repeatable else None)

    def aim(self, i: int, goal: NDArray[np.float32]) -> None:
        """Optimise place i for the vector `goal` (C,)."""
        if not len(self.goal):
            self.goal = torch.zeros((self._width, len(goal)), device=self._device)
        self.goal[i] = torch.from_numpy(goal).to(self._device)

    def restart(self, i: int, spectrum: Tensor) -> None:
        """Begin anew in place i."""
        self.spectrum[i] = spectrum.to(self._device)
        self.score[i] = 0
        self._adam.restart(i)

    def __call__(
        self, maps: NDArray[np.float32], factors: NDArray[np.float32], redirect: list[bool], late: list[bool]
    ) -> Tensor:
        """A step of the first n places; their scores (n,), until the next step.

        Parameters
        ----------
        maps : array (n, 2, 3)
            Their views.
        factors : array (2, n)
            See `factors` of `adam`.
        redirect, late : list of bool (n,)
            For which gradients pass through dead ReLUs, and whose score counts.
        """
        n, width = len(maps), self._width
        self._host[: 6 * width].reshape(width, 2, 3)[:n] = maps
        numbers = self._host[6 * width :].reshape(4, width)
        numbers[:2, :n], numbers[2, :n], numbers[3, :n] = factors, redirect, late
        if self._device.type == "cuda":
            # Pinned memory is new every time and kept until it is copied: nobody waits.
            self._given.copy_(torch.from_numpy(self._host).pin_memory(), non_blocking=True)
        elif self._device.type != "cpu":
            self._given.copy_(torch.from_numpy(self._host))
        return self._replayed(self._climb, n, any(redirect))

    def _climb(self, n: int, redirected: bool) -> Tensor:
        """The device's part. It must not depend on anything but its arguments and what lies on the device."""
        maps = self._given[: 6 * self._width].view(self._width, 2, 3)[:n]
        rates, corrections, redirect, late = self._given[6 * self._width :].view(4, self._width)[:, :n]
        images = self._canvas.images(self.spectrum[:n])
        scores, gradient = self._network.ascend(images, maps, self.goal[:n], redirect > 0 if redirected else None)
        self._adam.step(self._canvas.pull_back(gradient, images), rates, corrections)
        self.score[:n] += torch.where(late > 0, scores / self._late, 0)
        return scores
