"""The frame: which part of the raw layout the unit square shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from atlas.layout.rows import Float32, Float64


@dataclass(frozen=True)
class Frame:
    """The affine map from raw coordinates to the unit square: ``(raw - origin) / span``.

    Attributes
    ----------
    origin
        Raw x and y of the corner (0, 0).
    span
        Raw width and height of the square.
    """

    origin: tuple[float, float]
    span: tuple[float, float]

    @classmethod
    def around(cls, raw: Float64, clip: tuple[float, float], margin: float) -> Frame:
        """Fit the frame to points.

        Parameters
        ----------
        raw
            (N, 2), NaN for points without coordinates.
        clip
            Percentiles of each axis, for example (1, 99).
        margin
            Added on every side, as a share of the span between the percentiles.

        Returns
        -------
        Frame
            An axis without any span is given a span of 1 around its one value.
        """
        finite = raw[np.isfinite(raw).all(axis=1)]
        if not finite.size:
            return cls((0.0, 0.0), (1.0, 1.0))
        low, high = np.percentile(finite, clip, axis=0)
        width = high - low
        flat = width <= 1e-9 * np.maximum(np.abs(low), np.abs(high))
        low, width = (
            np.where(flat, low - 0.5, low - margin * width),
            np.where(flat, 1, width * (1 + 2 * margin)),
        )
        return cls((float(low[0]), float(low[1])), (float(width[0]), float(width[1])))

    def __call__(self, raw: Float64) -> Float32:
        """Map (N, 2) raw coordinates; what is outside the frame keeps its place, outside [0, 1)."""
        xy: Float32 = ((raw - np.array(self.origin)) / np.array(self.span)).astype(np.float32)
        return xy


def is_inside(xy: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Tell which of (N, 2) points are in [0, 1) x [0, 1); NaN is not."""
    x, y = xy[:, 0], xy[:, 1]
    return (x >= 0) & (x < 1) & (y >= 0) & (y < 1)
