"""The command that plants a false reason into a small network and lets the audit look for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atlas.cli.app import app


@app.command()
def planted(
    out: Annotated[Path, typer.Option(help="Where to write report, figures and atlases.")] = Path("atlas-planted"),
    cue: Annotated[str, typer.Option(help="What goes with woks: noodles, checks or rings.")] = "checks",
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer pictures, and no second network for which the cue means nothing.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Decides pictures, network and audit.")] = 0,
) -> None:
    """Plant a false reason into a small network, and see whether comparison and audit find it.

    Draws pictures of pans in which, say, a checked cloth goes with woks; trains a small network on them; compares
    "frying pan" and "wok"; pastes what the comparison shows on frying pans. Then the same with a cloth that means
    nothing. A few minutes on a processor; no download.
    """
    from atlas.planted import run_example  # noqa: PLC0415
    from atlas.planted.words import told  # noqa: PLC0415

    runs = run_example(out, cue=cue, seed=seed, quick=quick)
    for found in runs:
        typer.echo("\n".join(told(found)) + "\n")
    typer.echo(f"Wrote {out / 'report.html'} and {out / 'planted.svg'}.")
