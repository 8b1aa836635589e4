"""Grids over the layout: the zoom levels of an atlas.

A grid cuts the unit square into half-open cells, so that every point is in exactly one cell or outside the
frame. Each cell with enough members is described by its mean activation, its spread, its classes and its
nearest members. Grids nest where one size divides the next.
"""

from atlas.grid.aggregate import make_grid
from atlas.grid.cells import OUTSIDE, cell_index, default_grids, default_min_count
from atlas.grid.level import Level
from atlas.grid.table import CellTable, Table

__all__ = [
    "OUTSIDE",
    "CellTable",
    "Level",
    "Table",
    "cell_index",
    "default_grids",
    "default_min_count",
    "make_grid",
]
