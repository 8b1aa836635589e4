"""Batches of images, decoded in worker processes."""

from __future__ import annotations

import os
import pickle
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from atlas.errors import AtlasError
from atlas.images.pool import DecoderPool
from atlas.images.skipped import SkippedImage
from atlas.images.worker import read_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from atlas.images.source import ImageSource
    from atlas.images.worker import ReadImage

MOST_WORKERS = 8
"""Worker processes by default, where there are as many processors."""

SMALL_SET = 512
"""Fewer images than this are decoded in this process by default: starting workers takes about as long."""

_CHUNK = 8


@dataclass(frozen=True)
class ImageBatch:
    """Images ready for a network.

    Attributes
    ----------
    indices : int64 array (B,)
        Which images of the source, ascending.
    pixels : uint8 array (B, 3, size, size)
        RGB, 0 to 255.
    digests : list of str
        One an image: 16 hexadecimal digits, see ``atlas.images.fit.digest_of``.
    """

    indices: NDArray[np.int64]
    pixels: NDArray[np.uint8]
    digests: list[str]


class ImageLoader:
    """Iterate over a source in batches, leaving out what cannot be read.

    Parameters
    ----------
    source : ImageSource
        The images.
    size : int
        Side of the squares in pixels: the shorter side of an image is scaled to it, the centre cut out.
    batch_size : int, optional
        Images in a batch; only the last one may hold fewer.
    workers : int, optional
        Decoder processes; 0 decodes in this process. By default one a processor up to 8, and 0 for fewer than
        512 images or when they are in memory already. The batches are the same whatever the number. A source
        that cannot be pickled, or whose class a new process cannot import, is decoded here.
    start : int, optional
        Index of the first image, to go on where an earlier run stopped.

    Attributes
    ----------
    skipped : list of SkippedImage
        What was left out up to the last batch given, in the order of the source. Emptied when iteration
        begins.

    Raises
    ------
    AtlasError
        If a number is out of range.
    """

    def __init__(
        self,
        source: ImageSource,
        size: int,
        *,
        batch_size: int = 64,
        workers: int | None = None,
        start: int = 0,
    ) -> None:
        if size < 1 or batch_size < 1:
            raise AtlasError(f"size ({size}) and batch_size ({batch_size}) must be at least 1")
        if not 0 <= start <= len(source):
            raise AtlasError(f"start is {start}, but there are {len(source)} images: give a number from 0 to that")
        if workers is not None and workers < 0:
            raise AtlasError(f"workers is {workers}: give 0 to decode in this process, or more")
        self.source = source
        self.size = size
        self.batch_size = batch_size
        self.start = start
        self.workers = _default_workers(source, start) if workers is None else workers
        self.skipped: list[SkippedImage] = []

    def __iter__(self) -> Iterator[ImageBatch]:
        self.skipped = []
        indices: list[int] = []
        images: list[ReadImage] = []
        for index, image in enumerate(self._read(), self.start):
            if isinstance(image, SkippedImage):
                self.skipped.append(image)
                continue
            indices.append(index)
            images.append(image)
            if len(images) == self.batch_size:
                yield _batch(indices, images)
                indices, images = [], []
        if images:
            yield _batch(indices, images)

    def _read(self) -> Iterator[ReadImage | SkippedImage]:
        pool = self._pool()
        if pool is None:
            for index in range(self.start, len(self.source)):
                yield read_image(self.source, index, self.size)
            return
        try:
            chunks = deque(range(self.start, len(self.source), _CHUNK))
            waiting: deque[Future[list[ReadImage | SkippedImage]]] = deque()
            while chunks or waiting:
                while chunks and len(waiting) < 2 * self.workers:
                    first = chunks.popleft()
                    waiting.append(pool.submit(range(first, min(first + _CHUNK, len(self.source)))))
                yield from waiting.popleft().result()
        finally:
            pool.close()

    def _pool(self) -> DecoderPool | None:
        if self.workers == 0 or self.start == len(self.source):
            return None
        try:
            return DecoderPool(self.source, self.size, self.workers)
        except (pickle.PicklingError, TypeError, AttributeError):
            # Local classes and lambdas cannot be sent to another process: slower here, but the same images.
            return None


def _batch(indices: list[int], images: list[ReadImage]) -> ImageBatch:
    pixels = np.stack([image.pixels for image in images])
    return ImageBatch(np.asarray(indices, np.int64), pixels, [image.digest for image in images])


def _default_workers(source: ImageSource, start: int) -> int:
    if getattr(source, "in_memory", False) or len(source) - start < SMALL_SET:
        return 0
    return min(MOST_WORKERS, os.cpu_count() or 1)
