"""The options that all commands have which make an atlas of classes: what of it, how it is drawn, where it goes."""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from atlas.cli.app import (  # options are read when the command is made
    DeviceOption,
    LayoutOption,
    WeightsOption,
    network_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.atlas import Atlas

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


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What was given for these options."""

    layer: OneLayer = None
    k: KOption = None
    grid: GridOption = None
    out: OutOption = None
    png: PngOption = None
    layout: LayoutOption = "umap"
    steps: StepsOption = 128
    icon_size: IconSizeOption = 80
    weights: WeightsOption = None
    device: DeviceOption = None
    seed: SeedOption = 0

    def options(self, world: Atlas) -> dict[str, Any]:
        """What `Atlas.class_atlas` and its like take, but for the layout, which not all of them have."""
        from atlas.render import RenderSettings  # noqa: PLC0415

        return {
            "layer": self.layer,
            "k": self.k,
            "grids": self.grid or None,
            "out": self.out,
            "model": network_of(world, self.weights, self.device),
            "rendering": RenderSettings(size=self.icon_size, steps=self.steps),
            "seed": self.seed,
        }


def with_drawing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Drawing`, which it takes as its parameter `drawing`."""
    types = get_type_hints(Drawing, include_extras=True)
    own = [one for one in inspect.signature(command, eval_str=True).parameters.values() if one.name != "drawing"]
    shared = [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=types[one.name])
        for one in fields(Drawing)
    ]

    @functools.wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401 - what the program read from the command line
        drawing = Drawing(**{one.name: given.pop(one.name) for one in fields(Drawing)})
        command(**given, drawing=drawing)

    # The program reads the signature below, not that of what is wrapped.
    del run.__wrapped__
    run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in [*own, *shared]}
    return run
