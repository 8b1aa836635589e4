"""Activations of one or more layers, in memory or behind a store."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from atlas.activations.digests import digest_of, digest_of_bytes
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class RowArray(Protocol):
    """An array of rows: numpy's, or one that reads and decodes rows when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, columns)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the rows that come out."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Any: ...  # noqa: ANN401 - numpy's indexing

    def __array__(self, dtype: Any = None, /, *, copy: bool | None = None) -> NDArray[Any]: ...  # noqa: ANN401


@dataclasses.dataclass(frozen=True, eq=False)
class LayerActivations:
    """Sampled activations of one layer: row i of every field belongs together.

    Attributes
    ----------
    layer : str
        Name of the layer.
    vectors : array-like, (N, C)
        Activation vectors; float16, or float32 where a store says so.
    image : ndarray of int64, (N,)
        Which image, as an index into `Activations.image_ids`.
    position : ndarray of int16, (N, 2)
        (row y, column x) in the layer's map.
    map_size : (int, int)
        Height and width of the map.
    attributions : array-like, (N, K), or None
        h . d logit_c / d h for every class c, in units of the logits.
    image_labels : sequence of str or None
        Label of every image, where known; may be empty.
    """

    layer: str
    vectors: RowArray
    image: NDArray[np.int64]
    position: NDArray[np.int16]
    map_size: tuple[int, int]
    attributions: RowArray | None = None
    image_labels: Sequence[str | None] = ()

    def __post_init__(self) -> None:
        n = len(self.vectors)
        attributions = n if self.attributions is None else len(self.attributions)
        if not (len(self.image) == n == attributions and self.position.shape == (n, 2)):
            raise AtlasError(f"The arrays of {self.layer} do not have the same number of rows; {n} vectors.")
        inside = (self.position >= 0) & (self.position < np.array(self.map_size))
        if n and not (inside.all() and self.image.min() >= 0):
            raise AtlasError(f"{self.layer} has positions outside its {self.map_size} map, or images below 0.")

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        classes = "no attributions" if self.attributions is None else f"{self.attributions.shape[1]} classes"
        h, w = self.map_size
        size = f"{len(self):,} x {self.n_channels} from a {h} x {w} map"
        return f"<LayerActivations {self.layer}: {size}, {classes}>"

    @property
    def n_channels(self) -> int:
        """Length of an activation vector."""
        return int(self.vectors.shape[1])

    @property
    def labels(self) -> list[str | None]:
        """Label of every row's image, None where it is not known."""
        if not len(self.image_labels):
            return [None] * len(self)
        return [self.image_labels[index] for index in self.image]

    def subset(self, rows: NDArray[np.integer[Any]] | NDArray[np.bool_] | slice) -> LayerActivations:
        """Read some rows into memory.

        Parameters
        ----------
        rows : array of int, array of bool (N,), or slice
            Which rows, in which order.
        """
        return dataclasses.replace(
            self,
            vectors=np.asarray(self.vectors[rows]),
            image=self.image[rows],
            position=self.position[rows],
            attributions=None if self.attributions is None else np.asarray(self.attributions[rows]),
        )


class Activations(Mapping[str, LayerActivations]):
    """Activations of the layers of one network, sampled from the same images.

    A mapping from layer name to `LayerActivations`. Made by `collect`, `open_activations` or
    `Activations.in_memory`.

    Attributes
    ----------
    layers : tuple of str
        Names of the layers.
    image_ids, image_labels, image_digests : list
        Stable name, label (None where not known) and content digest ("" where not known) of every image.
    provenance : dict
        Network, images read and skipped, settings, seed, library versions.
    digest : str
        Equal for equal inputs and settings; `layer_digest` for one layer.
    path : Path or None
        The store's folder, where it is one on this machine.
    complete : bool
        False for a store whose collection was interrupted.
    added : dict of str to int
        Layers that were added to a store later, with their positions per image.
    """

    def __init__(
        self,
        layers: Sequence[str],
        load: Callable[[str], LayerActivations],
        *,
        image_ids: list[str],
        image_labels: list[str | None],
        image_digests: list[str],
        provenance: dict[str, Any],
        digest: str,
        path: Path | None = None,
        complete: bool = True,
        added: Mapping[str, int] | None = None,
    ) -> None:
        self.layers = tuple(layers)
        self.image_ids = image_ids
        self.image_labels = image_labels
        self.image_digests = image_digests
        self.provenance = provenance
        self.digest = digest
        self.path = path
        self.complete = complete
        self.added = dict(added or {})
        self._load = load
        self._loaded: dict[str, LayerActivations] = {}

    @classmethod
    def in_memory(
        cls,
        layers: Sequence[LayerActivations],
        *,
        image_ids: Sequence[str],
        image_labels: Sequence[str | None] | None = None,
        image_digests: Sequence[str] | None = None,
        provenance: dict[str, Any] | None = None,
        digest: str | None = None,
    ) -> Activations:
        """Hold activations that are already arrays.

        Parameters
        ----------
        layers : sequence of LayerActivations
            One for each layer.
        image_ids : sequence of str
            Stable name of every image.
        image_labels, image_digests : sequence, optional
            As long as `image_ids`.
        provenance : dict, optional
            Where the arrays come from.
        digest : str, optional
            Stands for the content; computed from the arrays when left out.

        Raises
        ------
        AtlasError
            No layer, a layer twice, lists of different lengths, or an image index without an image.
        """
        labels: list[str | None] = list(image_labels) if image_labels is not None else [None] * len(image_ids)
        digests = list(image_digests) if image_digests is not None else [""] * len(image_ids)
        if not len(labels) == len(digests) == len(image_ids):
            raise AtlasError("image_ids, image_labels and image_digests must be equally long.")
        by_name = {layer.layer: dataclasses.replace(layer, image_labels=labels) for layer in layers}
        if not by_name or len(by_name) != len(layers):
            raise AtlasError("Activations need at least one layer, and each layer once.")
        for layer in layers:
            if len(layer) and int(layer.image.max()) >= len(image_ids):
                raise AtlasError(f"{layer.layer} has rows of image {layer.image.max()}, of {len(image_ids)} images.")
        return cls(
            tuple(by_name),
            by_name.__getitem__,
            image_ids=list(image_ids),
            image_labels=labels,
            image_digests=digests,
            provenance=dict(provenance or {}),
            digest=digest or _content_digest(list(by_name.values()), list(image_ids), labels),
        )

    def layer_digest(self, layer: str) -> str:
        """Digest of one layer, which is the same whatever other layers there are."""
        if layer not in self.added:
            return self.digest
        return digest_of({"of": self.digest, "added": layer, "per_image": self.added[layer]})

    def __getitem__(self, layer: str) -> LayerActivations:
        if layer not in self.layers:
            raise AtlasError(f"There is no layer {layer!r} here; these activations are of {', '.join(self.layers)}.")
        if layer not in self._loaded:
            self._loaded[layer] = self._load(layer)
        return self._loaded[layer]

    def __contains__(self, layer: object) -> bool:
        return layer in self.layers

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self) -> str:
        where = f" in {self.path.name}" if self.path is not None else ""
        state = "" if self.complete else ", incomplete"
        inside = "; ".join(repr(self[layer])[len("<LayerActivations ") : -1] for layer in self.layers)
        return f"<Activations{where} of {len(self.image_ids):,} images{state}: {inside}>"


def _content_digest(layers: list[LayerActivations], ids: list[str], labels: list[str | None]) -> str:
    arrays = [
        np.ascontiguousarray(array)
        for layer in layers
        for array in (layer.vectors, layer.attributions, layer.image, layer.position)
        if array is not None
    ]
    described = [[layer.layer, list(layer.map_size), layer.attributions is not None] for layer in layers]
    content = digest_of_bytes(*(array.reshape(-1).view(np.uint8).data for array in arrays))
    types = [[str(array.dtype), list(array.shape)] for array in arrays]
    return digest_of([described, types, content, ids, labels])
