"""Cells that were selected in a view, with everything that Python knows of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from traitlets import TraitType

from atlas.errors import AtlasError
from atlas.export.state import place_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atlas.level import AtlasLevel
    from atlas.reader import AtlasReader


@dataclass(frozen=True)
class SelectedCell:
    """One cell of an atlas.

    Attributes
    ----------
    id : str
        ``"LEVEL/CELL"``, as the view names it.
    layer : str
    level : int
        Cells a side.
    row, column : int
        Row 0 is at the top.
    count : int
        Members.
    spread : float
        Mean cosine of the members to their mean.
    cosine : float or None
        Achieved cosine of the icon; None while it is not rendered.
    label : str or None
        Class with the largest mean attribution; None where it means nothing or no names are known.
    vector : array (C,), float32
        Mean of the members' activations.
    members : array (count,), int64
        Row numbers of the members among the activations of the layer, ascending.
    icon : array (S, S, 3), uint8, or None
        None while it is not rendered.
    """

    id: str
    layer: str
    level: int
    row: int
    column: int
    count: int
    spread: float
    cosine: float | None
    label: str | None
    vector: NDArray[np.float32]
    members: NDArray[np.int64]
    icon: NDArray[np.uint8] | None


class Selection(Sequence[SelectedCell]):
    """Cells of one layer, in the order in which they were selected.

    Parameters
    ----------
    world : AtlasReader
        The atlas.
    layer : str
        Its layer that the cells are of.
    ids : iterable of str
        ``"LEVEL/CELL"`` each.

    Raises
    ------
    AtlasError
        An id names no cell of the layer.
    """

    def __init__(self, world: AtlasReader, layer: str, ids: Iterable[str]) -> None:
        self._world = world
        self.layer = layer
        self.ids: tuple[str, ...] = tuple(dict.fromkeys(ids))
        self._places = [place_of(world, layer, name) for name in self.ids]

    @classmethod
    def of_known(cls, world: AtlasReader, layer: str, ids: Iterable[object]) -> Selection:
        """Those of `ids` that name a cell; what a browser sends may be about another layer by now."""
        found = []
        for name in ids:
            try:
                cls(world, layer, [str(name)])
            except AtlasError:
                continue
            found.append(str(name))
        return cls(world, layer, found)

    @overload
    def __getitem__(self, index: int) -> SelectedCell: ...
    @overload
    def __getitem__(self, index: slice) -> Selection: ...
    def __getitem__(self, index: int | slice) -> SelectedCell | Selection:
        if isinstance(index, slice):
            return Selection(self._world, self.layer, self.ids[index])
        size, i = self._places[index]
        level = self._world.level(size, self.layer)
        grid = level.grid
        return SelectedCell(
            id=self.ids[index],
            layer=self.layer,
            level=size,
            row=int(grid.row[i]),
            column=int(grid.column[i]),
            count=int(grid.count[i]),
            spread=float(grid.spread[i]),
            cosine=None if level.cosine is None else float(level.cosine[i]),
            label=self._label(level, i),
            vector=grid.mean[i],
            members=grid.members(int(grid.cell[i])),
            icon=None if level.icons is None else level.icons[i],
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Selection):
            return NotImplemented
        return (self.layer, self.ids) == (other.layer, other.ids) and self._world is other._world

    def __hash__(self) -> int:
        return hash((self.layer, self.ids))

    def __repr__(self) -> str:
        return f"<Selection of {len(self)} cells of {self.layer}: {', '.join(self.ids[:8])}{' …' * (len(self) > 8)}>"

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Mean activation vector of every cell, (n, C) float32."""
        means = [self._world.level(size, self.layer).grid.mean[i] for size, i in self._places]
        return np.stack(means) if means else np.zeros((0, 0), dtype=np.float32)

    @property
    def members(self) -> list[NDArray[np.int64]]:
        """Row numbers of every cell's members among the activations of the layer."""
        return [cell.members for cell in self]

    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of all cells, in [0, 1]; of an empty selection, the whole atlas."""
        boxes = []
        for size, i in self._places:
            grid = self._world.level(size, self.layer).grid
            row, column = int(grid.row[i]), int(grid.column[i])
            boxes.append((column / size, row / size, (column + 1) / size, (row + 1) / size))
        if not boxes:
            return 0.0, 0.0, 1.0, 1.0
        left, top, right, bottom = zip(*boxes, strict=True)
        return min(left), min(top), max(right), max(bottom)

    def _label(self, level: AtlasLevel, i: int) -> str | None:
        names = self._world.class_names
        if names is None or not level.grid.top_classes.shape[1]:
            return None
        if not self._world.label_meaning(self.layer).informative:
            return None
        return names[int(level.grid.top_classes[i, 0])]


class SelectionTrait(TraitType[Any, Any]):
    """A trait that takes cell ids and gives a `Selection`; synchronised as a list of ids."""

    info_text = "a list of cell ids such as '40/812'"

    def validate(self, obj: Any, value: Any) -> Selection:  # noqa: ANN401 - traitlets' own signature
        """Look the cells up."""
        if isinstance(value, Selection):
            return value
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise AtlasError(f"selection is {value!r}; give {self.info_text}.")
        return Selection(obj.world, obj.layer, [cell.id if isinstance(cell, SelectedCell) else cell for cell in value])
