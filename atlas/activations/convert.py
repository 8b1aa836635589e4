"""Writing activations that exist already, as they are or one byte a number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from atlas.activations.digests import digest_of_bytes
from atlas.activations.encoding import ENCODINGS, Quantizer, checked
from atlas.activations.header import FILE, IMAGES_FILE, Header, LayerHeader
from atlas.activations.rows import Rows
from atlas.activations.store import open_activations
from atlas.activations.writer import LayerWriter, create_layer, image_lines
from atlas.errors import AtlasError
from atlas.writing import new_folder

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from atlas.activations.data import Activations, LayerActivations, RowArray
    from atlas.activations.encoding import Encoding

_CHUNK_ROWS = 4096


def write_activations(
    acts: Activations, path: str | os.PathLike[str], *, encoding: Encoding = "float16"
) -> Activations:
    """Write activations to a new store.

    Parameters
    ----------
    acts : Activations
        Of memory or of another store.
    path : str or path
        A folder that does not exist yet; a reader sees nothing of it until it is whole.
    encoding : {"float16", "float32", "uint8"}
        "uint8" keeps one byte a number, with a step and a zero point per channel and per class: 0 stays
        exactly 0, the error is at most 1/508 of the column's range.

    Returns
    -------
    Activations
        The store, opened. Its digest differs from that of `acts`.

    Raises
    ------
    AtlasError
        `path` exists, the encoding is unknown, or a number is not finite or too large for it.
    """
    if encoding not in ENCODINGS:
        raise AtlasError(f"Unknown encoding {encoding!r}; choose from {', '.join(ENCODINGS)}.")
    target = Path(path)
    lines = image_lines(list(zip(acts.image_ids, acts.image_labels, acts.image_digests, strict=True)))
    with new_folder(target, replace=False) as partial:
        layers = tuple(_write_layer(partial, acts[name], encoding) for name in acts.layers)
        header = Header(
            layers=layers,
            settings={"from": acts.digest, "encoding": encoding, "layers": list(acts.layers)}
            | ({"added": acts.added} if acts.added else {}),
            provenance=acts.provenance | {"encoding": encoding, "from": acts.digest},
            n_images=len(acts.image_ids),
            images_bytes=len(lines),
            images_digest=digest_of_bytes(lines),
            next_image=len(acts.image_ids),
            complete=acts.complete,
        )
        (partial / IMAGES_FILE).write_bytes(lines)
        (partial / FILE).write_bytes(header.to_json())
    return open_activations(target)


def _write_layer(root: Path, acts: LayerActivations, encoding: Encoding) -> LayerHeader:
    layer = LayerHeader(
        name=acts.layer,
        channels=acts.n_channels,
        map_size=acts.map_size,
        classes=None if acts.attributions is None else int(acts.attributions.shape[1]),
        encoding=encoding,
        rows=len(acts),
    )
    quantizers = {}
    if encoding == "uint8":
        quantizers["vectors"] = _fit(acts.vectors, f"vectors of {acts.layer}")
        if acts.attributions is not None:
            quantizers["attributions"] = _fit(acts.attributions, f"attributions of {acts.layer}")
    create_layer(root, layer, capacity=len(acts), chunk_rows=_CHUNK_ROWS, quantizers=quantizers)
    writer = LayerWriter(root, layer, quantizers)

    def plain(values: RowArray, part: slice, kind: str) -> np.ndarray:
        block = np.asarray(values[part])
        return block if encoding == "uint8" else checked(block, encoding, f"{kind} of {acts.layer}")

    for part in _parts(len(acts)):
        rows = Rows(
            vectors=plain(acts.vectors, part, "activations"),
            attributions=None if acts.attributions is None else plain(acts.attributions, part, "attributions"),
            image=acts.image[part],
            position=acts.position[part],
        )
        writer.write(part.start, rows)
    return layer


def _fit(values: RowArray, what: str) -> Quantizer:
    low = high = np.zeros(values.shape[1], dtype=np.float32)
    for part in _parts(len(values)):
        block = checked(np.asarray(values[part]), "float32", what)
        low, high = np.minimum(low, block.min(axis=0)), np.maximum(high, block.max(axis=0))
    return Quantizer.fit(low, high)


def _parts(rows: int) -> Iterator[slice]:
    return (slice(start, min(start + _CHUNK_ROWS, rows)) for start in range(0, rows, _CHUNK_ROWS))
