"""The command that puts what an atlas suggests to the test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atlas.cli.app import DeviceOption, ModelOption, SeedOption, WeightsOption, app, is_given, load_network, network_of
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from atlas.classes import Comparison


@app.command()
def audit(
    context: typer.Context,
    images: Annotated[Path, typer.Option(help="Photographs: a folder with a subfolder for each class.")],
    comparison: Annotated[
        Path | None,
        typer.Argument(help="A comparison of two classes, for its icons; with --patch, for its neutral cells."),
    ] = None,
    patch: Annotated[
        list[Path] | None, typer.Option(help="A picture of your own to paste; give it several times for several.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Class of the photographs; by default the left one of the comparison.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Class that they might become; by default the right one of the comparison.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for results; kept predictions go there too.")] = Path("audit"),
    cells: Annotated[int, typer.Option(min=1, help="Cells of the comparison to test.")] = 5,
    size: Annotated[
        list[float] | None, typer.Option(help="Side of the patch as a share of the photograph's; several for several.")
    ] = None,
    limit: Annotated[int, typer.Option(min=2, help="Use at most so many photographs.")] = 200,
    view: Annotated[bool, typer.Option("--view", help="Also write a page of examples; it holds photographs.")] = False,
    model: ModelOption = "inceptionv1-tiny",
    weights: WeightsOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
) -> None:
    """Paste icons or pictures on photographs of one class and count, against controls, how many become another.

    Writes audit.json (verdicts, table, provenance) and audit.svg. Interrupted? The same command goes on where it
    stopped.
    """
    from atlas.audit import SIZES, patch_test  # noqa: PLC0415
    from atlas.classes import Comparison  # noqa: PLC0415

    if comparison is None and not patch:
        raise AtlasError("Give a comparison, whose icons are tested, or pictures with --patch.")
    tested: list[Path] | Comparison = list(patch or [])
    neutral: Comparison | None = None
    if comparison is None:
        network = load_network(model, weights, device)
    else:
        compared = Comparison(comparison)
        # Of pictures of one's own the comparison gives classes and neutral cells.
        neutral = compared
        if not patch:
            tested = compared
        if is_given(context, "model"):
            raise AtlasError("--model is of no use with a comparison, which names its network; leave it out.")
        network = network_of(compared, weights, device)
    found = patch_test(
        network,
        images,
        source,
        target,
        patches=tested,
        neutral=neutral,
        n_patches=cells,
        sizes=size or SIZES,
        limit=limit,
        seed=seed,
        out=out / "kept",
    )
    if found.note is not None:
        typer.echo(found.note)
    for report in found.reports:
        typer.echo(str(report))
    written = [found.save(out / "audit.json"), found.figure().save(out / "audit.svg")]
    if view:
        written.append(found.view().save(out / "audit.html"))
    typer.echo(f"Wrote {', '.join(str(file) for file in written)}.")
