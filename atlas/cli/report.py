"""What the command line says about atlases and stores. Names from data are printed as they are, never as markup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from atlas.atlas import Atlas
from atlas.images import SkippedImage, summarise

if TYPE_CHECKING:
    from pathlib import Path


def print_provenance(provenance: dict[str, Any]) -> None:
    """Print network, images and activations of a provenance record."""
    model = provenance.get("model")
    if isinstance(model, dict):
        typer.echo(f"network      {model['name']} (weights {str(model['digest'])[:12]})")
    links = provenance.get("activations")
    images = _images(links.get("collected", {}) if isinstance(links, dict) else provenance)
    if images:
        typer.echo(f"images       {images['read']:,} of {images['total']:,} from {images['source']}")
    if isinstance(links, dict):
        typer.echo(f"activations  {links['kind']} {links['link']}".rstrip())


def _images(provenance: dict[str, Any]) -> dict[str, Any] | None:
    """What `collect` noted of the images; None where the activations came another way."""
    images = provenance.get("images")
    if not isinstance(images, dict) or not all(isinstance(images.get(key), int) for key in ("read", "total")):
        return None
    return images if isinstance(images.get("source"), str) and isinstance(images.get("skipped"), list) else None


def print_levels(path: Path) -> None:
    """Print the levels of an atlas as a table, and the figures of its layouts."""
    world = Atlas(path)
    table = Table("layer", "level", "cells", "outside the frame", "in small cells", "mean cosine", box=None)
    for layer in world.layers:
        summary = world.summary(layer)
        for size, level in summary["levels"].items():
            cosine = "no icons yet" if level["icons"] is None else f"{level['icons']['mean_cosine'] or 0:.3f}"
            grid = level["grid"]
            table.add_row(
                layer, str(size), str(grid["cells"]), str(grid["outside"]), str(grid["in_small_cells"]), cosine
            )
    Console().print(table)
    for layer in world.layers:
        layout = world.summary(layer)["layout"]
        trust = layout["trustworthiness"]
        typer.echo(
            f"{layer}: {layout['n_points']:,} activations, {layout['n_zero']} all zero"
            + ("" if trust is None else f", trustworthiness {trust:.3f}")
        )
        if (note := world.label_meaning(layer).note) is not None:
            typer.echo(note)


def print_skipped(provenance: dict[str, Any]) -> None:
    """Print the images that could not be read, with the reasons."""
    images = _images(provenance)
    if images and images["skipped"]:
        skipped = [SkippedImage(str(skip["id"]), str(skip["reason"])) for skip in images["skipped"]]
        typer.echo(summarise(skipped, images["total"]))
