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

#: Settings that layers have each for itself.
_OF_LAYERS = ("layers", "per_image")


def begin(out: str | os.PathLike[str], plan: Plan, provenance: dict[str, Any]) -> Path:
    """Make an empty store for `plan` where there is none.

    Returns
    -------
    Path
        The store.

    Raises
    ------
    AtlasError
        `out` is a URL, or something else than a store.
    """
    if "://" in os.fspath(out):
        raise AtlasError(f"{out} is a URL; collect into a folder of this machine and copy it there.")
    path = Path(out)
    if not (path / FILE).is_file():
        StoreWriter.create(
            path,
            plan.header(provenance),
            capacity={name: k * plan.n_images for name, k in plan.per_image.items()},
            chunk_rows={name: k * plan.chunk_images for name, k in plan.per_image.items()},
        )
    return path


def take_up(path: Path, plan: Plan, source: ImageSource) -> Header:
    """Say how far a store is, if it was begun with the same images and settings.

    Parameters
    ----------
    path : Path
        The store.
    plan : Plan
        What is to be collected.
    source : ImageSource
        The images; a few that the store holds are read again and compared.

    Raises
    ------
    AtlasError
        It was begun with other settings or images, or is unfinished and of other layers.
    """
    header = Header.from_json((path / FILE).read_bytes(), path.name)
    there = [layer.name for layer in header.layers]
    different = _differences(header, plan)
    if different:
        raise AtlasError(
            f"{path.name} was collected with other settings ({'; '.join(different)}); "
            "choose another name for out, delete it, or use its settings."
        )
    if not header.complete and set(there) != set(plan.per_image):
        raise AtlasError(
            f"{path.name} is a collection of {', '.join(there)} that was interrupted; finish it with these layers, "
            "then others can be added."
        )
    _check_images(path, source, plan.size)
    return header


def _differences(header: Header, plan: Plan) -> list[str]:
    there, here = ({k: v for k, v in one.settings.items() if k not in _OF_LAYERS} for one in (header, plan))
    positions = header.settings.get("per_image", {}) | header.added
    for layer, k in plan.per_image.items():
        if layer in positions:
            there[f"per_image of {layer}"], here[f"per_image of {layer}"] = positions[layer], k
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
