"""When an icon has stopped getting better, judged by its own scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

#: Steps whose scores are compared with those of as many others. The random views alone move a score by a quarter of
#: itself from step to step, the mean of so many by a twentieth.
WINDOW = 32

#: Share of all steps in which the learning rate of a settled icon still falls.
COOL = 0.125


class Settling:
    """For each place of a batch, whether its scores still rise.

    An icon has settled when the mean score of a window is above the best earlier one by no more than the standard error
    of their difference. Its neighbours in the batch have no part in it.

    Parameters
    ----------
    width : int
        Places.
    """

    def __init__(self, width: int, device: torch.device) -> None:
        self._sum, self._squares = torch.zeros(width, device=device), torch.zeros(width, device=device)
        self._best: list[tuple[float, float] | None] = [None] * width

    def restart(self, i: int) -> None:
        """Place i has a new icon."""
        self._sum[i] = self._squares[i] = 0
        self._best[i] = None

    def note(self, scores: Tensor, steps: Sequence[int]) -> list[int]:
        """Places that have settled with these scores (B,), when so many steps (B,) of each are done."""
        self._sum += scores
        self._squares += scores * scores
        due = [i for i, step in enumerate(steps) if step % WINDOW == 0]
        if not due:
            return []
        means = self._sum[due].cpu().double().numpy() / WINDOW
        variances = np.maximum(self._squares[due].cpu().double().numpy() / WINDOW - means**2, 0) / WINDOW
        self._sum[due] = self._squares[due] = 0
        settled = []
        for i, mean, variance in zip(due, means.tolist(), variances.tolist(), strict=True):
            best = self._best[i]
            if best is None or mean > best[0] + (variance + best[1]) ** 0.5:
                self._best[i] = mean, variance
            else:
                settled.append(i)
        return settled
