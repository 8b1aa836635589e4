"""Tables of pairs of classes and of the cells that tell two apart."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from atlas.cli.app import console

if TYPE_CHECKING:
    from pathlib import Path

    from atlas.classes import Comparison, PairTable

_LISTED = 5


def print_pairs(pairs: PairTable, path: Path) -> None:
    """Print pairs that are worth comparing, and how to compare the first."""
    table = Table("class", "and class", "score", "activations of both", "correlation", box=None)
    for row in range(len(pairs)):
        table.add_row(
            str(pairs["left"][row]),
            str(pairs["right"][row]),
            f"{pairs['score'][row]:.2f}",
            f"{100 * pairs['overlap'][row]:.0f} %",
            f"{pairs['correlation'][row]:.2f}",
        )
    console.print(table)
    if len(pairs):
        first, second = (shlex.quote(str(pairs[side][0])) for side in ("left", "right"))
        typer.echo(f"Next: atlas compare {shlex.quote(str(path))} {first} {second}")


def print_separating(comparison: Comparison) -> None:
    """Print the cells that tell the classes of a comparison apart."""
    left, right = comparison.left.name, comparison.right.name
    table = Table("speaks for", "row", "column", f"adds to {left}", f"adds to {right}", "activations", box=None)
    for side in ("left", "right"):
        for cell in comparison.separating(_LISTED, "left" if side == "left" else "right"):
            name = left if side == "left" else right
            table.add_row(
                name, str(cell.row), str(cell.column), f"{cell.left:.2f}", f"{cell.right:.2f}", str(cell.count)
            )
    console.print(table)
    if (note := comparison.label_meaning().note) is not None:
        typer.echo(note)
