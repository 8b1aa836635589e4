"""Photographs in, activations out."""

from __future__ import annotations

from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, Any, Literal

from atlas.activations.extending import adopt, begin_adding
from atlas.activations.memory import MemoryWriter
from atlas.activations.plan import make_plan, provenance_of
from atlas.activations.run import Run
from atlas.activations.store import open_activations
from atlas.activations.takeup import begin, take_up
from atlas.activations.writer import StoreWriter
from atlas.errors import AtlasError
from atlas.images import ImageLoader, open_images
from atlas.progress import Bars, Silent
from atlas.writing import sole_writer

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Sequence

    from atlas.activations.data import Activations
    from atlas.activations.plan import Plan
    from atlas.activations.run import Picture
    from atlas.images import ImageSource
    from atlas.models.vision import VisionModel

_BATCH = 64


def collect(
    model: VisionModel,
    images: Any,  # noqa: ANN401 - whatever open_images takes
    layer: str | Sequence[str],
    *,
    out: str | os.PathLike[str] | None = None,
    per_image: int | Literal["all"] | None = None,
    attributions: bool = True,
    smooth_pooling: bool = False,
    seed: int = 0,
    batch_size: int | None = None,
    workers: int | None = None,
    size: int | None = None,
    encoding: Literal["float16", "float32"] = "float16",
    progress: bool | Callable[[str, int, int], None] = True,
) -> Activations:
    """Sample activations of a network on images, with what each contributes to every class.

    Images that cannot be read are left out and listed in ``provenance["images"]["skipped"]``. An interrupted
    collection into `out` goes on where it stopped when called again with the same images and settings, and
    ends with the same numbers as one that was never interrupted.

    Parameters
    ----------
    model : VisionModel
        The network.
    images
        Anything `atlas.images.open_images` takes: a folder, a list of paths, an array, ...
    layer : str or sequence of str
        One layer or several; all are taken from one reading of the images. Without attributions one pass of the
        network gives all layers; with attributions every layer takes a pass.
    out : str or path, optional
        Folder of a store, by custom ``name.acts``. Without it everything stays in memory. Layers that a store lacks
        are added to it, from the same images with the same settings; those that are there are not touched.
    per_image : int, "all" or None
        Positions sampled from each image, at most all that are away from the edge of the map; None takes as
        many as bring the set to about 20,000.
    attributions : bool
        Whether to compute them, by forward-mode differentiation (`attribute`): in the pass of each layer, what
        comes after the layer then runs once a position and carries a derivative along.
    smooth_pooling : bool
        Max-pools pass the derivative on to all that a window holds, as in the article; see `attribute`. Less noisy, but
        it hides behaviour that the network has.
    seed : int
        Decides the positions.
    batch_size : int, optional
        Images in a pass, 64 by default. Changes rounding only.
    workers : int, optional
        Processes that decode images.
    size : int, optional
        Side in pixels that images are brought to; the network's own by default.
    encoding : {"float16", "float32"}
        How numbers are kept.
    progress : bool or callable
        True shows a bar, False nothing; a callable gets ("collect", images done, images in all).

    Returns
    -------
    Activations
        The store, with every layer it has, or arrays in memory.

    Raises
    ------
    AtlasError
        No readable image, an unknown layer, numbers that the encoding cannot hold, a network without forward
        derivative, or an `out` that belongs to something else, or is being written by somebody else.
    """
    source = open_images(images)
    layers = [layer] if isinstance(layer, str) else list(layer)
    batch = _BATCH if batch_size is None else batch_size
    if batch < 1:
        raise AtlasError(f"batch_size is {batch}; give a number of images from 1.")
    settings: dict[str, Any] = {
        "per_image": per_image,
        "attributions": attributions,
        "smooth_pooling": smooth_pooling,
        "seed": seed,
        "size": size,
        "encoding": encoding,
    }
    plan = make_plan(model, source, layers, **settings)

    def run(plan: Plan, writer: StoreWriter | MemoryWriter) -> Activations:
        return _run(model, source, plan, writer, batch, workers, progress)

    if out is None:
        return run(plan, MemoryWriter(plan))
    path = begin(out, plan, _provenance(plan, model, source))
    with sole_writer(path):
        header = take_up(path, plan, source)
        if not header.complete:
            return run(plan, StoreWriter(path))
        there = {layer.name for layer in header.layers}
        if missing := [name for name in plan.per_image if name not in there]:
            more = make_plan(model, source, missing, **settings)
            inner = begin_adding(path, more, _provenance(more, model, source))
            if inner is not None:
                run(more, StoreWriter(inner))
            adopt(path)
    return open_activations(path)


def _provenance(plan: Plan, model: VisionModel, source: ImageSource) -> dict[str, Any]:
    return provenance_of(plan, model, source, read=0, skipped=[])


def _run(
    model: VisionModel,
    source: ImageSource,
    plan: Plan,
    writer: StoreWriter | MemoryWriter,
    batch: int,
    workers: int | None,
    progress: bool | Callable[[str, int, int], None],
) -> Activations:
    run = Run(model, source, plan, writer)
    loader = ImageLoader(source, plan.size, batch_size=batch, workers=workers, start=run.reached)
    bars = Bars() if progress is True else nullcontext(Silent() if progress is False else progress)
    with bars as report, closing(_regrouped(loader, batch, plan.chunk_images)) as groups:
        for group in groups:
            run.take(group, loader.skipped)
            report("collect", run.reached, plan.n_images)
        run.end(loader.skipped)
        report("collect", plan.n_images, plan.n_images)
    return writer.finish()


def _regrouped(loader: ImageLoader, batch: int, chunk_images: int) -> Generator[list[Picture]]:
    """Pictures in groups of `batch`, cut short where a chunk ends.

    Unreadable images leave gaps in the loader's batches. Groups that depend on the pictures alone make a
    resumed collection run the same passes as an uninterrupted one, so that not even rounding differs.
    """
    group: list[Picture] = []
    room = chunk_images
    for loaded in loader:
        for index, pixels, digest in zip(loaded.indices, loaded.pixels, loaded.digests, strict=True):
            group.append((int(index), pixels, digest))
            if len(group) == min(batch, room):
                yield group
                room = room - len(group) or chunk_images
                group = []
    if group:
        yield group
