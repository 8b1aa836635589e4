"""Commands that make something: the demo, activations, atlases."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from atlas.cli.app import (
    DeviceOption,
    LayerOption,
    LayoutOption,
    ModelOption,
    PerImageOption,
    SeedOption,
    WeightsOption,
    WorkersOption,
    app,
    load_network,
    positions,
)
from atlas.errors import AtlasError


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Where to write the atlas and its pictures.")] = Path("atlas-demo"),
    quick: Annotated[bool, typer.Option("--quick", help="A smaller, coarser atlas, in a minute or two.")] = False,
) -> None:
    """Build a real atlas of mixed4c from what ships with the product: no download, no photographs needed.

    Lays out 10,000 embedded activations, bins them into two grids, renders every cell on this machine, and marks where
    two photographs fall on the atlas.
    """
    from atlas.demo import run_demo  # noqa: PLC0415

    run_demo(out, quick=quick)


@app.command()
def collect(
    images: Annotated[Path, typer.Option(help="A folder (read with its subfolders), an image, or tar shards.")],
    out: Annotated[Path, typer.Option(help="Folder to write, by custom NAME.acts.")],
    model: ModelOption = "inceptionv1-tiny",
    weights: WeightsOption = None,
    layer: LayerOption = None,
    per_image: PerImageOption = None,
    smooth_pooling: Annotated[
        bool,
        typer.Option(
            "--smooth-pooling",
            help="Attribute through max-pools smoothly: less noise, but it hides behaviour that the network has.",
        ),
    ] = False,
    seed: SeedOption = 0,
    workers: WorkersOption = None,
    device: DeviceOption = None,
) -> None:
    """Run photographs through a network and keep activations, with what each adds to every class.

    Interrupted? The same command goes on where it stopped.
    """
    from atlas.activations import collect as run  # noqa: PLC0415
    from atlas.cli.report import print_skipped  # noqa: PLC0415
    from atlas.images import open_images  # noqa: PLC0415
    from atlas.progress import Bars  # noqa: PLC0415

    chosen = positions(per_image)
    source = open_images(images)
    network = load_network(model, weights, device)
    with Bars() as bars:
        bars.note(f"Collecting from {len(source):,} images with {network.name} on {network.device.type}.")
        acts = run(
            network,
            source,
            layer or ["mixed4c"],
            out=out,
            per_image=chosen,
            smooth_pooling=smooth_pooling,
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
    layout: LayoutOption = "umap",
    steps: Annotated[int, typer.Option(min=1, help="Optimisation steps of an icon.")] = 128,
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
    from atlas.cli.report import print_levels, print_skipped  # noqa: PLC0415
    from atlas.pipeline import build as run  # noqa: PLC0415
    from atlas.projection import model_of  # noqa: PLC0415
    from atlas.render import RenderSettings  # noqa: PLC0415

    both = images is not None and activations is not None
    if (images is None and activations is None) or (both and icons != "medoid"):
        raise AtlasError("Give either --images or --activations (both only with --icons medoid).")
    chosen = positions(per_image)
    acts = None if activations is None else open_activations(activations)
    if acts is None or model is not None or weights is not None:
        network = load_network(model or "inceptionv1-tiny", weights, device)
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
        layout=layout,
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
