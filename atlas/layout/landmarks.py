"""Landmarks: points of the layout that are kept, to place new vectors among."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from atlas.errors import AtlasError
from atlas.layout.prepare import Reduction
from atlas.layout.rows import iter_rows
from atlas.layout.settings import Metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from atlas.layout.rows import Float32, Float64, Int64, RowArray

_NEIGHBOURS = 10
_CHUNK_ROWS = 1024
_METRICS: tuple[Metric, ...] = get_args(Metric)


@dataclass(frozen=True)
class Landmarks:
    """Points with known positions.

    Attributes
    ----------
    vectors
        (L, D) float32 reduced vectors.
    xy
        (L, 2) float32 positions in the frame.
    channels
        C, channels of a raw vector.
    reduction
        From raw to reduced vectors.
    """

    vectors: Float32
    xy: Float32
    channels: int
    reduction: Reduction

    @classmethod
    def choose(
        cls,
        reduced: Float32,
        xy: Float32,
        reduction: Reduction,
        *,
        channels: int,
        limit: int,
        seed: int,
    ) -> Landmarks:
        """Keep ``limit`` of the distinct points, drawn with the seed, or all if there are fewer.

        ``reduced`` (n, D) and ``xy`` (n, 2) describe the points; ``channels`` is C of a raw vector.
        """
        rng = np.random.Generator(np.random.Philox(seed))
        kept = np.sort(rng.permutation(len(reduced))[:limit])
        return cls(reduced[kept], xy[kept], channels, reduction)

    def place(self, vectors: RowArray) -> tuple[Float32, Float32]:
        """Place vectors among the landmarks.

        A vector goes to the weighted mean of its 10 nearest landmarks. A landmark at distance d weighs
        ``exp(-(d - d_1) / s) / d``: the first factor is UMAP's membership, d_1 the distance of the nearest,
        s such that the memberships add up to log2(10); the second makes a vector that equals a landmark
        land on it.

        Parameters
        ----------
        vectors
            (B, C) raw activations.

        Returns
        -------
        xy : ndarray
            (B, 2) float32 positions in the frame; NaN for a vector of zeros.
        similarity : ndarray
            (B,) float32 cosine between the vector and its nearest landmark, -1 to 1, taken in the reduced
            space and multiplied by the share of the vector's length that the reduction keeps. Low means
            that the layout has nothing like it. 0 for a vector of zeros.

        Raises
        ------
        AtlasError
            The number of channels differs, values are not finite, or there is no landmark.
        """
        if len(vectors.shape) != 2 or vectors.shape[1] != self.channels:
            raise AtlasError(
                f"Vectors to place have shape (B, {self.channels}), the channels of the layer; "
                f"these have shape {tuple(vectors.shape)}."
            )
        if not len(self.vectors):
            raise AtlasError("This layout has no landmarks, because all its activations were zero; use another layer.")
        xy = np.empty((vectors.shape[0], 2), dtype=np.float32)
        similarity = np.empty(vectors.shape[0], dtype=np.float32)
        for start, rows in iter_rows(vectors, _CHUNK_ROWS):
            part = slice(start, start + len(rows))
            xy[part], similarity[part] = self._place(rows)
        return xy, similarity

    def _place(self, rows: Float32) -> tuple[Float32, Float32]:
        if not np.isfinite(rows).all():
            n_broken = int((~np.isfinite(rows).all(axis=1)).sum())
            raise AtlasError(f"{n_broken} of the vectors to place hold NaN or infinity; leave them out.")
        reduced = self.reduction(rows)
        near = self._nearest(reduced)
        found = self.vectors[near]
        squared = np.square(reduced[:, None, :] - found, dtype=np.float64).sum(axis=2)
        distance = squared / 2 if self.reduction.metric == "cosine" else np.sqrt(squared)
        order = np.argsort(distance, axis=1, kind="stable")
        near, distance = np.take_along_axis(near, order, 1), np.take_along_axis(distance, order, 1)

        weight = _memberships(distance) / np.maximum(distance, 1e-12)
        xy = np.einsum("bk,bkd->bd", weight, self.xy[near]) / weight.sum(axis=1, keepdims=True)
        nearest = self.vectors[near[:, 0]]
        product = np.einsum("bd,bd->b", reduced, nearest)
        lengths = np.linalg.norm(reduced, axis=1) * np.linalg.norm(nearest, axis=1)
        cosine = np.clip(product / np.maximum(lengths, 1e-30), -1, 1)
        zero = ~rows.any(axis=1)
        xy[zero] = np.nan
        return xy.astype(np.float32), np.where(zero, 0, cosine * self.reduction.kept_length(rows)).astype(np.float32)

    def _nearest(self, reduced: Float32) -> Int64:
        score = reduced @ self.vectors.T - np.square(self.vectors).sum(axis=1) / 2
        k = min(_NEIGHBOURS, len(self.vectors))
        near: Int64 = np.argpartition(-score, k - 1, axis=1)[:, :k]
        return near

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Everything as named arrays, to be stored; `from_arrays` is the way back."""
        scalars = np.array([self.channels, _METRICS.index(self.reduction.metric)], dtype=np.int64)
        stored: dict[str, np.ndarray[Any, Any]] = {"vectors": self.vectors, "xy": self.xy, "scalars": scalars}
        if self.reduction.basis is not None:
            stored["basis"] = self.reduction.basis
        return stored

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Landmarks:
        """Build landmarks from what `arrays` gave, read back as NumPy or Zarr arrays.

        Raises
        ------
        AtlasError
            An array is missing or does not fit the others.
        """
        missing = [name for name in ("vectors", "xy", "scalars") if name not in arrays]
        if missing:
            raise AtlasError(f"These stored landmarks lack {', '.join(missing)}; lay the activations out again.")
        vectors, xy = np.asarray(arrays["vectors"], np.float32), np.asarray(arrays["xy"], np.float32)
        scalars = np.asarray(arrays["scalars"], np.int64)
        basis = np.asarray(arrays["basis"], np.float32) if "basis" in arrays else None
        fits = (
            vectors.ndim == 2
            and xy.shape == (len(vectors), 2)
            and scalars.shape == (2,)
            and 0 <= scalars[1] < len(_METRICS)
            and (vectors.shape[1] == scalars[0] if basis is None else basis.shape == (scalars[0], vectors.shape[1]))
        )
        if not fits:
            raise AtlasError("These stored landmarks do not fit together; lay the activations out again.")
        return cls(vectors, xy, int(scalars[0]), Reduction(_METRICS[scalars[1]], basis))


def _memberships(distance: Float64) -> Float64:
    """UMAP's membership of each neighbour: ``exp(-(d - d_1) / s)``, with s found by bisection.

    Parameters
    ----------
    distance
        (B, k), ascending in each row.

    Returns
    -------
    ndarray
        (B, k) in [0, 1], the first 1; they add up to log2(k) + 1 at k > 2, the share of the nearest included.
    """
    beyond = distance - distance[:, :1]
    target = np.log2(distance.shape[1]) + 1
    largest = beyond[:, -1:]
    low, high = np.full_like(largest, 1e-3), np.full_like(largest, 1e3)
    scaled = beyond / np.where(largest > 0, largest, 1)
    for _ in range(40):
        middle = np.sqrt(low * high)
        above = np.exp(-scaled / middle).sum(axis=1, keepdims=True) > target
        high, low = np.where(above, middle, high), np.where(above, low, middle)
    return np.exp(-scaled / middle)
