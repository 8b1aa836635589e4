"""Where an atlas comes from, without telling where on whose machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas.activations import label_meaning
from atlas.assets import asset

if TYPE_CHECKING:
    from atlas.activations import Activations
    from atlas.models import VisionModel

_LIBRARIES = ("activation-atlas", "torch", "torchvision", "umap-learn", "numpy", "pillow", "zarr")
#: A link that climbs further would spell out the folders of one machine; then only the name is kept.
_MOST_CLIMBS = 2


def provenance_of(folder: Path, acts: Activations, model: VisionModel) -> dict[str, Any]:
    """Network, activations and libraries, as plain values for `atlas.json`."""
    collected: dict[str, Any] = {
        name: acts.provenance[name] for name in ("images", "positions", "seed") if name in acts.provenance
    }
    meanings = [label_meaning(layer, acts.provenance.get("attribution")) for layer in acts.layers]
    collected["attribution"] = {meaning.layer: meaning.record() for meaning in meanings if meaning.rows}
    # New pictures are brought to the size that the activations were collected at.
    size = acts.provenance.get("settings", {}).get("size", model.input_size)
    return {
        "model": {
            "name": model.name,
            "digest": model.digest,
            "input_size": model.input_size,
            "bandwidth": model.bandwidth,
        },
        "activations": {**link_to(folder, acts), "digest": acts.digest, "size": size, "collected": collected},
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide results."""
    return {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES}


def link_to(folder: Path, acts: Activations) -> dict[str, str]:
    """How to find the activations again: {"kind": "embedded" | "store" | "memory", "link": name or relative path}."""
    if acts.path is None:
        return {"kind": "memory", "link": ""}
    store, home = acts.path.resolve(), Path("~").expanduser()
    if store.parent == asset("inceptionv1-tiny.safetensors").resolve().parent:
        return {"kind": "embedded", "link": store.name}
    try:
        link = Path(os.path.relpath(store, folder.resolve()))
        shared = Path(os.path.commonpath([store, folder.resolve()]))
    except ValueError:  # another drive on Windows
        return {"kind": "store", "link": store.name}
    # What is above the home folders, or named like this one, would tell whose machine it was.
    tells = shared == Path(shared.anchor) or (home.is_relative_to(shared) and home != shared)
    if link.parts.count("..") > _MOST_CLIMBS or tells or home.name in link.parts[:-1]:
        return {"kind": "store", "link": store.name}
    return {"kind": "store", "link": link.as_posix()}
