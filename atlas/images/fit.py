"""From an image of any size to the square that a network sees."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray


def fit_square(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """Scale the shorter side to `size` and cut out the centre.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB, any width and height.
    size : int
        Side of the result in pixels.

    Returns
    -------
    uint8 array (3, size, size)
        Bilinear, with the filter widened when shrinking (antialiased). Only what remains after the crop is
        computed: an image of 9000 x 12 needs no more memory than its square.
    """
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    square = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
    return np.ascontiguousarray(np.asarray(square).transpose(2, 0, 1))


def digest_of(image: Image.Image) -> str:
    """Name the content of an image.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB, as loaded (before any resizing).

    Returns
    -------
    str
        16 hexadecimal digits: BLAKE2b with 8 bytes of output over width and height as little-endian 32-bit
        numbers, then the pixels row by row.
    """
    state = hashlib.blake2b(struct.pack("<II", *image.size), digest_size=8)
    state.update(image.tobytes())
    return state.hexdigest()
