"""Do the members of a cell fall into two groups? An average of two things shows neither.

The test, for the unit vectors of a cell with n members:

1. Split them in two by spherical 2-means, started at the sign of the first principal axis.
2. Measure each member along the difference of the two groups' means, leaving the member itself out of its own
   group's mean. Without that, any few points in many dimensions look perfectly split.
3. The score is the share of the variance of these numbers that lies between the groups. One Gaussian cloud
   cut at its middle reaches 2/pi = 0.64, a flat stretch of a continuum 0.75, and two equal clouds d standard
   deviations apart d²/(d² + 4).
4. The cell is a mixture when the score exceeds ``0.79 + 0.55 / sqrt(n)``, the smaller group has at least 3
   members and 15 % of them, and the cosine between the two group means is under 0.95 (closer than that, a
   viewer sees one thing).

The threshold was set by simulation of cells that hold one group, n from 6 to 200, in 2 to 256 dimensions,
with flat and power-law spectra: under 1 % of Gaussian cells are flagged, and about 1 % of those that
stretch flat along one direction. With fewer than 8 members the threshold is next to 1 or above: too few to
tell. Equal groups are found from about 4.5 standard deviations apart at 200 members, 6.5 at 20.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from atlas.layout.rows import unit_rows

if TYPE_CHECKING:
    from atlas.grid.members import Bool, UnitMembers
    from atlas.layout.rows import Float32, Float64, Int64

_AXIS_PASSES = 4
_SPLIT_PASSES = 4
_LEAST_GROUP = 3
_LEAST_SHARE = 0.15
_LARGEST_COSINE = 0.95


class _Split(NamedTuple):
    """A plane per cell, and the groups on either side: the member u is in group a if u . normal > offset."""

    normal: Float32
    offset: Float64


class _Groups(NamedTuple):
    """Sums (M, C) of the unit vectors and numbers (M,) of members of the two groups of each cell."""

    sum_a: Float64
    sum_b: Float64
    n_a: Int64
    n_b: Int64


def is_mixture(members: UnitMembers) -> Bool:
    """Flag the cells whose members fall into two groups.

    Parameters
    ----------
    members
        The vectors of M cells, of length one. They are gone through 11 times.

    Returns
    -------
    ndarray
        (M,) bool. Deterministic: no random start.
    """
    centre_sum = np.zeros((members.n_cells, members.n_channels))
    for chunk in members:
        chunk.add_to(centre_sum, chunk.values)

    split = _principal_split(members, centre_sum)
    groups = _assign(members, split, centre_sum)
    for _ in range(_SPLIT_PASSES - 1):
        normal = _directions(groups.sum_a) - _directions(groups.sum_b)
        split = _Split(normal, np.zeros(members.n_cells))
        groups = _assign(members, split, centre_sum)

    smaller = np.minimum(groups.n_a, groups.n_b)
    cosine = np.einsum("mc,mc->m", _directions(groups.sum_a), _directions(groups.sum_b))
    flagged: Bool = (
        (_score(members, split, groups) > 0.79 + 0.55 / np.sqrt(np.maximum(members.count, 1)))
        & (smaller >= np.maximum(_LEAST_GROUP, _LEAST_SHARE * members.count))
        & (cosine < _LARGEST_COSINE)
    )
    return flagged


def _directions(vectors: Float64) -> Float32:
    return unit_rows(vectors.astype(np.float32))


def _principal_split(members: UnitMembers, centre_sum: Float64) -> _Split:
    """Cut each cell through its mean, across its first principal axis (power iteration)."""
    centre = (centre_sum / np.maximum(members.count, 1)[:, None]).astype(np.float32)
    # The member least like the mean lies off it, so the iteration has something to start from.
    axis = np.zeros_like(centre)
    least = np.full(members.n_cells, np.inf)
    for chunk in members:
        similarity = chunk.similarity(centre)
        first = chunk.first_of_each_cell(similarity)
        first = first[similarity[first] < least[chunk.slot[first]]]
        cells = chunk.slot[first]
        least[cells] = similarity[first]
        axis[cells] = chunk.values[first] - centre[cells]
    for _ in range(_AXIS_PASSES):
        total = np.zeros_like(centre_sum)
        for chunk in members:
            deviation = chunk.values - centre[chunk.slot]
            along = np.einsum("nc,nc->n", deviation, axis[chunk.slot])
            chunk.add_to(total, deviation * along[:, None])
        axis = _directions(total)
    return _Split(axis, np.einsum("mc,mc->m", centre, axis).astype(np.float64))


def _assign(members: UnitMembers, split: _Split, centre_sum: Float64) -> _Groups:
    sum_a = np.zeros_like(centre_sum)
    n_a = np.zeros(members.n_cells, dtype=np.int64)
    for chunk in members:
        is_a = chunk.similarity(split.normal) > split.offset[chunk.slot]
        chunk.add_to(sum_a, chunk.values * is_a[:, None])
        n_a += np.bincount(chunk.slot[is_a], minlength=members.n_cells)
    return _Groups(sum_a, centre_sum - sum_a, n_a, members.count - n_a)


def _score(members: UnitMembers, split: _Split, groups: _Groups) -> Float64:
    """Share of the variance along the line between the groups that lies between them, (M,) in [0, 1]."""
    M = members.n_cells
    n_a, n_b = np.maximum(groups.n_a, 1), np.maximum(groups.n_b, 1)
    sum_a, sum_b = groups.sum_a.astype(np.float32), groups.sum_b.astype(np.float32)
    first, second = np.zeros((2, M)), np.zeros((2, M))
    for chunk in members:
        slot = chunk.slot
        is_a = chunk.similarity(split.normal) > split.offset[slot]
        to_a, to_b = chunk.similarity(sum_a), chunk.similarity(sum_b)
        own = np.einsum("nc,nc->n", chunk.values, chunk.values)
        line = np.where(
            is_a,
            (to_a - own) / np.maximum(n_a - 1, 1)[slot] - to_b / n_b[slot],
            to_a / n_a[slot] - (to_b - own) / np.maximum(n_b - 1, 1)[slot],
        )
        for group, chosen in enumerate((is_a, ~is_a)):
            first[group] += np.bincount(slot[chosen], line[chosen], minlength=M)
            second[group] += np.bincount(slot[chosen], line[chosen] ** 2, minlength=M)
    counts = np.stack([n_a, n_b])
    mean = first / counts
    within = np.maximum(second - counts * mean**2, 0).sum(axis=0)
    between = n_a * n_b / (n_a + n_b) * np.square(mean[0] - mean[1])
    score: Float64 = np.where(mean[0] > mean[1], between / np.maximum(between + within, 1e-30), 0.0)
    return score
