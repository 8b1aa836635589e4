"""Datasets of torchvision and of Hugging Face, told apart by what they offer: neither library is imported."""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas.errors import AtlasError
from atlas.images.arrays import number, value_to_rgb
from atlas.images.decode import decode, pillow_rules
from atlas.images.files import FileEntry, FileSource, load_file
from atlas.images.skipped import UnreadableImageError, encodable

if TYPE_CHECKING:
    from PIL import Image


class _Numbered:
    """Images called by their number, with classes from a list of targets where there is one."""

    _dataset: Any
    _targets: Any
    _classes: list[str]

    def __len__(self) -> int:
        return len(self._dataset)

    def image_id(self, index: int) -> str:
        """Give the number of image `index`, with at least six digits."""
        return number(index)

    def label(self, index: int) -> str | None:
        """Name the class of image `index`, None where it is not known."""
        return None if self._targets is None else _class_name(self._targets[index], self._classes)


class TorchvisionSource(_Numbered):
    """A map-style torch dataset that yields images, or tuples of an image and a class.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Images are Pillow images, or arrays or tensors as ``ArraySource`` takes them: leave out ``Normalize``.
        Labels come from its list ``targets`` or ``labels``. Without one there are none, because asking for them
        image by image would decode the whole set once more: give ``labels`` to ``open_images``.

    Raises
    ------
    AtlasError
        If it is empty.
    """

    def __init__(self, dataset: Any) -> None:  # noqa: ANN401 - any map-style dataset
        if len(dataset) == 0:
            raise AtlasError(f"the dataset {type(dataset).__name__} is empty: give one with at least one image")
        self.name = type(dataset).__name__
        self.in_memory = hasattr(dataset, "data")
        self._dataset = dataset
        self._classes = [str(name) for name in _reach(dataset, "classes") or ()]
        self._targets = _targets(dataset)

    def load(self, index: int) -> Image.Image:
        """Convert image `index` to RGB; raises ``UnreadableImageError``."""
        with pillow_rules():
            item = self._dataset[index]
            return value_to_rgb(item[0] if isinstance(item, (tuple, list)) else item)


class HuggingFaceSource(_Numbered):
    """A ``datasets.Dataset`` with an image column, and perhaps a class column.

    Parameters
    ----------
    dataset : datasets.Dataset
        One split. Its first column of type ``Image`` is read, its first of type ``ClassLabel`` gives the
        labels.

    Raises
    ------
    AtlasError
        If it has no image column or no rows.
    """

    def __init__(self, dataset: Any) -> None:  # noqa: ANN401 - the library is optional
        if not hasattr(dataset, "__len__"):
            raise AtlasError("a streaming dataset has no length: load it without streaming=True")
        column = _column(dataset, "Image")
        if column is None:
            raise AtlasError(
                f"the dataset has no column of type Image (columns: {', '.join(dataset.features)}): "
                'make one with dataset.cast_column("name", datasets.Image())'
            )
        if len(dataset) == 0:
            raise AtlasError("the dataset has no rows: give a split with at least one image")
        name = getattr(getattr(dataset, "info", None), "dataset_name", None) or "Hugging Face dataset"
        split = getattr(dataset, "split", None)
        self.name = str(name) if split is None else f"{name} ({split})"
        self._column = column
        label_column = _column(dataset, "ClassLabel")
        self._targets = None if label_column is None else list(dataset[label_column])
        self._classes = [] if label_column is None else list(dataset.features[label_column].names)
        feature = dataset.features[column]
        if getattr(feature, "decode", False):
            # Take the files themselves: the limits and rules of this package then hold for them too.
            feature = copy.copy(feature)
            feature.decode = False
            dataset = dataset.cast_column(column, feature)
        self._dataset = dataset

    def load(self, index: int) -> Image.Image:
        """Decode the image of row `index`; raises ``UnreadableImageError``."""
        with pillow_rules():
            value = self._dataset[index][self._column]
        if value is None:
            raise UnreadableImageError("the row has no image")
        if not isinstance(value, Mapping):
            return value_to_rgb(value)
        if value.get("bytes") is not None:
            return decode(io.BytesIO(value["bytes"]))
        return load_file(str(value.get("path")))


def open_dataset(dataset: Any) -> TorchvisionSource | FileSource:  # noqa: ANN401 - any map-style dataset
    """Make a source of a torchvision dataset.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Map-style. An ``ImageFolder`` without transforms is read as files: torchvision's own loader would drop
        the EXIF orientation and clip 16-bit images.

    Returns
    -------
    TorchvisionSource or FileSource
        In the order of the dataset.
    """
    samples = getattr(dataset, "samples", None)
    plain = getattr(dataset, "transforms", None) is None and getattr(dataset, "transform", None) is None
    root = getattr(dataset, "root", None)
    if not (isinstance(samples, list) and samples and plain and root is not None):
        return TorchvisionSource(dataset)
    classes = [str(name) for name in dataset.classes]
    entries = [
        FileEntry(
            encodable(Path(path).relative_to(root).as_posix()),
            str(Path(path).absolute()),
            _class_name(target, classes),
        )
        for path, target in samples
    ]
    return FileSource(f"{type(dataset).__name__} {Path(root).absolute().name}", entries)


def _column(dataset: Any, kind: str) -> str | None:  # noqa: ANN401 - the library is optional
    return next((str(name) for name, feature in dataset.features.items() if type(feature).__name__ == kind), None)


def _class_name(target: Any, classes: list[str]) -> str | None:  # noqa: ANN401 - int, NumPy integer or tensor
    if isinstance(target, str):
        return target
    try:
        index = int(target)
    except (TypeError, ValueError):
        return None
    if index < 0:
        return None
    return classes[index] if index < len(classes) else str(index)


def _reach(dataset: Any, attribute: str) -> Any:  # noqa: ANN401 - any map-style dataset
    # torch.utils.data.Subset keeps the whole dataset in an attribute of this name.
    value = getattr(dataset, attribute, None)
    inner = getattr(dataset, "dataset", None)
    return _reach(inner, attribute) if value is None and inner is not None else value


def _targets(dataset: Any) -> list[Any] | None:  # noqa: ANN401 - any map-style dataset
    inner, indices = getattr(dataset, "dataset", None), getattr(dataset, "indices", None)
    if inner is not None and indices is not None:
        targets = _targets(inner)
        return None if targets is None else [targets[index] for index in indices]
    targets = getattr(dataset, "targets", None)
    if targets is None:
        targets = getattr(dataset, "labels", None)
    return list(targets) if targets is not None and len(targets) == len(dataset) else None
