"""Images in tar shards, read in place: nothing is extracted, no link inside is followed."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from atlas.errors import AtlasError
from atlas.images.decode import decode
from atlas.images.files import describe
from atlas.images.folder import CAMERA_REASON, CAMERA_SUFFIXES, claims_to_be_an_image
from atlas.images.skipped import UnreadableImageError, encodable, unique

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz")

LARGEST_MEMBER = 1 << 30
"""A member of more bytes is refused: it has to be held in memory, and compressed zeros cost nothing."""

_LARGEST_SIDECAR = 1 << 20
_LABEL_KEYS = ("label", "class_name", "class", "cls")


class _Member(NamedTuple):
    shard: int
    offset: int
    size: int
    name: str
    label: str | None
    reason: str | None


class TarSource:
    """Images in one or more tar files, gzip-compressed or not.

    Parameters
    ----------
    paths : sequence of Path
        The shards, in order.

    Raises
    ------
    AtlasError
        If a shard cannot be opened or is no tar file, or if they hold no images.

    Notes
    -----
    The id of an image is ``shard.tar/path/in/the/shard.jpg``. Its label is the text of ``image.cls`` beside
    ``image.jpg``, else the entry "label", "class_name", "class" or "cls" of ``image.json`` (the WebDataset
    convention), else the name of the folder it lies in. The first pass reads only headers and labels. A
    compressed shard has to be unpacked in memory up to an image to read that image: read it in order, or
    better not compressed.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = [str(path) for path in paths]
        self._members = [member for shard, path in enumerate(paths) for member in _scan(shard, path)]
        if all(member.reason is not None for member in self._members):
            raise AtlasError(f"no images found in {paths[0].name}{' and the other shards' if len(paths) > 1 else ''}")
        shards = unique([encodable(path.name) for path in paths])
        self._ids = unique([f"{shards[m.shard]}/{m.name}".removesuffix("/") for m in self._members])
        self.name = shards[0] if len(shards) == 1 else f"{shards[0]} and {len(shards) - 1} more"
        self._open: tuple[int, BinaryIO] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": None}

    def __len__(self) -> int:
        return len(self._members)

    def image_id(self, index: int) -> str:
        """Give shard and path of image `index`."""
        return self._ids[index]

    def label(self, index: int) -> str | None:
        """Give the label stored beside image `index`, or its folder."""
        return self._members[index].label

    def load(self, index: int) -> Image.Image:
        """Decode image `index`; raises ``UnreadableImageError``."""
        member = self._members[index]
        if member.reason is not None:
            raise UnreadableImageError(member.reason)
        try:
            stream = self._stream(member.shard)
            stream.seek(member.offset)
            content = stream.read(member.size)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableImageError(f"the shard cannot be read: {_why(error)}") from error
        if len(content) < member.size:
            raise UnreadableImageError("the shard ends inside this image")
        return decode(io.BytesIO(content))

    def _stream(self, shard: int) -> BinaryIO:
        # One shard stays open, so that a compressed one is unpacked once when it is read in order.
        if self._open is None or self._open[0] != shard:
            self.close()
            self._open = (shard, _open_tar(self._paths[shard]))
        return self._open[1]

    def close(self) -> None:
        """Close the shard that is open; reading on opens it again."""
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def __del__(self) -> None:
        if getattr(self, "_open", None) is not None:
            self.close()


def is_tar(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path has the ending of a tar shard.

    Parameters
    ----------
    path : str or path
        Need not exist.

    Returns
    -------
    bool
        True for ``.tar``, ``.tar.gz`` and ``.tgz``, in any case.
    """
    return os.fspath(path).lower().endswith(TAR_SUFFIXES)


def _open_tar(path: str) -> BinaryIO:
    if path.lower().endswith(".tar"):
        return Path(path).open("rb")
    return cast("BinaryIO", gzip.open(path, "rb"))


def _why(error: Exception) -> str:
    return describe(error) if isinstance(error, OSError) else str(error)


def _scan(shard: int, path: Path) -> list[_Member]:
    if not path.is_file():
        raise AtlasError(f"{path} is not a file: give tar shards that exist")
    members: list[_Member] = []
    labels: dict[str, str] = {}
    try:
        with _open_tar(str(path)) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            while (info := archive.next()) is not None:
                # tarfile keeps every header it has seen; a shard may hold millions.
                archive.members = []  # type: ignore[attr-defined]
                _note(shard, archive, info, members, labels)
            # tarfile takes a damaged header for the end; the true end is a block of zeros, or nothing.
            stream.seek(archive.offset)
            if any(stream.read(tarfile.BLOCKSIZE)):
                raise tarfile.ReadError("invalid header")
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        if not members:
            raise AtlasError(f"{path} cannot be read as a tar file: {_why(error)}") from error
        members.append(_Member(shard, 0, 0, "", None, f"the shard is damaged after {len(members)} images"))
    return [member._replace(label=labels.get(_key(member.name), member.label)) for member in members]


def _note(
    shard: int,
    archive: tarfile.TarFile,
    info: tarfile.TarInfo,
    members: list[_Member],
    labels: dict[str, str],
) -> None:
    name = encodable(info.name).removeprefix("./")
    path = PurePosixPath(name)
    if path.name.startswith("._"):
        return
    if claims_to_be_an_image(name):
        label = path.parent.name or None
        members.append(_Member(shard, info.offset_data, info.size, name, label, _why_not(info)))
    elif info.isreg() and info.size <= _LARGEST_SIDECAR and path.suffix in (".cls", ".json"):
        stream = archive.extractfile(info)
        label = _read_label(path.suffix, stream.read() if stream is not None else b"")
        if label and (path.suffix == ".cls" or _key(name) not in labels):
            labels[_key(name)] = label


def _why_not(info: tarfile.TarInfo) -> str | None:
    if info.isdir():
        return "a folder, not an image; what is in it is read"
    if info.issym() or info.islnk():
        return "a link inside a tar file, which is not followed"
    if not info.isreg() or info.issparse():
        return "not a regular file"
    if PurePosixPath(info.name).suffix.lower() in CAMERA_SUFFIXES:
        return CAMERA_REASON
    if info.size > LARGEST_MEMBER:
        return f"larger than {LARGEST_MEMBER:,} bytes"
    return None if info.size else "the file is empty"


def _key(name: str) -> str:
    # WebDataset: files of one sample share everything up to the first dot of the file name.
    folder, _, base = name.rpartition("/")
    return f"{folder}/{base.split('.', 1)[0]}"


def _read_label(suffix: str, content: bytes) -> str | None:
    try:
        text = content.decode("utf-8").strip()
        if suffix == ".cls":
            return text or None
        record = json.loads(text)
    except ValueError:
        return None
    if not isinstance(record, dict):
        return None
    values = (record[key] for key in _LABEL_KEYS if isinstance(record.get(key), (str, int)))
    return next((str(value) for value in values), None)
