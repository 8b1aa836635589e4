"""Pasting squares on photographs, and what the network then says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from atlas.audit.photographs import predict
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from atlas.audit.arms import Arm
    from atlas.audit.photographs import Photographs
    from atlas.models import VisionModel

#: Where a square may lie: share of the free way across and down.
POSITIONS: dict[str, tuple[float, float]] = {
    "top left": (0.0, 0.0),
    "top right": (1.0, 0.0),
    "bottom left": (0.0, 1.0),
    "bottom right": (1.0, 1.0),
    "centre": (0.5, 0.5),
}
#: Tried by default, as shares of the photograph's side.
SIZES = (0.25, 0.35, 0.45)
CORNERS = ("top left", "top right", "bottom left", "bottom right")
_LEAST_PX = 4
_BATCH = 64


@dataclass(frozen=True)
class Placements:
    """Every size and position that is tried.

    Attributes
    ----------
    sizes : tuple of float
        Side of the square as a share of the photograph's.
    positions : tuple of str
        Names of `POSITIONS`.
    """

    sizes: tuple[float, ...]
    positions: tuple[str, ...]

    def __post_init__(self) -> None:
        unknown = [name for name in self.positions if name not in POSITIONS]
        if unknown or not self.positions:
            wrong = repr(unknown[0]) if unknown else "none"
            raise AtlasError(f"The position of a patch is {wrong}; choose from {', '.join(POSITIONS)}.")
        if not self.sizes or not all(0 < size < 1 for size in self.sizes):
            raise AtlasError(f"Sizes are {self.sizes}; give shares of the photograph's side between 0 and 1.")

        for what, given in (("size", self.sizes), ("position", self.positions)):
            if len(set(given)) < len(given):
                raise AtlasError(f"A {what} is given twice: {', '.join(map(str, given))}; give each once.")

    @classmethod
    def of(cls, sizes: Any, positions: Any) -> Self:  # noqa: ANN401 - whatever people give
        """Placements of sizes and positions as they are given.

        Raises
        ------
        AtlasError
            They are no sequences, or not of numbers and of names of positions.
        """
        try:
            numbers = tuple(float(size) for size in sizes)
        except (TypeError, ValueError) as error:
            raise AtlasError(f"Sizes are {sizes!r}; give several shares, such as (0.25, 0.35).") from error
        if isinstance(positions, str) or not isinstance(positions, Iterable):
            raise AtlasError(f"Positions are {positions!r}; give several, such as [{CORNERS[0]!r}].")
        return cls(numbers, tuple(positions))

    def __len__(self) -> int:
        return len(self.sizes) * len(self.positions)

    def name(self, index: int) -> str:
        """In words, of a placement by its number."""
        size, position = divmod(index, len(self.positions))
        return f"{self.sizes[size]:.0%} {self.positions[position]}"

    @property
    def preferred(self) -> list[int]:
        """Numbers of all placements, the largest size first: of equally good ones, the most that can be seen."""
        return sorted(range(len(self)), key=lambda index: -self.sizes[index // len(self.positions)])

    def largest(self, side: int) -> int:
        """Side in pixels of the largest square on a photograph of `side` pixels."""
        return max(self.box(index, side)[2] for index in range(len(self)))

    def box(self, index: int, side: int) -> tuple[int, int, int]:
        """Left, top and side in pixels on a photograph of `side` pixels."""
        size, position = divmod(index, len(self.positions))
        px = max(_LEAST_PX, round(self.sizes[size] * side))
        across, down = POSITIONS[self.positions[position]]
        return round(across * (side - px)), round(down * (side - px)), px


def pasted(photograph: NDArray[np.uint8], square: NDArray[np.uint8], box: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A photograph (3, S, S) with a square (P, P, 3) on it."""
    left, top, px = box
    result = photograph.copy()
    result[:, top : top + px, left : left + px] = square.transpose(2, 0, 1)
    return result


def run_arm(
    model: VisionModel, photographs: Photographs, arm: Arm, placements: Placements, tick: Callable[[int], None]
) -> NDArray[np.int32]:
    """Class that the network gives to every photograph with the arm's square at every placement.

    Parameters
    ----------
    tick : callable
        Called with the number of photographs done.

    Returns
    -------
    int32 array (N, P)
        P placements.
    """
    side = photographs.pixels.shape[-1]
    boxes = [placements.box(index, side) for index in range(len(placements))]
    found = np.empty((len(photographs), len(boxes)), dtype=np.int32)
    largest = placements.largest(side)
    group = max(1, _BATCH // len(boxes))
    for start in range(0, len(photographs), group):
        rows = range(start, min(start + group, len(photographs)))
        images: list[NDArray[np.uint8]] = []
        for row in rows:
            squares = {px: arm.square(photographs.digests[row], px, largest) for px in {box[2] for box in boxes}}
            images += [pasted(photographs.pixels[row], squares[box[2]], box) for box in boxes]
        found[rows.start : rows.stop] = _predictions(model, images).reshape(len(rows), len(boxes))
        tick(rows.stop)
    return found


def _predictions(model: VisionModel, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.int32]:
    parts = [predict(model, np.stack(images[i : i + _BATCH])) for i in range(0, len(images), _BATCH)]
    return np.concatenate(parts)
