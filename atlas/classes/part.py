"""An atlas of a part of another atlas's activations: chosen, laid out again, gridded, rendered, on disk."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from atlas.activations import select
from atlas.assembly import add_levels, refuse_other, take_up, tidy
from atlas.assets import asset
from atlas.classes.owned import default_k, whole_atlas
from atlas.errors import AtlasError
from atlas.grid import cell_index
from atlas.images import open_images
from atlas.layout import LayoutSettings
from atlas.models.labels import labels_from_names
from atlas.progress import Bars, Progress, Silent
from atlas.projection import model_of
from atlas.render import RenderSettings, second_moment
from atlas.sprites import SheetGeometry
from atlas.stages import IconPlan
from atlas.writing import sole_writer

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    from numpy.typing import NDArray

    from atlas.activations import Activations
    from atlas.layout import Method
    from atlas.manifest import Stage
    from atlas.models import VisionModel
    from atlas.reader import AtlasReader

    Placed: TypeAlias = tuple[Stage, NDArray[np.float32]]
    LayOut: TypeAlias = Callable[[Path, Stage | None, Activations, Progress], Placed]


@dataclass(frozen=True, kw_only=True)
class PartOptions:
    """How an atlas of classes is drawn and where it goes.

    Attributes
    ----------
    grids
        Cells a side of each level; by default what the number of activations fills.
    out
        Folder of the atlas; by default beside the atlas it is a part of (of the shipped sample: in the working folder),
        named after both.
    model
        The network; by default the one of the atlas, loaded by its name.
    layout
        "umap" or "tsne": how activations are laid out, with the settings for the layer. Not of two classes, whose
        comparison has a layout of its own.
    rendering
        Size, steps and the rest of the icons.
    icons, images
        "rendered", or "medoid": real patches, of the images that were collected from.
    min_count
        Cells with fewer members stay empty; by default 1 to 5, from the number of activations.
    seed
        Decides layout and icons.
    progress
        True for bars, False for silence, or something to report to.
    """

    grids: Sequence[int] | None = None
    out: str | os.PathLike[str] | None = None
    model: VisionModel | None = None
    layout: Method = "umap"
    rendering: RenderSettings | None = None
    icons: Literal["rendered", "medoid"] = "rendered"
    images: Any = None
    min_count: int | None = None
    seed: int = 0
    progress: bool | Progress = True

    def check(self) -> None:
        """Refuse now what would be refused later."""
        for size in self.grids or ():
            cell_index(np.zeros((0, 2)), size)
        if self.grids is not None and not len(self.grids):
            raise AtlasError("No grid sizes given; for example grids=(5, 10).")
        if self.icons not in ("rendered", "medoid"):
            raise AtlasError(f"icons is {self.icons!r}; choose 'rendered' or 'medoid'.")
        if self.icons == "medoid" and self.images is None:
            raise AtlasError("icons='medoid' shows real patches: give images=…, those that were collected from.")
        if not 0 <= self.seed < 2**32:
            raise AtlasError(f"seed is {self.seed}; give a whole number from 0 to 2**32 - 1.")
        LayoutSettings(method=self.layout)
        SheetGeometry((self.rendering or RenderSettings()).size)


def resolve(model: VisionModel, queries: Sequence[str | int]) -> list[tuple[int, str]]:
    """Index and name of classes, each named by label, WNID or index.

    Raises
    ------
    AtlasError
        No class is meant, several are (the choices are listed), or one is named twice.
    """
    labels = model.labels
    if labels is None:
        labels = labels_from_names(f"class {index}" for index in range(model.n_classes))
    found = [(labels.resolve(query), query) for query in queries]
    if len({index for index, _ in found}) < len(found):
        names = " and ".join(repr(query) for _, query in found)
        raise AtlasError(f"{names} are the same class; name different ones.")
    return [(index, labels[index].name) for index, _ in found]


def folder_beside(world: AtlasReader, layer: str, names: Sequence[str]) -> Path:
    """Default folder of an atlas of classes: photos.atlas and "frying pan", "wok" give photos-frying-pan-wok.atlas.

    Beside the atlas; of the sample that ships, which lies in the installation, in the working folder.
    """
    words = [world.path.resolve().name.removesuffix(".atlas"), *names]
    if layer != world.layers[0]:
        words.insert(1, layer)
    plain = (re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-") for word in words[1:])
    path = world.path.resolve()
    beside = Path.cwd() if path == asset("sample.atlas").resolve() else path.parent
    return beside / ("-".join([words[0], *filter(None, plain)]) + ".atlas")


def build_part(
    world: AtlasReader,
    layer: str,
    rows: NDArray[np.int64],
    record: dict[str, Any],
    lay_out: LayOut,
    sizes: Sequence[int],
    model: VisionModel,
    options: PartOptions,
) -> Path:
    """Build, or go on with, an atlas of some rows of one layer.

    Parameters
    ----------
    world : AtlasReader
        The atlas that the rows are of.
    layer : str
        Its layer.
    rows : array of int64
        Which activations.
    record : dict
        What the provenance says of them: kind, layer, classes, own, k.
    lay_out : callable
        From (folder, stage there is, activations, progress) to the layout stage and its positions; it stores `rows`
        among the arrays of the stage.
    sizes : sequence of int
        Cells a side where the options name none.
    model : VisionModel
        The network of `world`.

    Returns
    -------
    Path
        The folder.
    """
    settings = options.rendering or RenderSettings()
    whole = world.activations
    names = [entry["name"] for entry in record["classes"]]
    # Other choices than by default are another atlas, with a name of its own.
    if record["own"] != ("winner" if record["kind"] == "class" else "top"):
        names.append(record["own"])
    if record["k"] != default_k(len(whole[layer]), model.n_classes):
        names.append(f"k{record['k']}")
    if options.layout != "umap":
        names.append(options.layout)
    if options.seed:
        names.append(f"seed {options.seed}")
    folder = Path(options.out) if options.out is not None else folder_beside(world, layer, names)
    refuse_other(folder)
    bars: AbstractContextManager[Progress]
    progress = options.progress
    bars = Bars() if progress is True else nullcontext(Silent() if progress is False else progress)
    with bars as report:
        acts = select(whole, layer, rows)
        if (note := world.label_meaning(layer).note) is not None:
            report.note(note)
        plan = IconPlan(
            model=model,
            settings=settings,
            seed=options.seed,
            engine="atlas",
            source=open_images(options.images) if options.icons == "medoid" else None,
            # Whitened like the icons of the whole layer: a class has too few activations to say what is usual.
            moment=second_moment(whole[layer].vectors),
        )
        with sole_writer(folder):
            manifest = take_up(folder, whole, model, options.seed, record)
            old = manifest.layers.get(layer)
            placed = lay_out(folder, old.layout if old else None, acts, report)
            chosen = sorted(set(options.grids or sizes))
            add_levels(folder, manifest, acts, layer, placed, chosen, options.min_count, plan, report)
            tidy(folder, manifest)
    return folder


def part_model(world: AtlasReader, options: PartOptions) -> VisionModel:
    """The network of an atlas, as the options give it or by its name.

    Raises
    ------
    AtlasError
        An option is out of range, the network is not this atlas's, or the atlas is itself of a part.
    """
    options.check()
    whole_atlas(world)
    return model_of(world.provenance, options.model)
