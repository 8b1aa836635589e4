"""From every pixel mode that Pillow knows to 8-bit RGB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageCms

from atlas.images.skipped import UnreadableImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert a decoded image to RGB; ``docs/images.md`` lists what happens to each kind.

    Parameters
    ----------
    image : PIL.Image.Image
        Any mode. It is not changed.

    Returns
    -------
    PIL.Image.Image
        Mode RGB, same width and height. Transparency is composited on white.

    Raises
    ------
    UnreadableImageError
        If a floating-point image has no finite value.
    """
    if image.mode.startswith("I;16"):
        return _from_16_bit(np.asarray(image), image.info.get("transparency"))
    if image.mode == "I" and image.format in ("PNG", "PPM"):
        # Pillow before 12 opens 16-bit PNG this way; PPM levels arrive scaled to 65535.
        return _from_16_bit(np.asarray(image).clip(0, 65535), image.info.get("transparency"))
    if image.mode in ("I", "F"):
        return _stretched(np.asarray(image))
    if image.mode == "LAB":
        return _from_lab(image)
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        return _on_white(image)
    return image.convert("RGB")


def _from_16_bit(values: NDArray[np.generic], transparent: object) -> Image.Image:
    # 65535 / 255 is 257 exactly, so this is the nearest 8-bit level.
    grey = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if isinstance(transparent, int):
        grey[values == transparent] = 255
    return Image.fromarray(grey).convert("RGB")


def _stretched(values: NDArray[np.generic]) -> Image.Image:
    numbers = values.astype(np.float64)
    finite = np.isfinite(numbers)
    if not finite.any():
        raise UnreadableImageError("it has no finite value")
    low, high = float(numbers[finite].min()), float(numbers[finite].max())
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    numbers[~finite] = low
    span = max(high - low, np.finfo(np.float64).tiny)
    grey = np.rint((numbers - low) / span * 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _from_lab(image: Image.Image) -> Image.Image:
    transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
    converted = Image.new("RGB", image.size)
    transform.apply(image, converted)
    return converted


def _on_white(image: Image.Image) -> Image.Image:
    overlay = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", overlay.size, "white"), overlay).convert("RGB")
