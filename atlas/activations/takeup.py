"""Starting a store, or going on with one that is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas.activations.header import FILE, Header
from atlas.activations.store import open_activations
from atlas.activations.writer import StoreWriter
from atlas.errors import AtlasError
from atlas.images import ImageLoader

if TYPE_CHECKING:
    from atlas.activations.plan import Plan
    from atlas.images import ImageSource


def open_writer(
    out: str | os.PathLike[str], plan: Plan, source: ImageSource, provenance: dict[str, Any]
) -> StoreWriter:
    """Start a store for `plan`, or go on with one begun with the same images and settings.

    Parameters
    ----------
    out : str or path
        Folder of the store.
    plan : Plan
        What is to be collected.
    source : ImageSource
        The images; a few that the store holds are read again and compared.
    provenance : dict
        Of a new store.

    Raises
    ------
    AtlasError
        `out` is a URL, is something else than a store, or was begun with other layers, settings or images.
    """
    if "://" in os.fspath(out):
        raise AtlasError(f"{out} is a URL; collect into a folder of this machine and copy it there.")
    path = Path(out)
    if not (path / FILE).is_file():
        return StoreWriter.create(
            path,
            plan.header(provenance),
            capacity={name: k * plan.n_images for name, k in plan.per_image.items()},
            chunk_rows={name: k * plan.chunk_images for name, k in plan.per_image.items()},
        )
    header = Header.from_json((path / FILE).read_bytes(), path.name)
    there, here = [layer.name for layer in header.layers], list(plan.per_image)
    if set(there) != set(here):
        raise AtlasError(
            f"{path.name} has the layers {', '.join(there)}, and {', '.join(here)} was asked for. Layers are "
            "collected together: give all of them with another name for out."
        )
    different = _differences(header.settings, plan.settings)
    if different:
        raise AtlasError(
            f"{path.name} was collected with other settings ({'; '.join(different)}); "
            "choose another name for out, delete it, or use its settings."
        )
    writer = StoreWriter(path)
    _check_images(path, source, plan.size)
    return writer


def _differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    keys = [key for key in {**there, **here} if there.get(key) != here.get(key)]
    return [
        "the list of images" if key == "images" else f"{key}: {there.get(key)!r} there, {here.get(key)!r} asked for"
        for key in keys
    ]


def _check_images(path: Path, source: ImageSource, size: int) -> None:
    """Compare the first, the middle and the last image with what the store says they were."""
    acts = open_activations(path)
    if not acts.image_ids:
        return
    index_of = {source.image_id(index): index for index in range(len(source))}
    last = len(acts.image_ids) - 1
    for number in sorted({0, last // 2, last}):
        index = index_of[acts.image_ids[number]]
        batch = next(iter(ImageLoader(source, size, batch_size=1, workers=0, start=index)), None)
        same = batch is not None and batch.indices[0] == index and batch.digests[0] == acts.image_digests[number]
        if not same:
            raise AtlasError(
                f"{path.name} was collected from other images: {acts.image_ids[number]} has changed since; "
                "choose another name for out, or delete it."
            )
