"""Rows on their way from the network to a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ImageRecord = tuple[str, str | None, str]
"""(id, label, content digest) of one image."""


@dataclass(frozen=True)
class Rows:
    """Consecutive rows of one layer.

    Attributes
    ----------
    vectors : ndarray, (n, C)
        Activation vectors.
    attributions : ndarray, (n, K), or None
        Attribution to every class.
    image : ndarray of int64, (n,)
        Index among the images read.
    position : ndarray of int16, (n, 2)
        (row, column) in the map.
    """

    vectors: NDArray[Any]
    attributions: NDArray[Any] | None
    image: NDArray[np.int64]
    position: NDArray[np.int16]


def joined(blocks: Sequence[Rows]) -> Rows:
    """Blocks of one layer, one after another; at least one."""
    attributions = [block.attributions for block in blocks if block.attributions is not None]
    return Rows(
        vectors=np.concatenate([block.vectors for block in blocks]),
        attributions=np.concatenate(attributions) if attributions else None,
        image=np.concatenate([block.image for block in blocks]),
        position=np.concatenate([block.position for block in blocks]),
    )
