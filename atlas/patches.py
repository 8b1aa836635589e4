"""Real image patches: what the photographs show where an activation was taken."""

from __future__ import annotations

import io
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from atlas.errors import AtlasError
from atlas.images import UnreadableImageError, open_images
from atlas.images.fit import digest_of, fit_square

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atlas.reader import AtlasReader

#: A patch shows this many strides of the layer around its position: about the part of a receptive field that matters.
_PATCH_STRIDES: Final = 6
_SHOWN: Final = 4
_SIDE_PX: Final = 64
_QUALITY: Final = 80
#: Far above any honest list of examples.
_MOST_BYTES: Final = 256 << 20


def crop_patch(
    image: Image.Image, position: Sequence[int], map_size: Sequence[int], side: int, patch_px: int | None = None
) -> Image.Image:
    """The part of a photograph around a position of the layer's map.

    Parameters
    ----------
    image : PIL.Image.Image
        The photograph as loaded.
    position : (row, column)
        In the map.
    map_size : (rows, columns)
        Of the map.
    side : int
        Pixels a side that photographs were brought to before they went through the network.
    patch_px : int, optional
        Side of the result; by default that of the part, unscaled.
    """
    stride = side / max(map_size)
    patch = int(min(side, _PATCH_STRIDES * stride))
    y, x = ((np.asarray(position) + 0.5) * stride).astype(float)
    left = int(np.clip(round(x - patch / 2), 0, side - patch))
    top = int(np.clip(round(y - patch / 2), 0, side - patch))
    pixels = np.ascontiguousarray(fit_square(image, side).transpose(1, 2, 0))
    shown = Image.fromarray(pixels).crop((left, top, left + patch, top + patch))
    return shown if patch_px is None else shown.resize((patch_px, patch_px), Image.Resampling.LANCZOS)


class Patches:
    """Example patches of the cells of an atlas, cut from its photographs.

    Called with layer, grid size and row of the cell, it gives up to four WebP pictures of 64 px, those nearest to the
    cell's mean first. A photograph that is gone, unreadable or another one by now is left out.

    Parameters
    ----------
    world : AtlasReader
        The atlas.
    images
        The photographs that its activations were collected from, anything `open_images` takes.

    Raises
    ------
    AtlasError
        None of the atlas's examples is among the images.
    """

    def __init__(self, world: AtlasReader, images: Any) -> None:  # noqa: ANN401
        self._world = world
        self._source = open_images(images)
        self._index = {self._source.image_id(i): i for i in range(len(self._source))}
        self._examples = lru_cache(maxsize=None)(self._read_examples)
        known = {str(image["id"]) for name in world.layers for image in self._some_examples(name)}
        if known.isdisjoint(self._index):
            raise AtlasError(
                f"None of the images of {self._source.name} is an example of this atlas; give those collected from."
            )

    def __call__(self, layer: str, size: int, row: int) -> list[bytes]:
        """Patches of the cell in `row` of the level's arrays."""
        examples = self._examples(layer, size)
        nearest = self._world.level(size, layer).grid.nearest[row]
        found: list[bytes] = []
        for activation in nearest[nearest >= 0].tolist():
            patch = self._patch(examples, str(activation))
            if patch is not None:
                found.append(patch)
            if len(found) == _SHOWN:
                break
        return found

    def _patch(self, examples: dict[str, Any], activation: str) -> bytes | None:
        if activation not in examples["activations"]:
            return None
        image, *position = examples["activations"][activation]
        record = examples["images"][str(image)]
        where = self._index.get(record["id"])
        if where is None:
            return None
        try:
            pixels = self._source.load(where)
        except UnreadableImageError:
            return None
        if record["digest"] not in ("", digest_of(pixels)):
            return None
        shown = crop_patch(pixels, position, examples["map_size"], self._side, _SIDE_PX)
        stream = io.BytesIO()
        shown.save(stream, "WEBP", quality=_QUALITY)
        return stream.getvalue()

    @property
    def _side(self) -> int:
        size = self._world.provenance["activations"].get("size") or self._world.provenance["model"]["input_size"]
        return int(size)

    def _some_examples(self, layer: str) -> list[dict[str, Any]]:
        sizes = self._world.grids(layer)
        return list(self._examples(layer, sizes[-1])["images"].values()) if sizes else []

    def _read_examples(self, layer: str, size: int) -> dict[str, Any]:
        path = self._world.level_folder(size, layer) / "examples.json"
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST_BYTES:
            raise AtlasError(f"The examples of level {size} of {layer} are missing; build the atlas again.")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return {name: content[name] for name in ("map_size", "images", "activations")}
        except (ValueError, KeyError, TypeError) as error:
            raise AtlasError(f"The examples of level {size} of {layer} are damaged; build it again.") from error
