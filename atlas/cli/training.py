"""Commands that train a network and say how good one is."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from atlas.cli.app import DeviceOption, ModelOption, WeightsOption, WorkersOption, app, console, load_network
from atlas.errors import AtlasError

LabelsOption = Annotated[
    Path | None,
    typer.Option(help="Classes in order, a line each: WNID, tab, names. By default the subfolders, sorted."),
]


@app.command()
def train(
    images: Annotated[Path, typer.Option(help="A folder with a subfolder of photographs for each class.")],
    out: Annotated[Path, typer.Option(help="Weights to write; the name ends in .safetensors.")],
    validation: Annotated[Path | None, typer.Option(help="Photographs of the same classes to measure on.")] = None,
    labels: LabelsOption = None,
    epochs: Annotated[float, typer.Option(min=0.01, help="Passes over the photographs.")] = 16,
    batch_size: Annotated[int, typer.Option(min=2, help="Photographs in a step.")] = 128,
    size: Annotated[
        list[int] | None, typer.Option(min=32, help="Side in pixels while training; several, small first.")
    ] = None,
    evaluation_size: Annotated[int, typer.Option(min=32, help="Side in pixels the network is made for.")] = 96,
    source_size: Annotated[int, typer.Option(min=16, help="Side in pixels that photographs are kept at.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 0.1,
    adversarial_radius: Annotated[
        float, typer.Option(min=0, help="Train under perturbations of this L2 length; cleaner icons, twice the time.")
    ] = 0.0,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Stop after this many; run again to go on.")] = None,
    compiled: Annotated[bool, typer.Option("--compile", help="Use torch.compile.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Decides initial weights, order and crops.")] = 0,
    workers: WorkersOption = None,
    device: DeviceOption = None,
) -> None:
    """Train InceptionV1 on your photographs, for atlases of a network of your own.

    Writes the weights and, beside them, a report (NAME.json). Interrupted? The same command goes on where it stopped.
    """
    from atlas.models import read_labels  # noqa: PLC0415
    from atlas.training import TrainSettings  # noqa: PLC0415
    from atlas.training import train as run  # noqa: PLC0415

    settings = TrainSettings(
        epochs=epochs,
        batch_size=batch_size,
        evaluation_size=evaluation_size,
        source_size=source_size,
        learning_rate=learning_rate,
        adversarial_radius=adversarial_radius,
        compile=compiled,
        seed=seed,
        sizes=tuple(size) if size else TrainSettings().sizes,
    )
    report = run(
        images,
        out,
        validation=validation,
        settings=settings,
        labels=None if labels is None else read_labels(labels),
        minutes=minutes,
        device=device,
        workers=workers,
    )
    if report["done"] < 1:
        return
    typer.echo(f"Wrote {out} and {out.with_suffix('.json')}: {report['steps']:,} steps, {report['minutes']} min.")
    for row in report.get("accuracy", []):
        typer.echo(f"Top-1 {row['top1']:.1%}, top-5 {row['top5']:.1%} at {row['size']} px.")
    typer.echo(f"Next: atlas build --images {shlex.quote(str(images))} --weights {shlex.quote(str(out))}")


@app.command()
def evaluate(
    images: Annotated[Path, typer.Option(help="A folder with a subfolder of photographs for each class.")],
    model: ModelOption = "inceptionv1-tiny",
    weights: WeightsOption = None,
    size: Annotated[
        list[int] | None, typer.Option(min=32, help="Side in pixels; several to compare. By default the network's own.")
    ] = None,
    workers: WorkersOption = None,
    device: DeviceOption = None,
) -> None:
    """Measure how often a network names photographs right, and how well calibrated it is.

    The subfolders are named after the network's classes: by name, synonym or WNID.
    """
    from atlas.images import open_images  # noqa: PLC0415
    from atlas.progress import Bars  # noqa: PLC0415
    from atlas.training import evaluate as run  # noqa: PLC0415
    from atlas.training import read_photographs  # noqa: PLC0415

    source = open_images(images)
    network = load_network(model, weights, device)
    if network.labels is None:
        raise AtlasError(f"The classes of {network.name} with these weights have no names; nothing can be compared.")
    table = Table("size, px", "photographs", "top-1", "top-5", "loss", "calibration error", box=None)
    with Bars() as bars:
        for side in size or [network.input_size]:
            photographs = read_photographs(source, side, labels=network.labels, workers=workers, progress=bars)
            found = run(network, photographs, size=side, progress=bars)
            table.add_row(
                str(side),
                f"{found.photographs:,}",
                f"{found.top1:.1%}",
                f"{found.top5:.1%}",
                f"{found.loss:.3f}",
                f"{found.calibration_error:.1%}",
            )
    console.print(table)
