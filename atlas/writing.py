"""Files and folders that are there whole or not at all, by one writer at a time, whenever that is stopped."""

from __future__ import annotations

import errno
import glob
import os
import re
import shutil
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from atlas.errors import AtlasError
from atlas.locking import claim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from atlas.locking import Claim

#: Names of what is half-made: hidden, and none that a person would give.
_PART = re.compile(r"\..+\.[0-9a-f]{8}\.part", re.DOTALL)
_LOCK = ".lock"


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Write a file under another name, which becomes `path` when the block ends; what was there stays until then.

    Yields
    ------
    Path
        Where to write, beside `path`; removed when the block fails.
    """
    part = _part_of(path)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file in one step that a power failure cannot halve: a reader sees the old content or the new."""
    with new_file(path) as part, part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def new_folder(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Fill a folder that gets its name `path` only when all of it is there.

    What it replaces is set aside before, and removed after, that step. Should the program be killed between the two,
    nothing is lost: the next call puts it back. It also removes what killed programs have left of this name.

    Parameters
    ----------
    path : Path
        The folder; its parents are made.
    replace : bool
        Whether it may replace one that is there. If not, an empty one is taken.

    Yields
    ------
    Path
        An empty folder; removed when the block fails.

    Raises
    ------
    AtlasError
        There is something that must not be replaced.
    """
    if not replace:
        _refuse(path)
    _make(path.parent)
    _recover(path)
    home = _part_of(path)
    home.mkdir()
    held = claim(home / _LOCK)
    try:
        (home / "new").mkdir()
        yield home / "new"
        if replace and path.exists():
            path.rename(home / "old")
        elif path.exists():
            _refuse(path)
            path.rmdir()
        (home / "new").rename(path)
    finally:
        _settle(home, path, held)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        # That something is there says less than what is wrong with it.
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from error


def _refuse(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not (path.is_dir() and not any(path.iterdir()))):
        raise AtlasError(f"{path} exists already; choose another name or delete it.")


def _recover(path: Path) -> None:
    """Settle what killed programs have left of `new_folder(path)`; what lives is told by its lock."""
    for home in path.parent.glob(glob.escape(f".{path.name}.") + "*"):
        if _PART.fullmatch(home.name) and (home / _LOCK).is_file():
            with suppress(OSError):
                held = claim(home / _LOCK)
                if held is not None and held.sure:
                    _settle(home, path, held)


def _settle(home: Path, path: Path, held: Claim | None) -> None:
    """Put back what was to be replaced and was not, and remove the rest."""
    if (home / "old").exists() and not path.exists():
        (home / "old").rename(path)
    for place in ("new", "old"):
        _remove(home / place)
    if held is not None:
        held.release()
    with suppress(OSError):
        home.rmdir()


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Be the only one who writes a folder; what a program that was killed has left half-made in it is removed.

    The lock is the operating system's, and ends with the process. Where a file system knows none, nobody is kept out.

    Parameters
    ----------
    folder : Path
        Made if absent, and removed again if nothing comes into it.

    Raises
    ------
    AtlasError
        Somebody else writes it.
    """
    new = not folder.exists()
    _make(folder)
    held = claim(folder / _LOCK)
    if held is None:
        raise AtlasError(
            f"{folder} is being written by another program or notebook: wait until it is done, stop it, or give "
            "another name."
        )
    try:
        if held.sure:
            _clear(folder)
        yield
    finally:
        held.release()
        if new:
            with suppress(OSError):
                folder.rmdir()


def is_left_over(path: Path) -> bool:
    """Whether a name is that of a lock or of something half-made, which says nothing about what a folder is."""
    return path.name == _LOCK or _PART.fullmatch(path.name) is not None


def _clear(folder: Path) -> None:
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            if _PART.fullmatch(name):
                _remove(folder / place / name)
        # Arrays have many files, and none of ours.
        folders[:] = [] if "zarr.json" in files else [name for name in folders if not _PART.fullmatch(name)]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _part_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
