"""The command line's program, and the options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from atlas.cli.group import Commands
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from atlas.atlas import Atlas
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
LayoutOption = Annotated[
    Literal["umap", "tsne"], typer.Option("--layout", help="How activations are laid out in the plane.")
]
WorkersOption = Annotated[int | None, typer.Option(min=0, help="Processes that decode images; by default up to 8.")]
DeviceOption = Annotated[str | None, typer.Option(help="cpu, cuda or mps; by default the fastest there is.")]


def load_network(name: str, weights: Path | None, device: str | None) -> VisionModel:
    """Load the network that the options name."""
    from atlas.models import load_model  # noqa: PLC0415

    return load_model(name, weights=weights, device=device)


def network_of(world: Atlas, weights: Path | None, device: str | None) -> VisionModel:
    """Load the network that an atlas was made with, on a device."""
    from atlas.projection import model_of  # noqa: PLC0415

    given = None if weights is None else load_network(world.provenance["model"]["name"], weights, device)
    return model_of(world.provenance, given).to(device)


def is_given(context: typer.Context, option: str) -> bool:
    """Whether somebody typed an option, named as the command's parameter, rather than left it at its default."""
    source = context.get_parameter_source(option)
    return source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")


def positions(text: str | None) -> int | Literal["all"] | None:
    """Read what --per-image says."""
    if text is None:
        return None
    if text == "all":
        return "all"
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise AtlasError(f"--per-image is {text!r}; give a number from 1, or 'all'.")
