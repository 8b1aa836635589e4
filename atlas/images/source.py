"""The interface of every set of images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from PIL import Image

LabelChoice: TypeAlias = Sequence[str | None] | Mapping[str, str] | Callable[[str], str | None]
"""Labels in the order of the images, by image id, or as a function of the image id."""


@runtime_checkable
class ImageSource(Protocol):
    """A numbered set of images.

    Any object with these members will do. A source is pickled when images are decoded in worker processes.
    One that keeps decoded images in memory may say so with an attribute ``in_memory = True``: workers would
    only copy them.

    Attributes
    ----------
    name : str
        What the provenance of results says; no absolute path.
    """

    name: str

    def __len__(self) -> int:
        """Count the images, those that will turn out to be unreadable included."""
        ...

    def image_id(self, index: int) -> str:
        """Name image `index`: unique, stable, proper Unicode, such as a relative path with ``/``."""
        ...

    def label(self, index: int) -> str | None:
        """Give the label of image `index`, or None where there is none."""
        ...

    def load(self, index: int) -> Image.Image:
        """Decode image `index`: RGB, upright.

        Raises
        ------
        UnreadableImageError
            If it cannot be read; the message says why.
        """
        ...


class RelabelledSource:
    """A source whose labels the user gave.

    Parameters
    ----------
    source : ImageSource
        Where the images are.
    labels : sequence, mapping or callable
        One label (or None) for each image in order; or a mapping from image id, which may leave images out;
        or a function of the image id.

    Raises
    ------
    AtlasError
        If a sequence has the wrong length, or a mapping names none of the images.
    """

    def __init__(self, source: ImageSource, labels: LabelChoice) -> None:
        self.name = source.name
        self.in_memory = bool(getattr(source, "in_memory", False))
        self._source = source
        ids = [source.image_id(index) for index in range(len(source))]
        if callable(labels):
            self._labels = [labels(image_id) for image_id in ids]
        elif isinstance(labels, Mapping):
            self._labels = [labels.get(image_id) for image_id in ids]
            if labels and all(label is None for label in self._labels):
                raise AtlasError(
                    f"labels names none of the images of {self.name}: its keys must be ids such as {ids[0]!r}"
                )
        else:
            self._labels = list(labels)
            if len(self._labels) != len(ids):
                raise AtlasError(
                    f"labels has {len(self._labels)} entries for {len(ids)} images: "
                    "give one each, or a dict by image id"
                )

    def __len__(self) -> int:
        return len(self._source)

    def image_id(self, index: int) -> str:
        """Name image `index`."""
        return self._source.image_id(index)

    def label(self, index: int) -> str | None:
        """Give the label that the user chose."""
        return self._labels[index]

    def load(self, index: int) -> Image.Image:
        """Decode image `index`; raises ``UnreadableImageError``."""
        return self._source.load(index)
