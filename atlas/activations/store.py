"""Reading an activation store, from a folder or from any URL that fsspec knows."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.request import url2pathname

import fsspec
import numpy as np
import zarr
from zarr.storage import FsspecStore, LocalStore

from atlas.activations.data import Activations, LayerActivations
from atlas.activations.digests import digest_of_bytes
from atlas.activations.encoding import Quantizer, StoredArray
from atlas.activations.header import FILE, IMAGES_FILE, Header
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from zarr.abc.store import Store

    from atlas.activations.header import LayerHeader
    from atlas.activations.rows import ImageRecord

_MOST_CHUNK_BYTES = 1 << 28
_MOST_HEADER_BYTES = 64 << 20
_BLOCK_BYTES = 1 << 20


def open_activations(source: str | os.PathLike[str]) -> Activations:
    """Open an activation store; rows are read when they are asked for.

    Every size is checked against `acts.json` before anything is read, chunks carry checksums, and a link that
    leads out of the folder is refused.

    Parameters
    ----------
    source : str or path
        A folder, also as a ``file://`` URL, or a URL such as ``s3://bucket/photos.acts`` (fsspec's, with its
        extra package installed).

    Returns
    -------
    Activations
        With `complete` False if its collection was interrupted: it then holds what was committed.

    Raises
    ------
    AtlasError
        There is no store, it is damaged, or a later version wrote it.
    """
    where = os.fspath(source)
    path = _local_path(where)
    if path is not None:
        _refuse_links_out(path)
    place = where.rstrip("/") if path is None else path
    shown = str(place)
    data = _read(place, FILE, _MOST_HEADER_BYTES + 1)
    if len(data) > _MOST_HEADER_BYTES:
        raise AtlasError(f"{shown}/{FILE} is larger than {_MOST_HEADER_BYTES >> 20} MB; it is damaged or forged.")
    header = Header.from_json(data, shown)
    records = _image_records(_read(place, IMAGES_FILE, header.images_bytes), header, shown)
    store: Store = FsspecStore.from_url(where, read_only=True) if path is None else LocalStore(path, read_only=True)
    labels = [record[1] for record in records]
    layers = {layer.name: layer for layer in header.layers}
    readers = {name: _LayerReader(store, layer, shown) for name, layer in layers.items()}
    return Activations(
        tuple(layers),
        lambda name: readers[name].load(labels),
        image_ids=[record[0] for record in records],
        image_labels=labels,
        image_digests=[record[2] for record in records],
        provenance=header.provenance,
        digest=header.digest,
        path=path,
        complete=header.complete,
        added=header.added,
    )


def _local_path(where: str) -> Path | None:
    scheme, mark, rest = where.partition("://")
    if not mark:
        return Path(where)
    if scheme.lower() not in ("file", "local"):
        return None
    return Path(url2pathname(rest.removeprefix("localhost")))


def _refuse_links_out(root: Path) -> None:
    inside = os.path.realpath(root)
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            entry = Path(folder, name)
            # Not `Path.resolve`: a link to itself makes it fail before Python 3.13.
            if entry.is_symlink() and not Path(os.path.realpath(entry)).is_relative_to(inside):
                raise AtlasError(f"{root} holds a link that leads out of it ({name}); remove it to open the store.")


def _read(place: Path | str, name: str, most: int) -> bytes:
    """Read a file of the store, at most so many bytes of it."""
    try:
        with (place / name).open("rb") if isinstance(place, Path) else fsspec.open(f"{place}/{name}", "rb") as file:
            return _first_bytes(file, most)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise AtlasError(f"{place} is not an activation store: it has no {name}.") from error
    except (OSError, ImportError, ValueError) as error:
        raise AtlasError(f"{place} cannot be read ({error}).") from error


def _first_bytes(file: BinaryIO, most: int) -> bytes:
    # `read(most)` would set aside `most` bytes at once, however few the file has.
    data = bytearray()
    while block := file.read(min(_BLOCK_BYTES, most - len(data))):
        data += block
    return bytes(data)


def _image_records(data: bytes, header: Header, where: str) -> list[ImageRecord]:
    """(id, label, digest) of every committed image."""
    lines = data.splitlines()
    declared = (header.images_bytes, header.images_digest, header.n_images)
    if (len(data), digest_of_bytes(data), len(lines)) != declared:
        raise AtlasError(f"{where}/{IMAGES_FILE} is damaged; collect again or fetch a fresh copy.")
    try:
        return [_image_record(json.loads(line)) for line in lines]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise AtlasError(f"{where}/{IMAGES_FILE} is damaged ({error}); collect again or fetch a fresh copy.") from error


def _image_record(value: Any) -> ImageRecord:  # noqa: ANN401 - whatever the file holds
    image_id, label, digest = value["id"], value["label"], value["digest"]
    if not (isinstance(image_id, str) and isinstance(label, str | None) and isinstance(digest, str)):
        raise TypeError("a line holds other things than names")
    return image_id, label, digest


class _LayerReader:
    """Checks a layer's arrays when made, reads them when asked."""

    def __init__(self, store: Store, layer: LayerHeader, where: str) -> None:
        self._store = store
        self._layer = layer
        self._where = where
        self._image = self._open("image", np.dtype(np.int64))
        self._position = self._open("position", np.dtype(np.int16), 2)
        self._vectors = self._rows("vectors", layer.channels)
        self._attributions = None if layer.classes is None else self._rows("attributions", layer.classes)

    def load(self, labels: list[str | None]) -> LayerActivations:
        image = self._whole(self._image, self._layer.rows)
        position = self._whole(self._position, self._layer.rows)
        if len(image) and not (image.min() >= 0 and image.max() < len(labels) and position.min() >= 0):
            raise self._damaged("some chunks are missing, or rows belong to no image")
        return LayerActivations(
            layer=self._layer.name,
            vectors=self._vectors,
            image=image,
            position=position,
            map_size=self._layer.map_size,
            attributions=self._attributions,
            image_labels=labels,
        )

    def _rows(self, kind: str, columns: int) -> StoredArray:
        array = self._open(kind, np.dtype(self._layer.encoding), columns)
        quantizer = None
        if self._layer.encoding == "uint8":
            scale = self._open(f"{kind}_scale", np.dtype(np.float32), rows=columns)
            zero = self._open(f"{kind}_zero", np.dtype(np.uint8), rows=columns)
            quantizer = Quantizer(self._whole(scale, columns), self._whole(zero, columns))
            if not (np.isfinite(quantizer.scale).all() and (quantizer.scale > 0).all()):
                raise self._damaged(f"the scale of its {kind} is not a positive number")
        return StoredArray(array, self._layer.rows, f"{self._where}: {kind} of {self._layer.name}", quantizer)

    def _open(self, kind: str, dtype: np.dtype[Any], *tail: int, rows: int | None = None) -> zarr.Array[Any]:
        path = f"{self._layer.folder}/{kind}"
        try:
            array = zarr.open_array(self._store, path=path, mode="r", zarr_format=3)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self._damaged(f"{kind} cannot be opened: {error}") from error
        expected = self._layer.rows if rows is None else rows
        fits = array.ndim == 1 + len(tail) and array.shape[0] >= expected and array.shape[1:] == tail
        whole = array.shards is None and tuple(array.chunks[1:]) == tail
        if not (fits and whole and np.dtype(array.dtype) == dtype):
            found = f"{array.dtype} {array.shape} in chunks of {array.chunks}"
            raise self._damaged(f"{kind} is {found}, {FILE} says {dtype} {(expected, *tail)}")
        if math.prod(array.chunks) * dtype.itemsize > _MOST_CHUNK_BYTES:
            raise self._damaged(f"{kind} has chunks of {array.chunks}, too large to read safely")
        return array

    def _whole(self, array: zarr.Array[Any], rows: int) -> NDArray[Any]:
        try:
            return np.asarray(array[:rows])
        except (ValueError, RuntimeError, OSError) as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, reason: str) -> AtlasError:
        return AtlasError(
            f"{self._where}: {self._layer.name} is damaged ({reason}); collect it again or fetch a fresh copy."
        )
