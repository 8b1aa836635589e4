"""Commands about classes: the atlas of one, the comparison of two, pairs worth comparing."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from atlas.cli.app import app, is_given
from atlas.cli.drawing import Drawing, with_drawing

if TYPE_CHECKING:
    from atlas.atlas import Atlas

AtlasArgument = Annotated[Path, typer.Argument(help="The atlas of all classes.")]


@app.command("class")
@with_drawing
def class_(
    path: AtlasArgument,
    name: Annotated[str, typer.Argument(help="A class: label, WNID or index.")],
    own: Annotated[
        Literal["winner", "top"],
        typer.Option(help="Activations that add more to the class than to any other, or all that add to it."),
    ] = "winner",
    *,
    drawing: Drawing,
) -> None:
    """Build the atlas of one class from an atlas: the activations that it owns, laid out again.

    Goes on where it stopped, and does only what is missing, like `build`.
    """
    from atlas.atlas import Atlas  # noqa: PLC0415

    world = Atlas(path)
    _tell(world.class_atlas(name, own=own, layout=drawing.layout, **drawing.options(world)), drawing.png)


@app.command()
@with_drawing
def compare(
    context: typer.Context,
    path: AtlasArgument,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Two classes, left and right: labels, WNIDs or indices. None: list pairs worth comparing."),
    ] = None,
    own: Annotated[
        Literal["winner", "top"],
        typer.Option(help="Activations that add more to a class than to any other, or all that add to it."),
    ] = "top",
    evidence: Annotated[
        Path | None,
        typer.Option(help="Also write a picture of the cells that tell two classes apart; its name ends in .png."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="The photographs collected from: --evidence then shows real patches too.")
    ] = None,
    *,
    drawing: Drawing,
) -> None:
    """Compare two classes: what speaks for the one on the left, for the other on the right.

    `atlas compare ATLAS` lists the pairs that share most; `atlas compare ATLAS "frying pan" wok` builds a comparison
    and lists the cells that tell the two apart. More than two classes are laid out together, side by side.
    """
    from atlas.atlas import Atlas  # noqa: PLC0415
    from atlas.classes.owned import layer_for_classes  # noqa: PLC0415
    from atlas.cli.pairs import print_pairs, print_separating  # noqa: PLC0415
    from atlas.errors import AtlasError  # noqa: PLC0415
    from atlas.export import write_png  # noqa: PLC0415

    given = [option for option in context.params if is_given(context, option)]
    if not names:
        if useless := [option for option in given if option not in ("path", "names", "layer")]:
            raise AtlasError(f"{_flag(useless[0])} is of no use without two classes; name them, or leave it out.")
        world = Atlas(path)
        if (note := world.label_meaning(layer_for_classes(world, drawing.layer)).note) is not None:
            typer.echo(note, err=True)
        print_pairs(world.confusions(20, layer=drawing.layer), path)
        return
    if len(names) == 1:
        raise AtlasError(f"{names[0]!r} is one class; name two, or use `atlas class`.")
    if useless := [option for option in ("evidence", "images") if option in given and len(names) > 2]:
        raise AtlasError(f"{_flag(useless[0])} is about two classes, not {len(names)}; name two, or leave it out.")
    if len(names) == 2 and "layout" in given:
        raise AtlasError("--layout is of no use with two classes: a comparison has its own; leave it out.")
    if images is not None and evidence is None:
        raise AtlasError("--images is of no use without --evidence; say where that picture goes, or leave it out.")
    world = Atlas(path)
    if len(names) == 2:
        found = world.compare(*names, own=own, **drawing.options(world))
        print_separating(found)
        if evidence is not None:
            write_png(found.evidence(images=images), evidence)
            typer.echo(f"Wrote {evidence}.")
        _tell(found, drawing.png)
    else:
        options = drawing.options(world)
        _tell(world.side_by_side(names, own=own, layout=drawing.layout, **options), drawing.png)


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def _tell(found: Atlas, png: Path | None) -> None:
    part = found.provenance["part"]
    typer.echo(f"Wrote {found.path}: {part['activations']:,} activations of {part['layer']}.")
    if png is not None:
        typer.echo(f"Wrote {found.to_png(png)}.")
    else:
        typer.echo(f"Next: atlas export {shlex.quote(str(found.path))} --png atlas.png")
