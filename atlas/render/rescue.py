"""A second chance for icons whose optimisation never got going."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atlas.render.objective import COSINE_FLOOR

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from atlas.render.icons import Icons
    from atlas.render.settings import RenderSettings

#: Share of a rescue's steps in which its goal moves from the cell's mean to the target.
APPROACH = 0.3


def rescue(
    icons: Icons,
    again: Callable[[NDArray[np.int64], int], Icons],
    settings: RenderSettings,
    expected: NDArray[np.float32] | None = None,
) -> Icons:
    """Start again those icons that are `stuck`.

    Whether an icon is started again is decided by its own result, and its new start by its own key: it still depends on
    nothing that is rendered beside it.

    Parameters
    ----------
    icons : Icons
        Results of the first tries.
    again : callable
        (rows (R,), number of the try) → Icons (R) of another start of these rows.
    settings : RenderSettings
        `tries` made so far, and the most `rescues` to add.
    expected : array (M,), optional
        From `expected_cosine`.

    Returns
    -------
    Icons
        Each with the best score of all its starts.
    """
    for attempt in range(settings.tries, settings.tries + settings.rescues):
        rows = stuck(icons.target_cosine, settings, expected)
        if not len(rows):
            break
        icons = icons.improved(rows, again(rows, attempt))
    return icons


def stuck(
    target_cosine: NDArray[np.float32], settings: RenderSettings, expected: NDArray[np.float32] | None = None
) -> NDArray[np.int64]:
    """Rows of icons that ended below the cosine floor, or below the share ``rescue_below`` of the `expected` cosine."""
    least = np.full(target_cosine.shape, COSINE_FLOOR)
    if expected is not None:
        least = np.maximum(least, settings.rescue_below * expected)
    return np.flatnonzero(target_cosine < least)


def expected_cosine(means: NDArray[np.float32], targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine (M,) of each cell's mean (M, C) to its target (M, C): what an icon that shows the mean would have.

    An icon is optimised for the target and has more. So this is a yardstick of the cell's own for what is far too
    little, at any layer of any network. 0 where one of the two is zero.
    """
    lengths = np.linalg.norm(means, axis=1) * np.linalg.norm(targets, axis=1)
    dots = (means * targets).sum(axis=1)
    found: NDArray[np.float32] = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)
    return found
