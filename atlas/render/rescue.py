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


def rescue(icons: Icons, again: Callable[[NDArray[np.int64], int], Icons], settings: RenderSettings) -> Icons:
    """Start again those icons that ended below the cosine floor.

    About one start in fifty stays where the objective does not ask for purity yet. Whether an icon is started again is
    decided by its own result, and its new start by its own key: it still depends on nothing that is rendered beside it.

    Parameters
    ----------
    icons : Icons
        Results of the first tries.
    again : callable
        (rows (R,), number of the try) → Icons (R) of another start of these rows.
    settings : RenderSettings
        `tries` made so far, and the most `rescues` to add.

    Returns
    -------
    Icons
        Each with the best score of all its starts.
    """
    for attempt in range(settings.tries, settings.tries + settings.rescues):
        rows = stuck(icons.target_cosine)
        if not len(rows):
            break
        icons = icons.improved(rows, again(rows, attempt))
    return icons


def stuck(target_cosine: NDArray[np.float32]) -> NDArray[np.int64]:
    """Rows of icons that ended below the cosine floor."""
    return np.flatnonzero(target_cosine < COSINE_FLOOR)
