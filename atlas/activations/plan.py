"""Everything that decides the result of a collection, settled before the first image is read."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal

import torch

from atlas.activations.digests import digest_of
from atlas.activations.header import Header, LayerHeader
from atlas.activations.positions import RULE, positions_per_image
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atlas.images import ImageSource
    from atlas.models.vision import VisionModel

_CHUNK_ROWS = 512


@dataclass(frozen=True)
class Plan:
    """What will be collected.

    Attributes
    ----------
    layers : tuple of LayerHeader
        The layers, with 0 rows.
    per_image : dict of str to int
        Positions per image, by layer.
    size : int
        Side in pixels that images are brought to.
    seed : int
        Seed of the positions.
    attributions : bool
        Whether they are computed.
    smooth_pooling : bool
        Whether max-pools pass derivatives on smoothly for them.
    encoding : {"float16", "float32"}
        How numbers are kept.
    n_images : int
        Images of the source, readable or not.
    settings : dict
        Everything that decides the result, as a store keeps it. The batch size and the device are not among
        them: they change rounding only.
    """

    layers: tuple[LayerHeader, ...]
    per_image: dict[str, int]
    size: int
    seed: int
    attributions: bool
    smooth_pooling: bool
    encoding: Literal["float16", "float32"]
    n_images: int
    settings: dict[str, Any]

    @property
    def chunk_images(self) -> int:
        """Images that are committed together: about 512 rows of the layer that has most."""
        return max(1, _CHUNK_ROWS // max(self.per_image.values()))

    def header(self, provenance: dict[str, Any]) -> Header:
        """Header of an empty store."""
        return Header(layers=self.layers, settings=self.settings, provenance=provenance)


def make_plan(
    model: VisionModel,
    source: ImageSource,
    layers: Sequence[str],
    *,
    per_image: int | Literal["all"] | None,
    attributions: bool,
    smooth_pooling: bool,
    seed: int,
    size: int | None,
    encoding: Literal["float16", "float32"],
) -> Plan:
    """Check the request against the network; see `collect` for the parameters.

    Raises
    ------
    AtlasError
        No image, no layer, a layer twice or unknown, no map at this size, or a setting out of range.
    """
    if not layers or len(set(layers)) < len(layers):
        raise AtlasError("Name at least one layer, and each layer once.")
    if len(source) == 0:
        raise AtlasError(f"{source.name} holds no images.")
    if encoding not in ("float16", "float32"):
        raise AtlasError(f"Unknown encoding {encoding!r}; collect with 'float16' or 'float32'.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise AtlasError(f"seed is {seed!r}; give a whole number from 0.")
    side = model.input_size if size is None else size
    shapes = _map_shapes(model, [model.layer(name).name for name in layers], side)
    per_layer = {name: positions_per_image(per_image, len(source), shape[1:]) for name, shape in shapes.items()}
    headers = tuple(
        LayerHeader(
            name=name,
            channels=shape[0],
            map_size=shape[1:],
            classes=model.n_classes if attributions else None,
            encoding=encoding,
            rows=0,
        )
        for name, shape in shapes.items()
    )
    settings = {
        "model": {"name": model.name, "digest": model.digest, "preprocess": model.input_digest},
        "layers": list(layers),
        "size": side,
        "per_image": per_layer,
        "positions": RULE,
        "attributions": bool(attributions),
        "encoding": encoding,
        "seed": seed,
        "images": _source_digest(source),
    }
    smooth = attributions and smooth_pooling
    if smooth:
        # Only where it is on: stores without it keep the digest that they had before there was a choice.
        settings["smooth_pooling"] = True
    return Plan(headers, per_layer, side, seed, attributions, smooth, encoding, len(source), settings)


def _map_shapes(model: VisionModel, layers: list[str], size: int) -> dict[str, tuple[int, int, int]]:
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise AtlasError(f"size is {size!r}; give a number of pixels.")
    grey = torch.full((1, 3, size, size), 0.5, device=model.device, dtype=model.dtype)
    try:
        with torch.no_grad():
            maps = model.activations(grey, layers)
    except RuntimeError as error:
        raise AtlasError(f"{model.name} does not run on images of {size} px ({error}); choose another size.") from error
    flat = [name for name in layers if maps[name].ndim != 4]
    if flat:
        raise AtlasError(f"{', '.join(flat)} of {model.name} gives no map (B, C, h, w); choose a convolutional layer.")
    return {name: (maps[name].shape[1], maps[name].shape[2], maps[name].shape[3]) for name in layers}


def _source_digest(source: ImageSource) -> str:
    """Digest the names and labels of all images; their content is compared when a store is taken up."""
    return digest_of([[source.image_id(index), source.label(index)] for index in range(len(source))])


def provenance_of(
    plan: Plan, model: VisionModel, source: ImageSource, *, read: int, skipped: list[dict[str, str]]
) -> dict[str, Any]:
    """Tell where activations come from.

    Parameters
    ----------
    plan : Plan
        What is collected.
    model, source
        From what.
    read : int
        Images read so far.
    skipped : list of dict
        "id" and "reason" of the images that could not be read.
    """
    return {
        "model": {"name": model.name, "digest": model.digest, "classes": model.n_classes},
        "layers": [layer.name for layer in plan.layers],
        "images": {"source": source.name, "total": len(source), "read": read, "skipped": skipped},
        "settings": plan.settings,
        "seed": plan.seed,
        "positions": {"rule": RULE, "per_image": plan.per_image},
        "device": model.device.type,
        "versions": {"python": platform.python_version()}
        | {name: _version(name) for name in ("activation-atlas", "torch", "torchvision", "numpy", "pillow", "zarr")},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
