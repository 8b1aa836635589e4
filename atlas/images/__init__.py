"""Where pictures come from: folders, lists, arrays, tar shards and datasets, decoded to RGB squares.

``open_images`` takes whatever the user has and gives an ``ImageSource``; ``ImageLoader`` decodes it in worker
processes. A file that cannot be read is skipped and named in the report of ``summarise``, never fatal.
"""

from __future__ import annotations

from atlas.images.loader import ImageBatch, ImageLoader
from atlas.images.open import open_images
from atlas.images.skipped import SkippedImage, UnreadableImageError, summarise
from atlas.images.source import ImageSource

__all__ = [
    "ImageBatch",
    "ImageLoader",
    "ImageSource",
    "SkippedImage",
    "UnreadableImageError",
    "open_images",
    "summarise",
]
