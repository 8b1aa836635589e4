"""Whether what an audit is told can be done."""

from __future__ import annotations

from numbers import Real
from typing import Any

from atlas.checks import is_whole, refuse_less_than_one
from atlas.errors import AtlasError

#: One half chooses size and corner, the other is reported on.
LEAST_IMAGES = 2


def check_settings(
    *,
    patches: Any,  # noqa: ANN401 - whatever people give
    classes: tuple[Any, Any],
    n_patches: Any,  # noqa: ANN401
    limit: Any,  # noqa: ANN401
    smallest: Any,  # noqa: ANN401
    seed: Any,  # noqa: ANN401
) -> None:
    """Refuse settings of `patch_test` that mean nothing, before any work.

    Raises
    ------
    AtlasError
        One of them is out of range or of another type.
    """
    if patches is None:
        raise AtlasError("There is no patch to test; give a comparison, cells of one, or pictures.")
    for one in classes:
        if not isinstance(one, str) and not is_whole(one):
            raise AtlasError(f"A class is {one!r}; give its name, WNID or index.")
    refuse_less_than_one("n_patches", n_patches, "cells")
    if limit is not None and (not is_whole(limit) or limit < LEAST_IMAGES):
        raise AtlasError(f"limit is {limit!r}; give a number of photographs from {LEAST_IMAGES}, or None for all.")
    if not isinstance(smallest, Real) or not 0 < float(smallest) < 1:
        raise AtlasError(f"smallest is {smallest!r}; give a difference of shares between 0 and 1, such as 0.25.")
    if not is_whole(seed) or seed < 0:
        raise AtlasError(f"seed is {seed!r}; give a whole number from 0.")
