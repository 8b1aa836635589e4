"""The command that writes an atlas for people without this program."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from atlas.cli.app import app


@app.command()
def export(
    path: Annotated[Path, typer.Argument(help="An atlas.")],
    png: Annotated[Path | None, typer.Option("--png", help="One level as a picture; the name ends in .png.")] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="The viewer with the atlas inside, as one page; ends in .html.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="The same as a folder, for large atlases: open its index.html.")
    ] = None,
    dzi: Annotated[
        Path | None,
        typer.Option("--dzi", help="One level as a deep zoom image, a folder, for OpenSeadragon and others."),
    ] = None,
    level: Annotated[
        int | None,
        typer.Option(help="Which level, by its cells a side; by default the finest. Pages show all unless told."),
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Which layer; by default the first, in pages all.")] = None,
    icon_size: Annotated[int, typer.Option(min=16, max=384, help="Side of an icon in the picture, in pixels.")] = 80,
    background: Annotated[
        str, typer.Option(help="Of the picture: white, black, transparent, or any colour such as '#101418'.")
    ] = "white",
    density: Annotated[
        bool, typer.Option("--density", help="Size the picture's icons by the number of activations.")
    ] = False,
    labels: Annotated[bool, typer.Option("--labels", help="Write class names on the picture's cells.")] = False,
    title: Annotated[str | None, typer.Option(help="A line above the atlas.")] = None,
    images: Annotated[
        Path | None, typer.Option(help="The photographs it was made from: puts real example patches into pages.")
    ] = None,
) -> None:
    """Write an atlas as a picture, a page that needs no network, or a deep zoom image."""
    from atlas.opening import open_atlas  # noqa: PLC0415

    if png is None and html is None and folder is None and dzi is None:
        raise typer.BadParameter("say what to write: --png FILE, --html FILE, --folder FOLDER or --dzi FOLDER.")
    world = open_atlas(path)
    written = []
    if png is not None:
        written.append(
            world.to_png(
                png,
                level,
                layer=layer,
                icon_px=icon_size,
                background=background,
                density=density,
                labels=labels,
                title=title,
            )
        )
    layers, levels = None if layer is None else [layer], None if level is None else [level]
    for target, lazily in ((html, False), (folder, True)):
        if target is not None:
            written.append(
                world.to_html(target, folder=lazily, layers=layers, levels=levels, title=title, images=images)
            )
    if dzi is not None:
        written.append(world.to_dzi(dzi, level, layer=layer))
    for file in written:
        typer.echo(f"Wrote {file}.")
