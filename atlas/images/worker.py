"""Read one image; and the loop of a process that does only this.

The parent writes the pickled source and size to the standard input of the process, then one JSON list of
indices a line. The process answers on its standard output: ``ready``, then for each index a JSON line,
followed by the raw pixels where the image was read. The parent unpickles nothing, so that a process taken
over by a hostile file has no way to it.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from atlas.images.fit import digest_of, fit_square
from atlas.images.skipped import SkippedImage, UnreadableImageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from atlas.images.source import ImageSource

READY = b"ready\n"


@dataclass(frozen=True)
class ReadImage:
    """One image as the network takes it.

    Attributes
    ----------
    pixels : uint8 array (3, size, size)
        RGB.
    digest : str
        Of the image as loaded, see ``digest_of``.
    """

    pixels: NDArray[np.uint8]
    digest: str


def read_image(source: ImageSource, index: int, size: int) -> ReadImage | SkippedImage:
    """Load one image and fit it into a square.

    Parameters
    ----------
    source : ImageSource
        Where it is.
    index : int
        Which one.
    size : int
        Side of the square in pixels.

    Returns
    -------
    ReadImage or SkippedImage
        The second when it cannot be read.
    """
    try:
        image = source.load(index)
    except UnreadableImageError as error:
        return SkippedImage(source.image_id(index), str(error))
    return ReadImage(fit_square(image, size), digest_of(image))


def serve() -> None:
    """Answer requests until the standard input ends."""
    # Ctrl-C reaches the whole group of processes; the parent decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "wb")
    # What a library prints must not end up among the replies.
    os.dup2(2, 1)
    source, size = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent process, not a file
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    replies.write(READY)
    replies.flush()
    for line in sys.stdin.buffer:
        for index in json.loads(line):
            try:
                image = read_image(source, index, size)
            except Exception as error:  # noqa: BLE001 - carried over to the parent, which raises it
                replies.write(_line({"error": f"{type(error).__name__}: {error}"}))
            else:
                if isinstance(image, SkippedImage):
                    replies.write(_line({"id": image.image_id, "reason": image.reason}))
                else:
                    replies.write(_line({"digest": image.digest}))
                    replies.write(image.pixels.tobytes())
            replies.flush()


def _line(reply: dict[str, str]) -> bytes:
    return json.dumps(reply).encode("ascii") + b"\n"
