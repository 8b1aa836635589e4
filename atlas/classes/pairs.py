"""Which pairs of classes are worth comparing: those that share activations."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from atlas.checks import refuse_less_than_one
from atlas.classes.owned import default_k, layer_for_classes, whole_atlas
from atlas.errors import AtlasError
from atlas.grid import Table
from atlas.layout.rows import iter_rows
from atlas.models.labels import labels_from_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from atlas.activations import RowArray
    from atlas.reader import AtlasReader

#: Rows read at once: 32,768 of 1,000 classes are 131 MB in float32.
_CHUNK_ROWS = 32_768


class PairTable(Table):
    """Pairs of classes, one a row; ``.to_pandas()`` gives a DataFrame.

    Parameters
    ----------
    columns
        See `Table`.
    note : str, optional
        Why names of classes mean little at the layer the pairs are of; shown with the table.
    """

    _rows = "pairs"

    def __init__(self, columns: Mapping[str, NDArray[Any]], note: str | None = None) -> None:
        super().__init__(columns)
        self.note = note

    def with_columns(self, **columns: NDArray[Any]) -> Self:
        """See `Table.with_columns`."""
        table = super().with_columns(**columns)
        table.note = self.note
        return table

    def __repr__(self) -> str:
        return " ".join(filter(None, (super().__repr__(), self.note)))

    def _repr_html_(self) -> str:
        note = "" if self.note is None else f"<p>{escape(self.note)}</p>"
        return super()._repr_html_() + note


class Sharing(NamedTuple):
    """What every two of K classes share.

    Attributes
    ----------
    shared : array (K, K), int64
        Activations among those that add most to the one and among those that add most to the other; on the diagonal,
        how many the class has.
    correlation : array (K, K)
        Of their attributions over all activations, each relative to its mean over classes; 0 where an attribution
        never changes.
    """

    shared: NDArray[np.int64]
    correlation: NDArray[np.float64]

    @property
    def overlap(self) -> NDArray[np.float64]:
        """Share of the activations of either class that are of both (Jaccard index), (K, K)."""
        own = np.diagonal(self.shared)
        overlap: NDArray[np.float64] = self.shared / np.maximum(own[:, None] + own[None, :] - self.shared, 1)
        return overlap


def sharing(attributions: RowArray, k: int) -> Sharing:
    """Find what classes share, for all pairs at once.

    Parameters
    ----------
    attributions : array (N, K)
        Of every activation to every class; read twice, in chunks.
    k : int
        Activations that a class has, those that add most to it; only such that add to it.
    """
    n, n_classes = attributions.shape
    least, ties = _least_owned(attributions, k)
    tied = np.zeros(n_classes, dtype=np.int64)
    shared = np.zeros((n_classes, n_classes))
    moment = np.zeros((n_classes, n_classes))
    total = np.zeros(n_classes)
    for block in _blocks(attributions):
        owned = (block >= least) & (block > 0)
        # Of equal ones the first rows, as `owned_rows` has it: a class has k at most.
        equal = block == least
        before, tied = tied, tied + np.count_nonzero(equal, axis=0)
        crowded = np.flatnonzero(tied > ties)
        place = before[crowded] + np.cumsum(equal[:, crowded], axis=0)
        owned[:, crowded] &= ~equal[:, crowded] | (place <= ties[crowded])
        ones = owned.astype(np.float32)
        shared += ones.T @ ones
        relative = block - block.mean(axis=1, keepdims=True)
        moment += relative.T @ relative
        total += relative.sum(axis=0, dtype=np.float64)
    mean = total / max(1, n)
    covariance = moment / max(1, n) - np.outer(mean, mean)
    deviation = np.sqrt(np.maximum(np.diagonal(covariance), 0))
    scale = np.outer(deviation, deviation)
    # Single precision leaves about this much of a constant.
    still = scale <= 1e-6 * max(float(scale.max()), 1e-30)
    correlation = np.where(still, 0, covariance / np.where(still, 1, scale)).clip(-1, 1)
    return Sharing(shared.round().astype(np.int64), correlation)


def _blocks(attributions: RowArray) -> Iterator[NDArray[np.float32]]:
    return (block for _, block in iter_rows(attributions, _CHUNK_ROWS))


def _least_owned(attributions: RowArray, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The k-th largest attribution to every class, or the least if there are fewer, and how many such it has: (K,)."""
    largest = np.empty((attributions.shape[1], 0), dtype=np.float32)
    for block in _blocks(attributions):
        largest = np.concatenate([largest, block.T], axis=1)
        if (more := largest.shape[1] - k) > 0:
            largest.partition(more, axis=1)
            largest = largest[:, more:]
    least: NDArray[np.float32] = largest.min(axis=1)
    return least, k - (largest > least[:, None]).sum(axis=1)


def confusions(world: AtlasReader, n: int, layer: str | None, of: str | int | None, k: int | None) -> PairTable:
    """Rank pairs of classes; see `Atlas.confusions`."""
    refuse_less_than_one("n", n, "pairs")
    if k is not None:
        refuse_less_than_one("k", k, "activations")
    whole_atlas(world)
    chosen = layer_for_classes(world, layer)
    rows = world.activations[chosen]
    if rows.attributions is None:
        raise AtlasError(f"No attributions of {chosen} were collected; collect again with attributions=True.")
    n_classes = rows.attributions.shape[1]
    names = world.class_names or [f"class {index}" for index in range(n_classes)]
    found = sharing(rows.attributions, k or default_k(len(rows), n_classes))
    left, right = np.triu_indices(n_classes, 1)
    if of is not None:
        index = labels_from_names(names).resolve(of)
        kept = (left == index) | (right == index)
        left, right = np.full(int(kept.sum()), index), np.where(left == index, right, left)[kept]
    overlap, correlation = found.overlap[left, right], found.correlation[left, right]
    score = np.sqrt(overlap * np.maximum(correlation, 0))
    best = np.argsort(-score, kind="stable")[:n]
    left, right = left[best], right[best]
    return PairTable(
        {
            "left": np.array([names[index] for index in left], dtype=object),
            "right": np.array([names[index] for index in right], dtype=object),
            "left_index": left,
            "right_index": right,
            "score": score[best],
            "overlap": overlap[best],
            "correlation": correlation[best],
            "shared": found.shared[left, right],
        },
        world.label_meaning(chosen).note,
    )
