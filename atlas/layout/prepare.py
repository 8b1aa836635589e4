"""Before the layout: refuse what is not finite, set zeros and duplicates aside, reduce what is wide."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from atlas.errors import AtlasError
from atlas.layout.rows import iter_chosen, iter_rows, unit_rows

if TYPE_CHECKING:
    from atlas.layout.rows import Float32, Float64, Int64, RowArray
    from atlas.layout.settings import Metric

_FIT_ROWS = 50_000
"""Rows from which a projection is fitted: enough for a second moment of 1,024 x 1,024."""


@dataclass(frozen=True)
class DistinctRows:
    """Which rows are laid out.

    Attributes
    ----------
    first
        (n,) int64 rows to lay out, ascending: the first of each set of equal rows.
    point
        (N,) int64 index into ``first`` for every row; -1 for rows of zeros.
    """

    first: Int64
    point: Int64

    @property
    def n_zero(self) -> int:
        """Rows that are zero in every channel."""
        return int((self.point < 0).sum())

    @property
    def n_duplicates(self) -> int:
        """Rows that share the position of an earlier one."""
        return self.point.size - self.n_zero - self.first.size


@dataclass(frozen=True)
class Reduction:
    """From raw vectors to those whose distances the layout uses.

    For the cosine metric vectors are divided by their norm first and again after the projection. The
    projection is an uncentred singular value decomposition: subtracting a mean would change the angles.

    Attributes
    ----------
    metric
        "cosine" or "euclidean".
    basis
        (C, D) float32 with orthonormal columns, or None where vectors are narrow enough as they are.
    """

    metric: Metric
    basis: Float32 | None

    def __call__(self, rows: Float32) -> Float32:
        """Reduce (n, C) raw vectors to (n, D) float32."""
        if self.metric == "cosine":
            rows = unit_rows(rows)
        if self.basis is not None:
            rows = rows @ self.basis
            if self.metric == "cosine":
                rows = unit_rows(rows)
        return np.ascontiguousarray(rows, dtype=np.float32)

    def kept_length(self, rows: Float32) -> Float32:
        """Length that the projection leaves to each vector, as a share of its own: (n,) in [0, 1]."""
        unit = unit_rows(rows)
        length: Float32 = np.linalg.norm(unit if self.basis is None else unit @ self.basis, axis=1)
        return np.minimum(length, np.float32(1))


def find_distinct(vectors: RowArray) -> DistinctRows:
    """Find rows of zeros and rows equal to an earlier one.

    Parameters
    ----------
    vectors
        (N, C), in memory or on disk.

    Returns
    -------
    DistinctRows
        Rows compare equal when all channels are equal as float32 (so -0.0 equals 0.0).

    Raises
    ------
    AtlasError
        Rows hold NaN or infinity, or the array is not two-dimensional.
    """
    if len(vectors.shape) != 2:
        raise AtlasError(f"A layout takes vectors of shape (N, C), not {tuple(vectors.shape)}.")
    N = vectors.shape[0]
    digests = bytearray()
    zero = np.zeros(N, dtype=bool)
    n_broken = 0
    for start, rows in iter_rows(vectors):
        n_broken += int((~np.isfinite(rows).all(axis=1)).sum())
        zero[start : start + len(rows)] = ~rows.any(axis=1)
        for row in np.ascontiguousarray(rows + np.float32(0)):  # -0.0 + 0.0 is 0.0
            digests += hashlib.blake2b(row.data, digest_size=16).digest()
    if n_broken:
        raise AtlasError(
            f"{n_broken} of {N} vectors hold NaN or infinity; collect them again, or leave those rows out."
        )
    keys = np.frombuffer(bytes(digests), dtype="V16")
    used = np.flatnonzero(~zero)
    _, first, inverse = np.unique(keys[used], return_index=True, return_inverse=True)
    # np.unique orders by digest; rows stay in their own order.
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    point = np.full(N, -1, dtype=np.int64)
    point[used] = rank[inverse]
    return DistinctRows(used[first[order]], point)


def fit_reduction(vectors: RowArray, distinct: DistinctRows, metric: Metric, n_components: int, seed: int) -> Reduction:
    """Fit the projection of wide vectors.

    Parameters
    ----------
    vectors
        (N, C).
    distinct
        The rows to lay out; 50,000 of them, drawn with the seed, are used at most.
    metric
        "cosine" or "euclidean".
    n_components
        Dimensions to keep; vectors that have no more are not projected.
    seed
        Of the draw.

    Returns
    -------
    Reduction
        Its basis holds the right singular vectors with the largest singular values, found as eigenvectors
        of the second moment.
    """
    C = vectors.shape[1]
    plain = Reduction(metric, None)
    if n_components >= C:
        return plain
    rng = np.random.Generator(np.random.Philox(seed))
    sample = np.sort(rng.permutation(distinct.first)[:_FIT_ROWS])
    moment = np.zeros((C, C))
    for rows in iter_chosen(vectors, sample):
        part = plain(rows)
        moment += part.T @ part
    return Reduction(metric, principal_axes(moment, n_components).astype(np.float32))


def principal_axes(moment: Float64, n_axes: int) -> Float64:
    """Give the eigenvectors of a second moment (C, C) with the largest eigenvalues, as columns (C, n_axes).

    Of each, the sign is such that its entry of largest magnitude is positive.
    """
    axes = np.linalg.eigh(moment)[1][:, ::-1][:, :n_axes]
    peak = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0)
    signed: Float64 = axes * np.sign(peak)
    return signed


def reduce_rows(vectors: RowArray, distinct: DistinctRows, reduction: Reduction) -> Float32:
    """Reduce the rows to lay out, (n, D) float32."""
    width = vectors.shape[1] if reduction.basis is None else reduction.basis.shape[1]
    parts = [reduction(rows) for rows in iter_chosen(vectors, distinct.first)]
    return np.concatenate([np.empty((0, width), dtype=np.float32), *parts])
