"""Images that are already in memory: arrays, tensors, Pillow images."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from atlas.errors import AtlasError
from atlas.images.decode import picture_to_rgb
from atlas.images.skipped import UnreadableImageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_CHANNELS = (1, 2, 3, 4)


class ArraySource:
    """Images held in memory, numbered from 0.

    Parameters
    ----------
    images : array, tensor, or sequence of arrays, tensors and Pillow images
        An array is (N, H, W) or (N, H, W, C), a tensor also (N, C, H, W), with C = 1 (grey), 2 (grey,
        alpha), 3 (RGB) or 4 (RGB, alpha). uint8, uint16 (0 to 65535), bool, or floating point in [0, 1].

    Raises
    ------
    AtlasError
        If there are none, the shape is not one of these, or the first image has another type or range.
    """

    in_memory = True

    def __init__(self, images: Any) -> None:  # noqa: ANN401 - arrays of several libraries
        self._images: Sequence[Any] | NDArray[Any]
        if isinstance(images, (list, tuple)):
            self._images = [image if isinstance(image, Image.Image) else as_array(image) for image in images]
            self.name = "list of images in memory"
        else:
            self._images = _batch(as_array(images, batch=True))
            self.name = "array in memory"
        if len(self._images) == 0:
            raise AtlasError("there are no images in the array or list: give at least one")
        first = self._images[0]
        if not isinstance(first, Image.Image):
            try:
                array_to_rgb(first)
            except UnreadableImageError as error:
                raise AtlasError(f"the first image cannot be used: {error}") from error

    def __len__(self) -> int:
        return len(self._images)

    def image_id(self, index: int) -> str:
        """Give the number of image `index`, with at least six digits."""
        return number(index)

    def label(self, index: int) -> str | None:  # noqa: ARG002 - part of the interface
        """Return None: arrays carry no labels."""
        return None

    def load(self, index: int) -> Image.Image:
        """Convert image `index` to RGB; raises ``UnreadableImageError``."""
        return value_to_rgb(self._images[index])


def number(index: int) -> str:
    """Write the id of an image that has only a number.

    Parameters
    ----------
    index : int
        From 0.

    Returns
    -------
    str
        Decimal, filled to six digits so that ids sort like numbers.
    """
    return f"{index:06d}"


def is_tensor(value: object) -> bool:
    """Tell whether a value is a torch tensor, without importing torch.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    bool
        False when torch has not been imported, since then nobody can have made one.
    """
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def as_array(value: Any, *, batch: bool = False) -> NDArray[Any]:  # noqa: ANN401
    """Bring a tensor or array to NumPy, channels last.

    Parameters
    ----------
    value : array or tensor
        One image, on any device. Channels first, (C, H, W) with C = 1, 3 or 4, is what a tensor has, and an
        array whose last axis is too long for channels.
    batch : bool, optional
        There is one more axis in front.

    Returns
    -------
    array
        Channels last; a view where possible.
    """
    tensor = is_tensor(value)
    if tensor:
        value = value.detach().cpu()
        # NumPy has no bfloat16.
        value = value.float() if value.is_floating_point() else value
    array = np.asarray(value)
    if array.ndim != (4 if batch else 3) or array.shape[-3] not in (1, 3, 4):
        return array
    return np.moveaxis(array, -3, -1) if tensor or array.shape[-1] not in _CHANNELS else array


def value_to_rgb(value: Any) -> Image.Image:  # noqa: ANN401 - arrays of several libraries
    """Convert a Pillow image, an array or a tensor to RGB.

    Parameters
    ----------
    value : PIL.Image.Image, array or tensor
        One image.

    Returns
    -------
    PIL.Image.Image
        Mode RGB.

    Raises
    ------
    UnreadableImageError
        If the type, shape or range of values is none that an image has.
    """
    if isinstance(value, Image.Image):
        return picture_to_rgb(value)
    return array_to_rgb(as_array(value))


def array_to_rgb(array: NDArray[Any]) -> Image.Image:
    """Convert one array to RGB.

    Parameters
    ----------
    array : array (H, W) or (H, W, C)
        uint8, uint16, bool, or floating point in [0, 1]; C from 1 to 4 as in ``ArraySource``.

    Returns
    -------
    PIL.Image.Image
        Mode RGB; alpha is composited on white.

    Raises
    ------
    UnreadableImageError
        If the type, shape or range is another.
    """
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in _CHANNELS or 0 in array.shape:
        raise UnreadableImageError(f"an array of shape {array.shape} is no image: it must be (H, W) or (H, W, 1 to 4)")
    levels = _to_8_bit(array)
    flat = levels[:, :, 0] if levels.shape[2] == 1 else levels
    return picture_to_rgb(Image.fromarray(np.ascontiguousarray(flat)))


def _to_8_bit(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16:
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):
            raise UnreadableImageError("floating-point values must lie in [0, 1]: divide by the largest possible value")
        return np.rint(array.astype(np.float32) * 255).astype(np.uint8)
    raise UnreadableImageError(f"values of type {array.dtype} are not read: use uint8, uint16, or floats in [0, 1]")


def _batch(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim == 3 and array.shape[2] in (3, 4):
        raise AtlasError(f"an array of shape {array.shape} looks like one image: pass a list, [image]")
    if array.ndim not in (3, 4):
        raise AtlasError(f"an array of shape {array.shape} is no set of images: it must be (N, H, W) or (N, H, W, C)")
    return array
