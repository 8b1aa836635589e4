"""Writing an activation store: whole chunks first, then the one file that commits them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.storage import LocalStore

from atlas.activations.encoding import HOLE
from atlas.activations.header import FILE, IMAGES_FILE, Header
from atlas.activations.store import open_activations
from atlas.writing import new_folder, write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from atlas.activations.data import Activations
    from atlas.activations.encoding import Quantizer
    from atlas.activations.header import LayerHeader
    from atlas.activations.rows import ImageRecord, Rows


def create_layer(
    root: Path,
    layer: LayerHeader,
    *,
    capacity: int,
    chunk_rows: int,
    quantizers: Mapping[str, Quantizer] | None = None,
) -> None:
    """Make the empty arrays of a layer.

    Parameters
    ----------
    root : Path
        The store.
    layer : LayerHeader
        Shapes and encoding; its `rows` do not matter.
    capacity : int
        Most rows that may come.
    chunk_rows : int
        Rows of a chunk. A write that starts and ends at multiples of it touches no other chunk.
    quantizers : mapping of str to Quantizer
        For "vectors" and "attributions", where the encoding is "uint8".
    """
    store = LocalStore(root)
    element = np.dtype(layer.encoding)
    kinds: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
        "vectors": (element, (layer.channels,)),
        "image": (np.dtype(np.int64), ()),
        "position": (np.dtype(np.int16), (2,)),
    }
    if layer.classes is not None:
        kinds["attributions"] = (element, (layer.classes,))
    for kind, (dtype, tail) in kinds.items():
        _create(store, f"{layer.folder}/{kind}", (capacity, *tail), dtype, chunk_rows)
    for kind, quantizer in (quantizers or {}).items():
        for name, values in (("scale", quantizer.scale), ("zero", quantizer.zero)):
            array = _create(store, f"{layer.folder}/{kind}_{name}", values.shape, values.dtype, len(values))
            array[:] = values


def _create(
    store: LocalStore, path: str, shape: tuple[int, ...], dtype: np.dtype[Any], chunk_rows: int
) -> zarr.Array[Any]:
    hole: float = {"f": float("nan"), "i": -1, "u": HOLE}[dtype.kind]
    return zarr.create_array(
        store,
        name=path,
        shape=shape,
        chunks=(max(1, min(chunk_rows, shape[0])), *shape[1:]),
        dtype=dtype,
        compressors=[
            BloscCodec(cname="zstd", clevel=5, shuffle="bitshuffle", typesize=dtype.itemsize),
            Crc32cCodec(),
        ],
        fill_value=hole,
        zarr_format=3,
    )


class LayerWriter:
    """The arrays of one layer, as `create_layer` made them.

    Parameters
    ----------
    root : Path
        The store.
    layer : LayerHeader
        The layer.
    quantizers : mapping of str to Quantizer
        As given to `create_layer`.
    """

    def __init__(self, root: Path, layer: LayerHeader, quantizers: Mapping[str, Quantizer] | None = None) -> None:
        self._quantizers = quantizers or {}
        kinds = ["vectors", "image", "position"] + (["attributions"] if layer.classes is not None else [])
        store = LocalStore(root)
        self._arrays = {
            kind: zarr.open_array(store, path=f"{layer.folder}/{kind}", mode="r+", zarr_format=3) for kind in kinds
        }

    def write(self, start: int, rows: Rows) -> None:
        """Put rows at `start`."""
        stop = start + len(rows.image)
        for kind, array in self._arrays.items():
            values = getattr(rows, kind)
            quantizer = self._quantizers.get(kind)
            array[start:stop] = values if quantizer is None else quantizer.encode(values)

    def trim(self, rows: int) -> None:
        """Cut every array to `rows`."""
        for array in self._arrays.values():
            array.resize((rows, *array.shape[1:]))


class StoreWriter:
    """A store that grows by commits; what was not committed is as if it had never been written.

    Every commit but the last must bring exactly the `chunk_rows` that the store was created with, so that no
    commit touches a chunk of an earlier one.

    Parameters
    ----------
    path : Path
        A store that `StoreWriter.create` made, perhaps interrupted since.
    """

    def __init__(self, path: Path) -> None:
        open_activations(path)
        self._path = path
        self.header = Header.from_json((path / FILE).read_bytes(), path.name)
        images = path / IMAGES_FILE
        with images.open("r+b") as file:
            file.truncate(self.header.images_bytes)
        self._images_state = hashlib.blake2b(images.read_bytes(), digest_size=16)
        self._layers = {layer.name: LayerWriter(path, layer) for layer in self.header.layers}

    @classmethod
    def create(
        cls, path: Path, header: Header, *, capacity: Mapping[str, int], chunk_rows: Mapping[str, int]
    ) -> StoreWriter:
        """Make an empty store; `capacity` and `chunk_rows` are by layer, as in `create_layer`."""
        header = dataclasses.replace(header, images_digest=hashlib.blake2b(digest_size=16).hexdigest())
        with new_folder(path, replace=False) as partial:
            for layer in header.layers:
                create_layer(partial, layer, capacity=capacity[layer.name], chunk_rows=chunk_rows[layer.name])
            (partial / IMAGES_FILE).write_bytes(b"")
            (partial / FILE).write_bytes(header.to_json())
        return cls(path)

    @property
    def n_images(self) -> int:
        """Committed images."""
        return self.header.n_images

    @property
    def next_image(self) -> int:
        """Index in the source at which to go on."""
        return self.header.next_image

    @property
    def skipped(self) -> list[dict[str, str]]:
        """Committed list of skipped images."""
        return list(self.header.provenance["images"]["skipped"])

    @property
    def meaning(self) -> dict[str, Any]:
        """Committed sums on what attributions mean, by layer; see `MeaningSums`."""
        return dict(self.header.provenance.get("attribution", {}))

    def append(
        self,
        images: Sequence[ImageRecord],
        rows: Mapping[str, Rows],
        next_image: int,
        provenance: dict[str, Any],
    ) -> None:
        """Write images and their rows, then commit them."""
        for layer in self.header.layers:
            if layer.name in rows:
                self._layers[layer.name].write(layer.rows, rows[layer.name])
        lines = image_lines(images)
        with (self._path / IMAGES_FILE).open("r+b") as file:
            file.seek(self.header.images_bytes)
            file.write(lines)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        state = self._images_state.copy()
        state.update(lines)
        header = dataclasses.replace(
            self.header,
            layers=tuple(
                dataclasses.replace(layer, rows=layer.rows + (len(rows[layer.name].image) if layer.name in rows else 0))
                for layer in self.header.layers
            ),
            provenance=provenance,
            n_images=self.header.n_images + len(images),
            images_bytes=self.header.images_bytes + len(lines),
            images_digest=state.hexdigest(),
            next_image=next_image,
        )
        self._commit(header)
        self._images_state = state

    def finish(self) -> Activations:
        """Trim the arrays, mark the store complete, and open it."""
        for layer in self.header.layers:
            self._layers[layer.name].trim(layer.rows)
        self._commit(dataclasses.replace(self.header, complete=True))
        return open_activations(self._path)

    def _commit(self, header: Header) -> None:
        write_atomically(self._path / FILE, header.to_json())
        self.header = header


def image_lines(images: Sequence[ImageRecord]) -> bytes:
    """Lines of `images.jsonl`; ASCII, so that any file name survives."""
    return b"".join(
        json.dumps({"id": image_id, "label": label, "digest": digest}).encode() + b"\n"
        for image_id, label, digest in images
    )
