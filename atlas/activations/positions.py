"""Which positions of a layer's map are sampled."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Literal

import numpy as np

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from numpy.typing import NDArray

RULE = "outer ring left out; axes of one or two positions kept whole"
"""What `interior` does, as provenance records it."""

_AIM = 20_000


def interior(h: int, w: int) -> NDArray[np.int16]:
    """Positions of a map that are away from its edge.

    Padding makes the activations of the outer ring odd, so they are left out. An axis of one or two positions
    is nothing but ring and is kept whole: 1 x 1 gives its one position, 2 x 2 all four, 3 x 3 its centre.

    Parameters
    ----------
    h, w : int
        Height and width of the map, in positions.

    Returns
    -------
    ndarray of int16, shape (P, 2)
        (row, column), in raster order.
    """
    rows, columns = (np.arange(n)[1:-1] if n > 2 else np.arange(n) for n in (h, w))
    grid = np.meshgrid(rows, columns, indexing="ij")
    return np.stack(grid, axis=-1).reshape(-1, 2).astype(np.int16)


def default_per_image(n_images: int) -> int:
    """As many positions per image as bring a set to about 20,000 activations.

    20,000 fill a grid of 40 x 40 with a dozen members a cell. The value is ``ceil(20000 / n_images)``: 40 for
    500 images, 1 from 20,000 images on. `positions_per_image` bounds it by what the map has.
    """
    return max(1, -(-_AIM // max(1, n_images)))


def positions_per_image(per_image: int | Literal["all"] | None, n_images: int, map_size: tuple[int, int]) -> int:
    """How many positions of each image are sampled from a map.

    Parameters
    ----------
    per_image : int, "all" or None
        What the user asked for; None takes `default_per_image`.
    n_images : int
        Images in the source.
    map_size : (int, int)
        Height and width of the map.

    Returns
    -------
    int
        At least 1 and at most the number of interior positions.

    Raises
    ------
    AtlasError
        `per_image` is neither of these.
    """
    most = len(interior(*map_size))
    if per_image == "all":
        return most
    if per_image is None:
        return min(most, default_per_image(n_images))
    if isinstance(per_image, bool) or not isinstance(per_image, int) or per_image < 1:
        raise AtlasError(f"per_image is {per_image!r}; give a whole number from 1, 'all', or None for the default.")
    return min(most, per_image)


def sample_positions(image_id: str, layer: str, map_size: tuple[int, int], k: int, seed: int) -> NDArray[np.int16]:
    """Draw positions of one image without replacement.

    The random numbers are raw Philox words keyed by (seed, image, layer). A draw therefore depends on nothing
    else: not on the batch, on the other images or layers, nor on the numpy version.

    Parameters
    ----------
    image_id : str
        Stable name of the image.
    layer : str
        Name of the layer.
    map_size : (int, int)
        Height and width of the map.
    k : int
        How many; everything in the interior when it has no more.
    seed : int
        Seed of the whole collection.

    Returns
    -------
    ndarray of int16, shape (min(k, P), 2)
        (row, column), in raster order.
    """
    inside = interior(*map_size)
    if k >= len(inside):
        return inside
    key = hashlib.blake2b(json.dumps([seed, image_id, layer]).encode(), digest_size=16).digest()
    words = np.random.Philox(key=int.from_bytes(key, "little")).random_raw(len(inside))
    chosen = np.argsort(words, kind="stable")[:k]
    return inside[np.sort(chosen)]
