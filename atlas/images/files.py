"""Images that are files: given as a list of paths, or found by a folder scan."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from atlas.errors import AtlasError
from atlas.images.decode import decode
from atlas.images.skipped import UnreadableImageError, encodable, unique

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PIL import Image


FOLDER = "a folder, not an image"
"""The reason that ``why_unreadable`` gives for a folder."""


class FileEntry(NamedTuple):
    """One file of a source.

    Attributes
    ----------
    image_id : str
        Relative path with ``/``.
    path : str
        Where it is on this machine.
    label : str or None
        Usually the name of its folder.
    reason : str or None
        Why it is no image, where that is already known.
    """

    image_id: str
    path: str
    label: str | None
    reason: str | None = None


class FileSource:
    """Images in files.

    Parameters
    ----------
    name : str
        Name for provenance.
    entries : sequence of FileEntry
        The files in order. Entries that are known to be no images are kept: loading them tells the reason.
    """

    def __init__(self, name: str, entries: Sequence[FileEntry]) -> None:
        self.name = name
        ids = unique([entry.image_id for entry in entries])
        self._entries = [entry._replace(image_id=image_id) for entry, image_id in zip(entries, ids, strict=True)]

    def __len__(self) -> int:
        return len(self._entries)

    def image_id(self, index: int) -> str:
        """Give the path of file `index` relative to the folder."""
        return self._entries[index].image_id

    def label(self, index: int) -> str | None:
        """Give the name of the folder of file `index`, None where it lies at the top."""
        return self._entries[index].label

    def load(self, index: int) -> Image.Image:
        """Decode file `index`; raises ``UnreadableImageError``."""
        entry = self._entries[index]
        if entry.reason is not None:
            raise UnreadableImageError(entry.reason)
        return load_file(entry.path)


def open_paths(paths: Iterable[str | os.PathLike[str]]) -> FileSource:
    """Make a source of a list of files.

    Parameters
    ----------
    paths : iterable of str or path
        Files, in the order they shall have. One that is missing is skipped later, with its reason.

    Returns
    -------
    FileSource
        Ids are relative to the deepest folder common to all. Where that would spell out the user's home
        directory, an id is only the folder and the name of the file.

    Raises
    ------
    AtlasError
        If the list is empty.
    """
    given = [os.path.normpath(Path(path).expanduser().absolute()) for path in paths]
    if not given:
        raise AtlasError("the list of images is empty: give at least one path")
    root = _common_folder(given)
    entries = []
    for path in given:
        parts = Path(path).parts[-2:] if root is None else Path(path).relative_to(root).parts
        label = encodable(parts[-2]) if len(parts) > 1 else None
        entries.append(FileEntry(encodable("/".join(parts)), path, label))
    return FileSource(f"list of {len(entries)} files", entries)


def load_file(path: str) -> Image.Image:
    """Decode one file.

    Parameters
    ----------
    path : str
        Any path.

    Returns
    -------
    PIL.Image.Image
        RGB, upright, see ``decode``.

    Raises
    ------
    UnreadableImageError
        If there is no such file or it is no image.
    """
    reason = why_unreadable(path)
    if reason is not None:
        raise UnreadableImageError(reason)
    try:
        with Path(path).open("rb") as stream:
            return decode(stream)
    except OSError as error:
        raise UnreadableImageError(describe(error)) from error


def why_unreadable(path: str | Path) -> str | None:
    """Look at a path without opening it, since opening a pipe would wait for ever.

    Parameters
    ----------
    path : str or Path
        Any path.

    Returns
    -------
    str or None
        The reason why there is nothing to decode, None for a regular file with content.
    """
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError) and Path(path).is_symlink():
            return "the link points to nothing"
        return describe(error)
    if stat.S_ISDIR(status.st_mode):
        return FOLDER
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    return None if status.st_size else "the file is empty"


def describe(error: OSError | ValueError) -> str:
    """Say in a few words, without the path, why the file system refused.

    Parameters
    ----------
    error : OSError or ValueError
        What a call on a path raised.

    Returns
    -------
    str
        The reason.
    """
    if isinstance(error, FileNotFoundError):
        return "the file does not exist"
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "the link points to itself"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)


def _common_folder(paths: Sequence[str]) -> str | None:
    try:
        root = os.path.commonpath([Path(path).parent for path in paths])
    except ValueError:  # different drives
        return None
    return None if Path(root) in Path.home().parents else root
