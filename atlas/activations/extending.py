"""Adding layers to a store that is complete: collected in a store within it, then taken over in one step."""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING, Any

from atlas.activations.header import FILE, Header
from atlas.activations.takeup import begin
from atlas.errors import AtlasError
from atlas.writing import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from atlas.activations.plan import Plan

_INNER = ".adding"


def begin_adding(path: Path, plan: Plan, provenance: dict[str, Any]) -> Path | None:
    """Start collecting more layers, or go on with it.

    Parameters
    ----------
    path : Path
        A complete store with the same images and settings, which stays as it is and can be read meanwhile.
    plan : Plan
        Of the layers that it lacks.
    provenance : dict
        Of what is added.

    Returns
    -------
    Path or None
        The store to collect into; None if that is done. Then `adopt` takes it over.

    Raises
    ------
    AtlasError
        A layer's name differs from that of one which is there in capitals only.
    """
    there = {layer.folder.casefold() for layer in _header(path).layers}
    if clash := [layer.name for layer in plan.layers if layer.folder.casefold() in there]:
        raise AtlasError(f"{path.name} has a layer whose folder is that of {clash[0]}; collect it under another name.")
    inner = path / _INNER
    if inner.exists() and not ((inner / FILE).is_file() and _header(inner).settings == plan.settings):
        shutil.rmtree(inner)
    begin(inner, plan, provenance)
    return None if _header(inner).complete else inner


def adopt(path: Path) -> None:
    """Take over what was added; an interrupted call is gone on with by the next one.

    Raises
    ------
    AtlasError
        The images have changed since the store was collected.
    """
    inner = path / _INNER
    header, more = _header(path), _header(inner)
    if more.images_digest != header.images_digest:
        shutil.rmtree(inner)
        raise AtlasError(
            f"Some images have changed since {path.name} was collected; collect all layers under another name."
        )
    for layer in more.layers:
        # One that is not there any more has been moved already.
        if (inner / layer.folder).exists():
            shutil.rmtree(path / layer.folder, ignore_errors=True)
            (inner / layer.folder).rename(path / layer.folder)
    added = more.settings["per_image"]
    about = {key: more.provenance[key] for key in ("device", "versions")}
    was = header.provenance
    provenance = was | {
        "layers": [*was["layers"], *added],
        "positions": was["positions"] | {"per_image": was["positions"]["per_image"] | added},
        "attribution": was.get("attribution", {}) | more.provenance.get("attribution", {}),
        "added": was.get("added", {}) | dict.fromkeys(added, about),
    }
    extended = dataclasses.replace(
        header, layers=header.layers + more.layers, added=header.added | added, provenance=provenance
    )
    write_atomically(path / FILE, extended.to_json())
    shutil.rmtree(inner)


def _header(path: Path) -> Header:
    return Header.from_json((path / FILE).read_bytes(), path.name)
