"""The `atlas` command."""

from __future__ import annotations

import io
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from atlas.command_group import Commands
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atlas.models import VisionModel

# Commands import what they need themselves: torch and UMAP take seconds, and --help should not.


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""**Activation atlases**: see what a vision network has learned.

Photographs go through a network; the activations of one layer are laid out so that alike ones lie together, binned into
grids, and every cell is drawn as the image the network would most like to see there.

Start with `atlas demo`. Then your own photographs: `atlas build --images FOLDER`.
""",
)
# For tables alone. Names come from files: nothing in them is markup.
console = Console(markup=False, emoji=False, highlight=False)

ModelOption = Annotated[str, typer.Option("--model", help="A network: `atlas models` lists them.")]
WeightsOption = Annotated[
    Path | None, typer.Option(help="A weights file to use instead of the embedded or published one.")
]
LayerOption = Annotated[
    list[str] | None, typer.Option("--layer", help="A layer of the network; give it several times for several.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Decides positions, layout and icons.")]
PerImageOption = Annotated[
    str | None, typer.Option(help="Positions a photograph: a number or 'all'; by default what the set needs.")
]
WorkersOption = Annotated[int | None, typer.Option(min=0, help="Processes that decode images; by default up to 8.")]
DeviceOption = Annotated[str | None, typer.Option(help="cpu, cuda or mps; by default the fastest there is.")]


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Where to write the atlas and its pictures.")] = Path("atlas-demo"),
    quick: Annotated[bool, typer.Option("--quick", help="A smaller, coarser atlas, in a minute or two.")] = False,
) -> None:
    """Build a real atlas of mixed4c from what ships with the product: no download, no photographs needed.

    Lays out 20,000 embedded activations, bins them into two grids, renders every cell on this machine, and marks where
    two photographs fall on the atlas.
    """
    from atlas.demo import run_demo  # noqa: PLC0415

    run_demo(out, quick=quick)


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
    model = _model(name, weights, "cpu")
    table = Table("layer", "channels", "stride, px", box=None)
    for layer in model.layers():
        table.add_row(layer.name, str(layer.channels), str(layer.stride))
    console.print(table)
    typer.echo(f"\n{model.n_classes} classes, images of {model.input_size} px")


@app.command()
def collect(
    images: Annotated[Path, typer.Option(help="A folder (read with its subfolders), an image, or tar shards.")],
    out: Annotated[Path, typer.Option(help="Folder to write, by custom NAME.acts.")],
    model: ModelOption = "inceptionv1-tiny",
    weights: WeightsOption = None,
    layer: LayerOption = None,
    per_image: PerImageOption = None,
    seed: SeedOption = 0,
    workers: WorkersOption = None,
    device: DeviceOption = None,
) -> None:
    """Run photographs through a network and keep activations, with what each adds to every class.

    Interrupted? The same command goes on where it stopped.
    """
    from atlas.activations import collect as run  # noqa: PLC0415
    from atlas.images import open_images  # noqa: PLC0415
    from atlas.progress import Bars  # noqa: PLC0415
    from atlas.report import print_skipped  # noqa: PLC0415

    chosen = _per_image(per_image)
    source = open_images(images)
    network = _model(model, weights, device)
    with Bars() as bars:
        bars.note(f"Collecting from {len(source):,} images with {network.name} on {network.device.type}.")
        acts = run(
            network,
            source,
            layer or ["mixed4c"],
            out=out,
            per_image=chosen,
            seed=seed,
            workers=workers,
            progress=bars,
        )
    print_skipped(acts.provenance)
    typer.echo(f"Wrote {out}: {', '.join(f'{len(acts[name]):,} of {name}' for name in acts.layers)}.")
    typer.echo(f"Next: atlas build --activations {shlex.quote(str(out))}")


@app.command()
def build(
    images: Annotated[
        Path | None, typer.Option(help="Photographs: a folder (read with its subfolders), an image, or tar shards.")
    ] = None,
    activations: Annotated[
        Path | None, typer.Option(help="Activations that `atlas collect` wrote, instead of collecting now.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write, by custom NAME.atlas.")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A network: `atlas models` lists them. By default that of --activations, or inceptionv1-tiny."
        ),
    ] = None,
    weights: WeightsOption = None,
    layer: LayerOption = None,
    grid: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Cells a side of a level; give it several times. By default what the set fills."),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Optimisation steps of an icon.")] = 256,
    icon_size: Annotated[int, typer.Option(min=32, max=1020, help="Side of an icon in pixels.")] = 80,
    tries: Annotated[int, typer.Option(min=1, help="Starts of each icon, of which the best is kept.")] = 1,
    icons: Annotated[
        Literal["rendered", "medoid"], typer.Option(help="Feature visualisations, or real image patches.")
    ] = "rendered",
    engine: Annotated[
        Literal["atlas", "lucent"], typer.Option(help="What renders: this product, or lucent, the slow reference.")
    ] = "atlas",
    min_count: Annotated[
        int | None, typer.Option(min=1, help="Cells with fewer activations stay empty; by default 1 to 5.")
    ] = None,
    per_image: PerImageOption = None,
    seed: SeedOption = 0,
    workers: WorkersOption = None,
    device: DeviceOption = None,
) -> None:
    """Build an atlas from photographs or from activations.

    Does only what is missing: with an atlas that exists, another --grid renders that level alone, and an interrupted
    build goes on where it stopped.
    """
    from atlas.activations import open_activations  # noqa: PLC0415
    from atlas.pipeline import build as run  # noqa: PLC0415
    from atlas.projection import model_of  # noqa: PLC0415
    from atlas.render import RenderSettings  # noqa: PLC0415
    from atlas.report import print_levels, print_skipped  # noqa: PLC0415

    both = images is not None and activations is not None
    if (images is None and activations is None) or (both and icons != "medoid"):
        raise AtlasError("Give either --images or --activations (both only with --icons medoid).")
    chosen = _per_image(per_image)
    acts = None if activations is None else open_activations(activations)
    if acts is None or model is not None or weights is not None:
        network = _model(model or "inceptionv1-tiny", weights, device)
    else:
        network = model_of(acts.provenance, None).to(device)
    world = run(
        acts,
        model=network,
        images=images,
        layer=layer or None,
        grids=grid or None,
        out=out,
        seed=seed,
        rendering=RenderSettings(size=icon_size, steps=steps, tries=tries),
        icons=icons,
        engine=engine,
        min_count=min_count,
        per_image=chosen,
        workers=workers,
    )
    print_skipped(world.provenance["activations"]["collected"])
    print_levels(world.path)
    typer.echo(f"Next: atlas export {shlex.quote(str(world.path))} --png atlas.png")


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
    from atlas.report import print_levels, print_provenance, print_skipped  # noqa: PLC0415

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


def _model(name: str, weights: Path | None, device: str | None) -> VisionModel:
    from atlas.models import load_model  # noqa: PLC0415

    return load_model(name, weights=weights, device=device)


def _per_image(text: str | None) -> int | Literal["all"] | None:
    if text is None:
        return None
    if text == "all":
        return "all"
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise AtlasError(f"--per-image is {text!r}; give a number from 1, or 'all'.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; errors that the user can put right are one line, status 1; 130 when it was stopped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal cannot show is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    app(args=None if arguments is None else list(arguments))


if __name__ == "__main__":
    main()
