"""Find the images of a folder and of the folders inside it."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from atlas.errors import AtlasError
from atlas.images.files import FOLDER, FileEntry, FileSource, describe, why_unreadable
from atlas.images.skipped import encodable

SUFFIXES = frozenset(
    (
        *(".apng", ".avif", ".bmp", ".dib", ".gif", ".ico", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpeg"),
        *(".jpf", ".jpg", ".jpx", ".mpo", ".pbm", ".pfm", ".pgm", ".png", ".pnm", ".ppm", ".qoi"),
        *(".tif", ".tiff", ".webp"),
    )
)
"""File names with one of these endings, in any case, claim to be images."""

CAMERA_SUFFIXES = frozenset((".arw", ".cr2", ".cr3", ".dng", ".heic", ".heif", ".nef", ".orf", ".raf", ".rw2"))
"""Photographs that Pillow does not decode, or only their thumbnail: named in the report."""

CAMERA_REASON = "a camera format that is not read: export it as JPEG, PNG or TIFF"

_MAGIC = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\x00",
    b"MM\x00*",
    b"\x00\x00\x00\x0cjP  \r\n\x87\n",
    b"\xff\x4f\xff\x51",
    b"qoif",
)


def open_folder(folder: Path) -> FileSource:
    """Make a source of all images in a folder.

    Parameters
    ----------
    folder : Path
        Read recursively. Links to folders are followed, but no folder is read twice.

    Returns
    -------
    FileSource
        Files with the ending of an image, and files that begin like one whatever they are called, sorted by
        id. An id is the path relative to `folder`, a label the name of the folder a file lies in (None at the
        top). What claims to be an image and is none, a link that leads back, and a folder that cannot be read
        are entries with a reason. Other files, and those that macOS names ``._*``, are passed over.

    Raises
    ------
    AtlasError
        If the folder cannot be read or holds no image.
    """
    root = folder.resolve()
    try:
        next(root.iterdir(), None)
    except OSError as error:
        raise AtlasError(f"the folder {folder} cannot be read: {describe(error)}") from error
    entries = sorted(_Scan(root).run(), key=lambda entry: entry.image_id)
    if all(entry.reason is not None for entry in entries):
        tried = f", only {len(entries)} that cannot be used" if entries else ""
        raise AtlasError(
            f"no images found in {folder}{tried}: give a folder that holds image files such as JPEG or PNG"
        )
    return FileSource(encodable(root.name), entries)


def claims_to_be_an_image(name: str) -> bool:
    """Tell whether a file name has the ending of an image.

    Parameters
    ----------
    name : str
        File name or path.

    Returns
    -------
    bool
        True for the endings that are decoded and for those of camera formats.
    """
    return Path(name).suffix.lower() in SUFFIXES | CAMERA_SUFFIXES


def begins_like_an_image(path: Path) -> bool:
    """Tell whether a regular file begins with the signature of an image format.

    Parameters
    ----------
    path : Path
        A regular file. One that cannot be read gives False.

    Returns
    -------
    bool
        True for JPEG, PNG, GIF, WebP, BMP, TIFF, AVIF, JPEG 2000 and QOI.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
    except OSError:
        return False
    return (
        head.startswith(_MAGIC)
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or head[4:12] in (b"ftypavif", b"ftypavis")
        # "BM" alone begins many texts: the four reserved bytes of a bitmap are zero.
        or (head[:2] == b"BM" and head[6:10] == bytes(4))
    )


#: Files by which folders that this product wrote are known.
_OWN = ("atlas.json", "acts.json")


class _Scan:
    """One walk over a folder tree.

    Folders proper come before folders behind links, so that a folder reached both ways keeps its own name.
    """

    def __init__(self, root: Path) -> None:
        self._found: list[FileEntry] = []
        self._read: dict[Path, str] = {}
        self._folders: deque[tuple[str, Path]] = deque([("", root)])
        self._links: deque[tuple[str, Path]] = deque()

    def run(self) -> list[FileEntry]:
        while self._folders or self._links:
            relative, path = (self._folders or self._links).popleft()
            real = path.resolve()
            if real in self._read:
                earlier = self._read[real] or "the top"
                self._note(relative, path, f"the same folder as {earlier}, which is read once")
                continue
            self._read[real] = relative
            if relative and claims_to_be_an_image(path.name):
                self._note(relative, path, f"{FOLDER}; what is in it is read")
            self._read_folder(relative, real)
        return self._found

    def _read_folder(self, relative: str, path: Path) -> None:
        try:
            with os.scandir(path) as found:
                # Whether a member is a folder stands in the listing: known even where it cannot be reached itself.
                members = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in found)
        except OSError as error:
            self._note(relative, path, f"the folder cannot be read: {describe(error)}")
            return
        for name, is_folder in members:
            if not name.startswith("._"):
                self._look(f"{relative}/{name}" if relative else name, path / name, is_folder=is_folder)

    def _look(self, relative: str, path: Path, *, is_folder: bool) -> None:
        reason = why_unreadable(path)
        if reason == FOLDER:
            self._look_at_folder(relative, path)
        elif is_folder:
            self._note(relative, path, f"the folder cannot be read: {reason}")
        elif path.suffix.lower() in CAMERA_SUFFIXES:
            self._note(relative, path, CAMERA_REASON)
        elif claims_to_be_an_image(path.name) or (reason is None and begins_like_an_image(path)):
            self._note(relative, path, reason)

    def _look_at_folder(self, relative: str, path: Path) -> None:
        real = path.resolve()
        try:
            own = any((path / name).is_file() for name in _OWN)
        except OSError as error:  # The folder's own name may just fit where its members' do not.
            self._note(relative, path, f"the folder cannot be read: {describe(error)}")
            return
        if own:
            # An atlas written among the photographs: its sprite sheets are not photographs.
            return
        if real == path:
            self._folders.append((relative, path))
        elif real in path.parents:
            self._note(relative, path, "the link leads back to a folder that contains it")
        else:
            self._links.append((relative, path))

    def _note(self, relative: str, path: Path, reason: str | None) -> None:
        parts = encodable(relative).split("/")
        label = parts[-2] if len(parts) > 1 else None
        self._found.append(FileEntry("/".join(parts), str(path), label, reason))
