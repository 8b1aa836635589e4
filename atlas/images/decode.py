"""Decode one image file: upright, RGB, first frame; limits of our own whatever Pillow's settings are."""

from __future__ import annotations

import contextlib
import struct
import threading
import warnings
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, ImageFile, UnidentifiedImageError

from atlas.images.modes import to_rgb
from atlas.images.skipped import UnreadableImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

PIXEL_LIMIT = 178_956_970
"""Width times height above which an image is refused: Pillow's own limit for an error."""

DRAFT_SIDE = 1024
"""A JPEG whose shorter side is at least twice this is decoded at 1/2, 1/4 or 1/8, not below this."""

# Pillow can also open formats that run other programs (EPS) or that photographs never come in.
FORMATS = (
    "AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "QOI", "TIFF", "WEBP",
)  # fmt: skip

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow's limits are module globals: whoever sets them for a moment must be alone.
_PILLOW = threading.RLock()


def decode(stream: BinaryIO) -> Image.Image:
    """Decode an image file.

    Parameters
    ----------
    stream : binary file
        Seekable, at its beginning.

    Returns
    -------
    PIL.Image.Image
        Mode RGB, turned upright by the EXIF orientation, the first frame of an animation. A JPEG whose
        shorter side is 2048 pixels or more comes at a half, a quarter or an eighth of its size, its shorter
        side at 1024 or more: decoding it whole would cost up to 64 times as much. The size depends on the
        file alone.

    Raises
    ------
    UnreadableImageError
        If it is not an image, is damaged or truncated, or has more than ``PIXEL_LIMIT`` pixels by its header.
    """
    with pillow_rules():
        Image.init()
        known = [name for name in FORMATS if name in Image.OPEN]
        with Image.open(stream, formats=known) as image:
            image.draft(None, (DRAFT_SIDE, DRAFT_SIDE))
            return _upright_rgb(image)


def picture_to_rgb(image: Image.Image) -> Image.Image:
    """Bring a Pillow image that somebody else opened into the same form as ``decode``.

    Parameters
    ----------
    image : PIL.Image.Image
        Any mode, decoded or not yet. The frame it stands on is taken.

    Returns
    -------
    PIL.Image.Image
        Mode RGB, upright, full size.

    Raises
    ------
    UnreadableImageError
        As ``decode``.
    """
    with pillow_rules():
        if image.width * image.height > PIXEL_LIMIT:
            raise UnreadableImageError(_BOMB)
        return _upright_rgb(image)


@contextlib.contextmanager
def pillow_rules() -> Iterator[None]:
    """Run Pillow under this module's limits, warnings off, errors as ``UnreadableImageError``.

    Yields
    ------
    None
        Pillow's global settings are put back on leaving. Threads take turns.

    Raises
    ------
    UnreadableImageError
        For any error inside.
    """
    with _PILLOW, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        saved = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        # Pillow raises above twice this number.
        Image.MAX_IMAGE_PIXELS = PIXEL_LIMIT // 2
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            yield
        except UnreadableImageError:
            raise
        except Exception as error:
            # A damaged file makes Pillow's parsers raise nearly anything: OSError, SyntaxError, IndexError,
            # zlib.error.
            raise UnreadableImageError(_reason(error)) from error
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = saved


_BOMB = f"more than {PIXEL_LIMIT:,} pixels: refused as a decompression bomb"


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image, or of a format that is not read"
    if isinstance(error, Image.DecompressionBombError):
        return _BOMB
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"cannot be decoded: {str(error) or type(error).__name__}"


def _upright_rgb(image: Image.Image) -> Image.Image:
    # Newer Pillow turns TIFF files upright while loading and then forgets the tag: load first, ask
    # afterwards.
    image.load()
    turn = _UPRIGHT.get(_orientation(image))
    rgb = to_rgb(image)
    return rgb if turn is None else rgb.transpose(turn)


def _orientation(image: Image.Image) -> int:
    # A photograph with damaged EXIF data is still a photograph: it counts as upright.
    try:
        value = image.getexif().get(_ORIENTATION)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error):
        return 1
    return value if isinstance(value, int) else 1
