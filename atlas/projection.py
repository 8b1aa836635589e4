"""New images on an atlas that exists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import numpy as np

from atlas.activations import collect
from atlas.errors import AtlasError
from atlas.export.annotations import Marker
from atlas.models import MODEL_NAMES, VisionModel, load_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atlas.layout import Landmarks

#: Of one image after the other; red and blue, the first, are told apart by everybody.
_COLOURS: Final = ("#e5484d", "#0090ff", "#e0a100", "#30a46c", "#8e4ec6", "#00a2c7")


@dataclass(frozen=True)
class Projection:
    """Where the activations of new images lie.

    Attributes
    ----------
    xy : array (N, 2), float32
        Positions; the frame is [0, 1). NaN for vectors of zeros.
    similarity : array (N,), float32
        Cosine to the nearest landmark. Low: the atlas has nothing like it, and the position means little.
    image_ids : list of str
        Names of the images.
    image : array (N,), int64
        Which image, as an index into `image_ids`.
    position : array (N, 2), int16
        (row, column) in the layer's map.
    map_size : (int, int)
        Height and width of the map.
    layer : str
        Layer whose atlas they lie on.
    """

    xy: NDArray[np.float32]
    similarity: NDArray[np.float32]
    image_ids: list[str]
    image: NDArray[np.int64]
    position: NDArray[np.int16]
    map_size: tuple[int, int]
    layer: str

    def __len__(self) -> int:
        return len(self.xy)

    def markers(self, per_image: int = 5) -> list[Marker]:
        """The places as markers for a view, a page or a picture: of every image those that the atlas knows best.

        Parameters
        ----------
        per_image : int
            At most so many places of an image, most similar first; none outside the frame.

        Raises
        ------
        AtlasError
            `per_image` is less than 1.
        """
        if per_image < 1:
            raise AtlasError(f"per_image is {per_image}; give 1 or more.")
        inside = ((self.xy >= 0) & (self.xy < 1)).all(axis=1)
        markers = []
        for index, name in enumerate(self.image_ids):
            rows = np.flatnonzero((self.image == index) & inside)
            best = rows[np.argsort(-self.similarity[rows], kind="stable")[:per_image]]
            colour, text = _COLOURS[index % len(_COLOURS)], PurePath(name).stem
            markers += [Marker(float(x), float(y), text, colour, self.layer) for x, y in self.xy[best]]
        return markers


def model_of(provenance: dict[str, Any], model: VisionModel | None) -> VisionModel:
    """The network that activations or an atlas came from.

    Parameters
    ----------
    provenance : dict
        With ``provenance["model"]``: name and digest.
    model : VisionModel or None
        Checked when given; loaded by name when not.

    Raises
    ------
    AtlasError
        The network is not one that can be loaded by name, or its weights are others.
    """
    record = provenance.get("model")
    if record is None:
        if model is None:
            raise AtlasError("These activations do not say which network they came from; give model=….")
        return model
    name = str(record["name"])
    if model is None:
        if name not in MODEL_NAMES:
            raise AtlasError(f"These activations came from {name}, which has no known weights; give model=….")
        model = load_model(name)
    if model.digest != record["digest"]:
        raise AtlasError(
            f"These activations came from {name} with other weights; give the model they were collected with."
        )
    return model


def project(
    landmarks: Landmarks,
    provenance: dict[str, Any],
    images: Any,  # noqa: ANN401 - whatever `collect` takes
    *,
    model: VisionModel | None,
    layer: str,
    per_image: int | str,
) -> Projection:
    """See `Atlas.project`."""
    acts = collect(
        model_of(provenance, model),
        images,
        layer,
        per_image=cast("int | Literal['all']", per_image),
        size=provenance["activations"].get("size"),
        attributions=False,
        progress=False,
    )
    rows = acts[layer]
    xy, similarity = landmarks.place(np.asarray(rows.vectors, dtype=np.float32))
    return Projection(xy, similarity, acts.image_ids, rows.image, rows.position, rows.map_size, layer)
