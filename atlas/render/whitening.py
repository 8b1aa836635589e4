"""Targets in whitened coordinates: what is special about a vector, not what all vectors share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Rows read at a time, so that a store larger than memory can be whitened.
_CHUNK = 16_384


def second_moment(vectors: Any) -> NDArray[np.float64]:  # noqa: ANN401 - numpy or zarr, anything sliceable
    """Uncentred second moment AᵀA / N (C, C) of vectors (N, C), accumulated in float64 chunk by chunk."""
    n, channels = vectors.shape
    total = np.zeros((channels, channels))
    for start in range(0, n, _CHUNK):
        chunk = np.asarray(vectors[start : start + _CHUNK], dtype=np.float32)
        total += chunk.T @ chunk
    moment: NDArray[np.float64] = total / n
    return moment


def whiten(targets: NDArray[np.float32], moment: NDArray[np.float64], ridge: float) -> NDArray[np.float32]:
    """Targets (M, C) times the inverse second moment, ``v' = v S`` with ``S = (AᵀA / N + ridge * m I)⁻¹``.

    Parameters
    ----------
    targets : array (M, C)
        Mean vectors of cells.
    moment : array (C, C)
        From `second_moment`.
    ridge : float
        In units of m, the mean eigenvalue. Zero is the originals' whitening, which a dead channel makes explode; a
        large value leaves the targets as they are.

    Returns
    -------
    array (M, C), float32
        Whitened targets scaled to unit length: objectives look at their direction only.
    """
    channels = len(moment)
    mean_eigenvalue = max(np.trace(moment) / channels, np.finfo(np.float64).tiny)
    inverse_applied = np.linalg.solve(
        moment / mean_eigenvalue + ridge * np.eye(channels), np.asarray(targets, np.float64).T
    ).T
    length = np.linalg.norm(inverse_applied, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (inverse_applied / np.maximum(length, 1e-30)).astype(np.float32)
    return unit
