"""`atlas demo`: a real atlas from what ships with the product."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from atlas.activations import open_activations
from atlas.assets import asset
from atlas.errors import AtlasError
from atlas.manifest import FILE
from atlas.models import load_model
from atlas.pipeline import build
from atlas.render import RenderSettings

if TYPE_CHECKING:
    from atlas.atlas import Atlas

LAYER = "mixed4c"
#: Cells a side of the two levels, and optimisation steps of an icon: few cells, each rendered well.
FULL = ((6, 12), RenderSettings(steps=112))
QUICK = ((4, 8), RenderSettings(steps=48, size=64))

#: Photographs that scikit-learn ships (Creative Commons, see its documentation).
PHOTOGRAPHS = ("china.jpg", "flower.jpg")


def run_demo(out: Path, *, quick: bool) -> Atlas:
    """Build the demo atlas and its pictures into the folder `out`.

    Writes ``mixed4c.atlas``, ``level-006.png`` and so on, one a level, and ``photographs.png``: the finest level with
    the places of two photographs that went the whole road from picture to atlas.

    Raises
    ------
    AtlasError
        `out` holds something else.
    """
    folder = out / f"{LAYER}.atlas"
    if out.exists() and not out.is_dir():
        raise AtlasError(f"{out} is a file; give another folder with --out.")
    if out.is_dir() and any(out.iterdir()) and not (folder / FILE).is_file():
        raise AtlasError(f"{out} exists and holds no demo; give another folder with --out.")
    out.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    grids, rendering = QUICK if quick else FULL
    model = load_model("inceptionv1-tiny")
    acts = open_activations(asset("activations.acts"))
    world = build(acts, model=model, layer=LAYER, grids=grids, out=folder, rendering=rendering)
    for size in grids:
        picture = world.to_png(out / f"level-{size:03d}.png", size, icon_px=rendering.size, title=_title(size))
        typer.echo(f"Wrote {picture}")
    projection = world.project([str(path) for path in photographs()], model=model)
    picture = world.to_png(
        out / "photographs.png",
        grids[-1],
        icon_px=rendering.size,
        markers=projection.markers(),
        title="Where two photographs fall on the atlas",
        footer="Each marker is one position of a photograph, among those that the atlas knows best.",
    )
    typer.echo(f"Wrote {picture}")
    typer.echo(f"Done in {time.perf_counter() - begun:.0f} s. Look at the pictures in {out}.")
    return world


def photographs() -> list[Path]:
    """Paths of the photographs that scikit-learn ships."""
    from importlib.resources import files  # noqa: PLC0415

    folder = Path(str(files("sklearn.datasets"))) / "images"
    return [folder / name for name in PHOTOGRAPHS]


def _title(size: int) -> str:
    return f"{LAYER} of InceptionV1, {size} x {size} cells"
