"""From whatever the user has to an image source."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from atlas.errors import AtlasError
from atlas.images.arrays import ArraySource, is_tensor
from atlas.images.datasets import HuggingFaceSource, open_dataset
from atlas.images.files import open_paths
from atlas.images.folder import open_folder
from atlas.images.source import ImageSource, RelabelledSource
from atlas.images.tar import TarSource, is_tar

if TYPE_CHECKING:
    from atlas.images.source import LabelChoice


def open_images(images: Any, *, labels: LabelChoice | None = None) -> ImageSource:  # noqa: ANN401
    """Make an image source of anything that holds images.

    Parameters
    ----------
    images : path, list, array, dataset or ImageSource
        - a folder (read recursively), one image file, a tar shard, or a pattern of tar
          shards (``"train-*.tar"``);
        - a list of image files, or of tar shards;
        - a NumPy array or torch tensor (N, H, W) or (N, H, W, C), uint8 or floating point in [0, 1];
        - a list of such arrays without the N, or of Pillow images;
        - a torchvision dataset, or another map-style one that yields images or (image, class);
        - a ``datasets.Dataset`` of Hugging Face with an image column;
        - an ``ImageSource``.
    labels : sequence, mapping or callable, optional
        Labels instead of those the source has: one an image in order, by image id, or as a function of the
        image id.

    Returns
    -------
    ImageSource
        Nothing is decoded yet.

    Raises
    ------
    AtlasError
        If the path does not exist, nothing in it is an image, or `images` is none of the above.
    """
    source = _open(images)
    return source if labels is None else RelabelledSource(source, labels)


def _open(images: Any) -> ImageSource:  # noqa: ANN401
    if isinstance(images, ImageSource):
        return images
    if isinstance(images, (str, os.PathLike)):
        return _open_path(Path(images).expanduser())
    if isinstance(images, np.ndarray) or is_tensor(images):
        return ArraySource(images)
    if isinstance(images, (list, tuple, Iterator, Image.Image)):
        return _open_list([images] if isinstance(images, Image.Image) else list(images))
    return _open_dataset(images)


def _open_dataset(images: Any) -> ImageSource:  # noqa: ANN401
    if isinstance(getattr(images, "features", None), Mapping):
        return HuggingFaceSource(images)
    if isinstance(images, Mapping):
        raise AtlasError(f"a dict of datasets needs a choice: pass one of them, {', '.join(map(str, images))}")
    if hasattr(images, "__getitem__") and hasattr(images, "__len__"):
        return open_dataset(images)
    raise AtlasError(
        f"{type(images).__name__} is no set of images: give a folder, a list of files, an array, tar shards, "
        "or a torchvision or Hugging Face dataset with a length"
    )


def _open_path(path: Path) -> ImageSource:
    if path.is_dir():
        return open_folder(path)
    if os.path.lexists(path):
        return TarSource([path]) if is_tar(path) else open_paths([path])
    shards = sorted(path.parent.glob(path.name)) if is_tar(path) else []
    if not shards:
        raise AtlasError(f"{path} does not exist: give a folder, an image file or a tar file")
    return TarSource(shards)


def _open_list(images: list[Any]) -> ImageSource:
    are_paths = [isinstance(image, (str, os.PathLike)) for image in images]
    if not all(are_paths):
        if any(are_paths):
            raise AtlasError("the list mixes paths with images in memory: pass one kind")
        return ArraySource(images)
    if images and all(is_tar(path) for path in images):
        return TarSource([Path(path).expanduser() for path in images])
    return open_paths(images)
