"""What a comparison atlas is asked for: its two classes, and the cells that tell them apart."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from atlas.atlas import Atlas
from atlas.checks import refuse_less_than_one
from atlas.errors import AtlasError
from atlas.export.compared import render_compared
from atlas.export.evidence import Evidence, draw_evidence
from atlas.layout.rows import unit_rows
from atlas.patches import Patches

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from atlas.grid import CellTable
    from atlas.level import AtlasLevel

_SIDES = ("left", "right", "both")
#: Of the difference at the edge: cells closer to the middle tell nothing apart.
_LEAST_SHARE = 0.1


@dataclass(frozen=True)
class ComparedClass:
    """A class of a comparison: its index among the network's outputs, and its name."""

    index: int
    name: str


@dataclass(frozen=True, eq=False)
class SeparatingCell:
    """A cell of a comparison, as evidence.

    Attributes
    ----------
    level, cell, row, column : int
        Where it is.
    side : {"left", "right"}
        The class that it speaks for.
    difference : float
        Mean attribution of its members to the left class minus that to the right one, in units of the logits.
    left, right : float
        Mean attribution to each.
    count : int
        Members.
    icon : array (S, S, 3), uint8
        Its icon.
    cosine : float
        How close the network's answer to the icon is to the mean of the members.
    nearest : tuple of int
        Rows of ``comparison.activations[layer]`` nearest to the mean of the members, nearest first.
    """

    level: int
    cell: int
    row: int
    column: int
    side: Literal["left", "right"]
    difference: float
    left: float
    right: float
    count: int
    icon: NDArray[np.uint8]
    cosine: float
    nearest: tuple[int, ...]


class Comparison(Atlas):
    """An atlas of two classes: across, which of them an activation speaks for; down, what is alike.

    Made by `Atlas.compare`, opened by `open`.

    Attributes
    ----------
    left, right : ComparedClass
        The classes; what speaks for `left` lies left of the middle.

    Raises
    ------
    AtlasError
        The atlas is not a comparison.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        part = self.provenance.get("part") or {}
        if part.get("kind") != "comparison":
            raise AtlasError(f"{self.path.name} is not a comparison of two classes; `compare` makes one.")
        self.left, self.right = (ComparedClass(entry["index"], entry["name"]) for entry in part["classes"])

    @property
    def axes(self) -> dict[str, str]:
        """What lies in which direction: left, right, vertical."""
        return {"left": self.left.name, "right": self.right.name, "vertical": "alike ones lie together"}

    def differences(self, level: int | None = None) -> NDArray[np.float32]:
        """Mean attribution to the left class minus that to the right one, of every cell of a level, (M,)."""
        left, right = self._attributions(self.level(level)).T
        difference: NDArray[np.float32] = left - right
        return difference

    def _attributions(self, level: AtlasLevel) -> NDArray[np.float32]:
        """Mean attribution of every cell to the left and the right class, (M, 2)."""
        attribution = level.grid.attribution
        chosen = [self.left.index, self.right.index]
        if attribution is None or max(chosen) >= attribution.shape[1]:
            raise AtlasError(f"{self.path.name} lacks the attributions to its classes; make the comparison again.")
        return attribution[:, chosen]

    def cells(self, level: int | None = None, layer: str | None = None) -> CellTable:
        """Cells of a level as a table; see `Atlas.cells`.

        Further columns: left and right, the mean attribution to each class, and difference, left minus right.
        """
        table = super().cells(level, layer)
        left, right = self._attributions(self.level(level, layer)).T
        return table.with_columns(left=left, right=right, difference=left - right)

    def _draw(self, _found: AtlasLevel, **options: Any) -> Image.Image:  # noqa: ANN401 - those of `render_level`
        scaled = np.clip(self.differences(_found.size) / self._scale(), -1, 1)
        return render_compared(difference=scaled, axes=self.axes, **options)

    def _scale(self) -> float:
        """Difference that lies at the edge."""
        scale = self.summary()["layout"].get("scale")
        return float(scale) if isinstance(scale, int | float) and scale > 0 else 1.0

    def separating(
        self, n: int = 10, side: Literal["left", "right", "both"] = "both", level: int | None = None
    ) -> list[SeparatingCell]:
        """Cells that tell the classes apart, strongest first.

        Ordered by the absolute difference times the root of the number of members: like a z score, so that a lone
        extreme activation does not come before a group. Left out are cells that show again what a stronger one of the
        same side shows, so that n cells show n different things: those whose mean is as near, by cosine, to the mean of
        the stronger one as its own members are on average (its spread). Left out are also cells of less than a tenth of
        the difference at the edge of the atlas, which tell nothing apart.

        Parameters
        ----------
        n : int
            How many at most.
        side : {"left", "right", "both"}
            Which class they speak for.
        level : int, optional
            By default the finest that is rendered: the finer the cells, the less different things they mix.
        """
        if side not in _SIDES:
            raise AtlasError(f"side is {side!r}; choose {', '.join(repr(name) for name in _SIDES)}.")
        refuse_less_than_one("n", n, "cells")
        found = self.level(level)
        difference = self.differences(level)
        strength = np.abs(difference) * np.sqrt(found.grid.count)
        wanted = np.abs(difference) >= _LEAST_SHARE * self._scale()
        if side != "both":
            wanted &= (difference > 0) == (side == "left")
        direction, spread = unit_rows(found.grid.mean), found.grid.spread
        taken: list[int] = []
        for at in np.argsort(-strength, kind="stable"):
            if len(taken) == n:
                break
            same = [other for other in taken if (difference[at] > 0) == (difference[other] > 0)]
            if wanted[at] and not (direction[same] @ direction[at] >= spread[same]).any():
                taken.append(int(at))
        return [self._cell(found, at) for at in taken]

    def neutral(self, n: int = 1, level: int | None = None) -> list[SeparatingCell]:
        """Cells that speak for both classes alike, the least difference first: what to hold the others against.

        They add to both classes or to neither; what counts is that they tell nothing apart. Only cells of less than a
        tenth of the difference at the edge, so that none of them is one of `separating`: fewer than `n` where there are
        no more.
        """
        refuse_less_than_one("n", n, "cells")
        found = self.level(level)
        size = np.abs(self.differences(level))
        order = np.argsort(size, kind="stable")[:n]
        return [self._cell(found, int(at)) for at in order if size[at] < _LEAST_SHARE * self._scale()]

    def evidence(
        self,
        n: int = 5,
        *,
        level: int | None = None,
        images: Any = None,  # noqa: ANN401 - whatever `open_images` takes
        background: str = "white",
        title: str | None = None,
        footer: str | None = None,
    ) -> Image.Image:
        """Draw the cells that tell the classes apart: icon, what it adds to either class, real patches.

        Parameters
        ----------
        n : int
            Cells a class.
        level : int, optional
            By default the finest that is rendered.
        images
            The photographs that were collected from, to show what they hold where the members nearest to a cell's mean
            were taken. An icon is no photograph: only they say what it stands for.
        background, title, footer : str
            See `to_png`.
        """
        chosen = self.level(level)
        patches = None if images is None else Patches(self, images)
        layer = self.record()[0]

        def shown(cell: SeparatingCell) -> Evidence:
            at = int(np.searchsorted(chosen.grid.cell, cell.cell))
            cut = [] if patches is None else patches(layer, cell.level, at)
            lines = (
                f"{self.left.name} {cell.left:+.2f}",
                f"{self.right.name} {cell.right:+.2f}",
                f"{cell.count:,} activations",
                f"achieved cosine {cell.cosine:.2f}",
            )
            return Evidence(cell.icon, lines, [Image.open(io.BytesIO(data)) for data in cut])

        left, right = (
            (name, [shown(cell) for cell in self.separating(n, side, chosen.size)]) for name, side in self._sides()
        )
        return draw_evidence((left, right), background=background, title=title, footer=footer)

    def _sides(self) -> tuple[tuple[str, Literal["left"]], tuple[str, Literal["right"]]]:
        return (self.left.name, "left"), (self.right.name, "right")

    def _cell(self, level: AtlasLevel, at: int) -> SeparatingCell:
        grid = level.grid
        if level.icons is None or level.cosine is None:
            raise AtlasError(f"The icons of level {level.size} are not rendered yet; make the comparison again.")
        left, right = self._attributions(level)[at].tolist()
        return SeparatingCell(
            level=level.size,
            cell=int(grid.cell[at]),
            row=int(grid.row[at]),
            column=int(grid.column[at]),
            side="left" if left > right else "right",
            difference=left - right,
            left=left,
            right=right,
            count=int(grid.count[at]),
            icon=level.icons[at],
            cosine=float(level.cosine[at]),
            nearest=tuple(grid.nearest[at][grid.nearest[at] >= 0].tolist()),
        )
