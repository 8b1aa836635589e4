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
        table.add_row(layer.name, str(layer.channels), str(layer.stride))
    console.print(table)
    typer.echo(f"\n{model.n_classes} classes, images of {model.input_size} px")


@app.command()
def export(
    path: Annotated[Path, typer.Argument(help="An atlas.")],
    png: Annotated[Path, typer.Option("--png", help="Picture to write; its name ends in .png.")],
    level: Annotated[int | None, typer.Option(help="Which level, by its cells a side; by default the finest.")] = None,
    layer: Annotated[str | None, typer.Option(help="Which layer; by default the first.")] = None,
    icon_size: Annotated[int, typer.Option(min=16, max=384, help="Side of an icon in the picture, in pixels.")] = 80,
    background: Annotated[
        str, typer.Option(help="white, black, transparent, or any colour such as '#101418'.")
    ] = "white",
    density: Annotated[bool, typer.Option("--density", help="Size icons by the number of activations.")] = False,
    labels: Annotated[bool, typer.Option("--labels", help="Write class names on the cells.")] = False,
    title: Annotated[str | None, typer.Option(help="A line above the atlas.")] = None,
) -> None:
    """Write one level of an atlas as a picture."""
    from atlas.atlas import Atlas  # noqa: PLC0415

    written = Atlas(path).to_png(
        png, level, layer=layer, icon_px=icon_size, background=background, density=density, labels=labels, title=title
    )
    typer.echo(f"Wrote {written}.")


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
