"""Commands that show something: networks, pictures, what a folder holds."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer
from rich.table import Table

from atlas.cli.app import WeightsOption, app, console, load_network


@app.command()
def models(
    name: Annotated[str | None, typer.Argument(help="List the layers of this network.")] = None,
    weights: WeightsOption = None,
) -> None:
    """List the networks that are known by name, or the layers of one."""
    from atlas.models import MODEL_NAMES  # noqa: PLC0415

    if name is None:
        table = Table("network", "what it is", box=None)
        for key, text in MODEL_NAMES.items():
            table.add_row(key, text)
        console.print(table)
        typer.echo("\n`atlas models NAME` lists its layers; in Python, `atlas.wrap_model` takes any torch network.")
        return
    model = load_network(name, weights, "cpu")
    table = Table("layer", "channels", "stride, px", box=None)
    for layer in model.layers():
        table.add_row(layer.name, str(layer.channels), f"{layer.stride:.3g}")
    console.print(table)
    typer.echo(f"\n{model.n_classes} classes, images of {model.input_size} px")


@app.command()
def info(path: Annotated[Path, typer.Argument(help="An atlas or an activation store.")]) -> None:
    """Say what an atlas or an activation store holds, where it comes from, and which images could not be read."""
    from atlas.activations import open_activations  # noqa: PLC0415
    from atlas.cli.report import print_levels, print_provenance, print_skipped  # noqa: PLC0415

    if (path / "acts.json").is_file():
        acts = open_activations(path)
        typer.echo(repr(acts)[1:-1])
        if not acts.complete:
            typer.echo("Interrupted: the `atlas collect` that made it goes on when run again.")
        print_provenance(acts.provenance)
        print_skipped(acts.provenance)
        return
    from atlas.atlas import Atlas  # noqa: PLC0415

    world = Atlas(path)
    print_provenance(world.provenance)
    print_skipped(world.provenance["activations"]["collected"])
    print_levels(path)
