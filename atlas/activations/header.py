"""`acts.json`: what an activation store says about itself."""

from __future__ import annotations

import json
import string
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from atlas.activations.digests import digest_of
from atlas.activations.encoding import ENCODINGS
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from atlas.activations.encoding import Encoding

FORMAT = "activation-atlas/activations"
SCHEMA = 1
FILE = "acts.json"
IMAGES_FILE = "images.jsonl"

_SAFE = frozenset(string.ascii_letters + string.digits + "._-")


@dataclass(frozen=True)
class LayerHeader:
    """One layer of a store.

    Attributes
    ----------
    name : str
        Name of the layer.
    channels : int
        Length of a vector.
    map_size : (int, int)
        Height and width of the map.
    classes : int or None
        Columns of the attributions; None where there are none.
    encoding : {"float16", "float32", "uint8"}
        How vectors and attributions are kept.
    rows : int
        Committed rows. An array may be longer while a collection runs; what lies beyond does not count.
    """

    name: str
    channels: int
    map_size: tuple[int, int]
    classes: int | None
    encoding: Encoding
    rows: int

    @property
    def folder(self) -> str:
        """Path of the layer's arrays inside the store; characters beyond plain ones are spelled out."""
        return "layers/" + "".join(c if c in _SAFE else f"~{ord(c):x}~" for c in self.name)


@dataclass(frozen=True)
class Header:
    """The state that was committed last.

    Attributes
    ----------
    layers : tuple of LayerHeader
        The layers, in the order in which they were asked for.
    settings : dict
        Everything that decides the result, apart from the content of the images.
    provenance : dict
        For people: network, images, versions.
    n_images : int
        Lines of `images.jsonl` that count.
    images_bytes : int
        Their length.
    images_digest : str
        BLAKE2b of these bytes.
    next_image : int
        Index in the source at which an interrupted collection goes on.
    complete : bool
        Whether the collection has ended.
    added : dict of str to int
        Positions per image of the layers that were added later, with the same settings. They leave the digest as it
        is: nothing else of the store has changed.
    """

    layers: tuple[LayerHeader, ...]
    settings: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)
    n_images: int = 0
    images_bytes: int = 0
    images_digest: str = ""
    next_image: int = 0
    complete: bool = False
    added: dict[str, int] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Equal for equal settings and equal images."""
        return store_digest(self.settings, self.images_digest)

    def to_json(self) -> bytes:
        """Encode as the content of `acts.json`."""
        value = {"format": FORMAT, "schema": SCHEMA, "digest": self.digest} | asdict(self)
        return json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode()

    @classmethod
    def from_json(cls, data: bytes, where: str) -> Header:
        """Read and check `acts.json`.

        Parameters
        ----------
        data : bytes
            The file.
        where : str
            Names the store in messages.

        Raises
        ------
        AtlasError
            Not such a file, of a later version, or damaged.
        """
        try:
            value = dict(json.loads(data))
            kind, schema = value.get("format"), _count(value.get("schema", 0))
        except (ValueError, TypeError, RecursionError) as error:
            raise _damaged(where, error) from error
        if kind != FORMAT:
            raise AtlasError(f"{where} is not an activation store; collect makes one.")
        if schema > SCHEMA:
            raise AtlasError(
                f"{where} was written by a later version (schema {schema}, this one reads {SCHEMA}); "
                "update activation-atlas."
            )
        try:
            header = cls(
                layers=tuple(_layer(layer) for layer in value["layers"]),
                settings=dict(value["settings"]),
                provenance=dict(value["provenance"]),
                n_images=_count(value["n_images"]),
                images_bytes=_count(value["images_bytes"]),
                images_digest=str(value["images_digest"]),
                next_image=_count(value["next_image"]),
                complete=value["complete"] is True,
                added={str(name): _count(k, least=1) for name, k in dict(value.get("added", {})).items()},
            )
            header._check(value["digest"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged(where, error) from error
        return header

    def _check(self, digest: str) -> None:
        if digest != self.digest:
            raise ValueError("its digest does not match its settings")
        folders = {layer.folder.casefold() for layer in self.layers}
        if not self.layers or len(folders) < len(self.layers):
            raise ValueError("it has no layers, or one twice")
        if not set(self.added) < {layer.name for layer in self.layers}:
            raise ValueError("layers were added that it does not have")
        for layer in self.layers:
            if layer.rows > self.n_images * layer.map_size[0] * layer.map_size[1]:
                raise ValueError(f"{layer.name} has more rows than its images have positions")


def store_digest(settings: dict[str, Any], images_digest: str) -> str:
    """Digest of activations: of what decided them and of the images they came from."""
    return digest_of({"settings": settings, "images": images_digest})


def _damaged(where: str, error: Exception) -> AtlasError:
    return AtlasError(f"{where}/{FILE} is damaged ({error}); collect again or fetch a fresh copy.")


def _layer(value: dict[str, Any]) -> LayerHeader:
    height, width = value["map_size"]
    layer = LayerHeader(
        name=str(value["name"]),
        channels=_count(value["channels"], least=1),
        map_size=(_count(height, least=1, most=1 << 14), _count(width, least=1, most=1 << 14)),
        classes=None if value["classes"] is None else _count(value["classes"], least=1),
        encoding=value["encoding"],
        rows=_count(value["rows"]),
    )
    if layer.encoding not in ENCODINGS or not layer.name.strip("."):
        raise ValueError(f"layer {layer.name!r} with encoding {layer.encoding!r}")
    return layer


def _count(value: object, *, least: int = 0, most: int = 1 << 48) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{value!r} where a count from {least} to {most} belongs")
    return value
