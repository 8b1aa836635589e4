"""Commands about classes: the atlas of one, the comparison of two, pairs worth comparing."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from atlas.cli.app import DeviceOption, LayoutOption, WeightsOption, app

if TYPE_CHECKING:
    from atlas.atlas import Atlas
    from atlas.models import VisionModel

AtlasArgument = Annotated[Path, typer.Argument(help="The atlas of all classes.")]
OneLayer = Annotated[
    str | None, typer.Option("--layer", help="Which layer; by default the first that tells classes apart.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Folder to write; by default beside the atlas, named after the classes.")
]
KOption = Annotated[
    int | None,
    typer.Option("--k", min=1, help="Most activations of a class; by default 2,000, or fewer of small sets."),
]
GridOption = Annotated[
    list[int] | None,
    typer.Option("--grid", min=1, help="Cells a side of a level; give it several times. By default what they fill."),
]
StepsOption = Annotated[int, typer.Option("--steps", min=1, help="Optimisation steps of an icon.")]
IconSizeOption = Annotated[int, typer.Option("--icon-size", min=32, max=1020, help="Side of an icon in pixels.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Decides layout and icons.")]
PngOption = Annotated[
    Path | None, typer.Option("--png", help="Also write a picture of the finest level; its name ends in .png.")
]


@app.command("class")
def class_(
    path: AtlasArgument,
    name: Annotated[str, typer.Argument(help="A class: label, WNID or index.")],
    layer: OneLayer = None,
    own: Annotated[
        Literal["winner", "top"],
        typer.Option(help="Activations that add more to the class than to any other, or all that add to it."),
    ] = "winner",
    k: KOption = None,
    grid: GridOption = None,
    out: OutOption = None,
    png: PngOption = None,
    layout: LayoutOption = "umap",
    steps: StepsOption = 128,
    icon_size: IconSizeOption = 80,
    weights: WeightsOption = None,
    device: DeviceOption = None,
    seed: SeedOption = 0,
) -> None:
    """Build the atlas of one class from an atlas: the activations that it owns, laid out again.

    Goes on where it stopped, and does only what is missing, like `build`.
    """
    world, options = _start(path, grid, out, steps, icon_size, weights, device, seed)
    _tell(world.class_atlas(name, layer=layer, own=own, k=k, layout=layout, **options), png)


@app.command()
def compare(
    context: typer.Context,
    path: AtlasArgument,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Two classes, left and right: labels, WNIDs or indices. None: list pairs worth comparing."),
    ] = None,
    layer: OneLayer = None,
    own: Annotated[
        Literal["winner", "top"],
        typer.Option(help="Activations that add more to a class than to any other, or all that add to it."),
    ] = "top",
    k: KOption = None,
    grid: GridOption = None,
    out: OutOption = None,
    png: PngOption = None,
    evidence: Annotated[
        Path | None,
        typer.Option(help="Also write a picture of the cells that tell two classes apart; its name ends in .png."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="The photographs collected from: --evidence then shows real patches too.")
    ] = None,
    layout: LayoutOption = "umap",
    steps: StepsOption = 128,
    icon_size: IconSizeOption = 80,
    weights: WeightsOption = None,
    device: DeviceOption = None,
    seed: SeedOption = 0,
) -> None:
    """Compare two classes: what speaks for the one on the left, for the other on the right.

    `atlas compare ATLAS` lists the pairs that share most; `atlas compare ATLAS "frying pan" wok` builds a comparison
    and lists the cells that tell the two apart. More than two classes are laid out together, side by side.
    """
    from atlas.classes.owned import layer_for_classes  # noqa: PLC0415
    from atlas.cli.pairs import print_pairs, print_separating  # noqa: PLC0415
    from atlas.errors import AtlasError  # noqa: PLC0415
    from atlas.export import write_png  # noqa: PLC0415

    given = [option for option in context.params if _is_given(context, option)]
    if not names:
        if useless := [option for option in given if option not in ("path", "names", "layer")]:
            raise AtlasError(f"{_flag(useless[0])} is of no use without two classes; name them, or leave it out.")
        from atlas.atlas import Atlas  # noqa: PLC0415

        world = Atlas(path)
        if (note := world.label_meaning(layer_for_classes(world, layer)).note) is not None:
            typer.echo(note, err=True)
        print_pairs(world.confusions(20, layer=layer), path)
        return
    if len(names) == 1:
        raise AtlasError(f"{names[0]!r} is one class; name two, or use `atlas class`.")
    if useless := [option for option in ("evidence", "images") if option in given and len(names) > 2]:
        raise AtlasError(f"{_flag(useless[0])} is about two classes, not {len(names)}; name two, or leave it out.")
    if len(names) == 2 and "layout" in given:
        raise AtlasError("--layout is of no use with two classes: a comparison has its own; leave it out.")
    if images is not None and evidence is None:
        raise AtlasError("--images is of no use without --evidence; say where that picture goes, or leave it out.")
    world, options = _start(path, grid, out, steps, icon_size, weights, device, seed)
    if len(names) == 2:
        found = world.compare(*names, layer=layer, own=own, k=k, **options)
        print_separating(found)
        if evidence is not None:
            write_png(found.evidence(images=images), evidence)
            typer.echo(f"Wrote {evidence}.")
        _tell(found, png)
    else:
        _tell(world.side_by_side(names, layer=layer, own=own, k=k, layout=layout, **options), png)


def _is_given(context: typer.Context, option: str) -> bool:
    source = context.get_parameter_source(option)
    return source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def _start(
    path: Path,
    grid: list[int] | None,
    out: Path | None,
    steps: int,
    icon_size: int,
    weights: Path | None,
    device: str | None,
    seed: int,
) -> tuple[Atlas, dict[str, Any]]:
    from atlas.atlas import Atlas  # noqa: PLC0415
    from atlas.render import RenderSettings  # noqa: PLC0415

    world = Atlas(path)
    options = {
        "grids": grid or None,
        "out": out,
        "model": _network(world, weights, device),
        "rendering": RenderSettings(size=icon_size, steps=steps),
        "seed": seed,
    }
    return world, options


def _network(world: Atlas, weights: Path | None, device: str | None) -> VisionModel:
    from atlas.models import load_model  # noqa: PLC0415
    from atlas.projection import model_of  # noqa: PLC0415

    if weights is not None:
        return load_model(world.provenance["model"]["name"], weights=weights, device=device)
    return model_of(world.provenance, None).to(device)


def _tell(found: Atlas, png: Path | None) -> None:
    part = found.provenance["part"]
    typer.echo(f"Wrote {found.path}: {part['activations']:,} activations of {part['layer']}.")
    if png is not None:
        typer.echo(f"Wrote {found.to_png(png)}.")
    else:
        typer.echo(f"Next: atlas export {shlex.quote(str(found.path))} --png atlas.png")
