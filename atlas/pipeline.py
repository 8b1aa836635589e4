"""`build`: from activations, or from photographs, to an atlas on disk, stage by stage."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from atlas.activations import Activations, collect
from atlas.assembly import add_levels, refuse_other, take_up, tidy
from atlas.atlas import Atlas
from atlas.errors import AtlasError
from atlas.grid import cell_index
from atlas.images import open_images
from atlas.layout import LayoutSettings
from atlas.progress import Bars, Progress, Silent
from atlas.projection import model_of
from atlas.render import ENGINES, RenderSettings
from atlas.sprites import SheetGeometry
from atlas.stages import IconPlan, layout_stage, sizes_for
from atlas.writing import sole_writer

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from atlas.layout import Method
    from atlas.models import VisionModel
    from atlas.widgets.live import LiveView


def build(
    acts: Activations | None = None,
    *,
    model: VisionModel | None = None,
    images: Any = None,  # noqa: ANN401 - whatever `open_images` takes
    layer: str | Sequence[str] | None = None,
    grids: Sequence[int] | None = None,
    out: str | os.PathLike[str] | None = None,
    seed: int = 0,
    layout: LayoutSettings | Method | None = None,
    rendering: RenderSettings | None = None,
    icons: Literal["rendered", "medoid"] = "rendered",
    engine: Literal["atlas", "lucent"] = "atlas",
    min_count: int | None = None,
    per_image: int | Literal["all"] | None = None,
    workers: int | None = None,
    progress: bool | Progress = True,
    view: bool = False,
) -> Atlas:
    """Build an atlas, or go on with one.

    Every stage is keyed by a digest of its inputs and settings. A call with an `out` that exists does only what is
    missing: another grid renders that level alone, another
    layer adds that layer, an interrupted call goes on where it stopped, other settings make
    the stages anew that depend on them.

    Parameters
    ----------
    acts : Activations, optional
        From `collect` or `open_activations`; or give `images`, which are collected first.
    model : VisionModel, optional
        The network; by default the one that `acts` came from, or the embedded one.
    images
        Photographs, anything `open_images` takes. With `acts`, only icons="medoid" needs them.
    layer : str or sequence of str, optional
        Layers to show; by default all that `acts` have, or mixed4c. An atlas that is there keeps its other layers.
    grids : sequence of int, optional
        Cells a side of each level; by default what the number of activations can fill.
    out : path, optional
        Folder of the atlas, by custom ``name.atlas``; by default named after the activations.
    seed : int
        Decides positions, layout and icons.
    layout : LayoutSettings or {"umap", "tsne"}, optional
        By default UMAP with the settings published for each layer and `seed`; given settings keep their own seed.
    rendering : RenderSettings, optional
        Size, steps and the rest of the icons.
    icons : {"rendered", "medoid"}
        Feature visualisations, or the real image patch nearest to each cell's mean.
    engine : {"atlas", "lucent"}
        What renders: this product, or lucent, the slow reference.
    min_count : int, optional
        Cells with fewer members stay empty; by default 1 to 5, from the number of activations.
    per_image, workers
        See `collect`.
    progress : bool or Progress
        True for bars, False for silence, or something to report to.
    view : bool
        In a notebook, open the atlas as soon as it has a level: icons appear in their places while they are rendered.

    Returns
    -------
    Atlas

    Raises
    ------
    AtlasError
        Nothing to build from; inputs that do not fit each other; an `out` that is something else; `view` without a
        notebook.
    """
    settings = rendering or RenderSettings()
    _check(grids, seed, settings, icons, engine, images)
    _layout_of(layout, "", seed)
    if view:
        _check_notebook()
    bars: AbstractContextManager[Progress]
    bars = Bars() if progress is True else nullcontext(Silent() if progress is False else progress)
    with bars as report:
        if acts is None:
            layer = layer or "mixed4c"
            acts, model = _collect(model, images, layer, out, seed, per_image, workers, report)
        if not acts.complete:
            raise AtlasError("These activations are of an interrupted collection; collect again to complete them.")
        model = model_of(acts.provenance, model)
        layers = list(acts.layers) if layer is None else [layer] if isinstance(layer, str) else list(layer)
        _check_layers(acts, model, layers)
        source = open_images(images) if icons == "medoid" else None
        plan = IconPlan(model=model, settings=settings, seed=seed, engine=engine, source=source)
        folder = _folder(out, acts)
        watched = _watched(report, model) if view else nullcontext(report)
        # UMAP's neighbours are searched where the icons are rendered, if that is a device that can.
        searching = "cuda" if model.device.type == "cuda" else "cpu"
        with sole_writer(folder), watched as watching:
            manifest = take_up(folder, acts, model, seed)
            for name in layers:
                laid_out = _layout_of(layout, name, seed)
                old = manifest.layers.get(name)
                placed = layout_stage(
                    folder, old.layout if old else None, acts, name, laid_out, watching, device=searching
                )
                sizes = sizes_for(grids, placed[1])
                add_levels(folder, manifest, acts, name, placed, sizes, min_count, plan, watching)
            tidy(folder, manifest)
    return Atlas(folder)


def _layout_of(layout: LayoutSettings | Method | None, layer: str, seed: int) -> LayoutSettings:
    """Settings of the layout of a layer, from what was asked for."""
    if isinstance(layout, LayoutSettings):
        return layout
    return LayoutSettings.for_layer(layer, layout or "umap", seed)


def _check(
    grids: Sequence[int] | None, seed: int, settings: RenderSettings, icons: str, engine: str, images: object
) -> None:
    """Refuse now what would be refused after hours."""
    if grids is not None and not len(grids):
        raise AtlasError("No grid sizes given; for example grids=(10, 20).")
    for size in () if grids is None else grids:
        cell_index(np.zeros((0, 2)), size)
    if not 0 <= seed < 2**32:
        raise AtlasError(f"seed is {seed}; give a whole number from 0 to 2**32 - 1.")
    SheetGeometry(settings.size)
    if icons not in ("rendered", "medoid"):
        raise AtlasError(f"icons is {icons!r}; choose 'rendered' or 'medoid'.")
    if icons == "medoid" and images is None:
        raise AtlasError("icons='medoid' shows real patches: give images=…, those that were collected from.")
    if engine not in ENGINES:
        raise AtlasError(f"engine is {engine!r}; choose {' or '.join(repr(name) for name in ENGINES)}.")


def _check_notebook() -> None:
    from atlas.widgets.still import in_notebook  # noqa: PLC0415 - notebooks' packages take a moment to import

    if not in_notebook():
        raise AtlasError("view=True shows the atlas in a notebook while it is built, and this is none; leave it out.")


def _watched(report: Progress, model: VisionModel) -> LiveView:
    from atlas.widgets.live import LiveView  # noqa: PLC0415

    return LiveView(report, model)


def _check_layers(acts: Activations, model: VisionModel, layers: Sequence[str]) -> None:
    for name in layers:
        wanted, found = model.layer(name).channels, acts[name].n_channels
        if wanted != found:
            raise AtlasError(f"The activations of {name} have {found} channels, {model.name} has {wanted} there.")


def _collect(
    model: VisionModel | None,
    images: Any,  # noqa: ANN401
    layer: str | Sequence[str],
    out: str | os.PathLike[str] | None,
    seed: int,
    per_image: int | Literal["all"] | None,
    workers: int | None,
    report: Progress,
) -> tuple[Activations, VisionModel]:
    from atlas.models import load_model  # noqa: PLC0415 - only this road needs a default network

    if images is None:
        raise AtlasError("There is nothing to build from: give acts=…, or images=….")
    source = open_images(images)
    store = _store(out, source.name)
    refuse_other(Path(out) if out is not None else store.with_suffix(".atlas"))
    model = model or load_model()
    report.note(f"Collecting from {len(source):,} images of {source.name} with {model.name}.")
    acts = collect(model, source, layer, out=store, per_image=per_image, seed=seed, workers=workers, progress=report)
    skipped = acts.provenance["images"]["skipped"]
    if skipped:
        report.note(
            f"{len(skipped)} of {len(source):,} images could not be read; `atlas info {store.name}` lists them."
        )
    return acts, model


def _store(out: str | os.PathLike[str] | None, images: str) -> Path:
    """Where activations go that are collected on the way: beside the atlas."""
    if out is None:
        return Path(f"{Path(images).stem or 'images'}.acts")
    # A name such as "." says nothing by itself.
    folder = Path(out) if Path(out).name not in ("", "..") else Path(out).resolve()
    if folder.suffix == ".acts":
        raise AtlasError(f"{folder} is a name for activations; call the atlas {folder.stem}.atlas.")
    return folder.with_name(f"{folder.name.removesuffix('.atlas')}.acts")


def _folder(out: str | os.PathLike[str] | None, acts: Activations) -> Path:
    # Without a name, in the working folder: where the store lies may be no place for results.
    name = acts.path.resolve().stem if acts.path is not None else "activations"
    folder = Path(out) if out is not None else Path(f"{name}.atlas")
    refuse_other(folder)
    return folder
