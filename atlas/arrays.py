"""Named arrays in a folder: one Zarr v3 group a stage, written whole or not at all, read with suspicion."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from zarr.storage import LocalStore

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Rows of an array are cut into chunks of about this size.
_CHUNK_BYTES = 4 << 20
#: No honest array here decodes to more than a thousand times its files; empty chunks are not stored, hence the floor.
_EXPANSION, _FLOOR_BYTES = 1000, 256 << 20


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder that gets its name `path` only when all of it is there.

    Yields
    ------
    Path
        An empty folder beside `path`; removed when the block fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    # mkdtemp gives a folder to its owner alone; an atlas is to be shared.
    part.chmod(0o755)
    try:
        yield part
        if path.exists():
            shutil.rmtree(path)
        part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_arrays(folder: Path, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Write arrays as a Zarr v3 group into an existing folder."""
    group = zarr.open_group(LocalStore(folder), mode="w", zarr_format=3)
    for name, array in arrays.items():
        row_bytes = max(1, array.nbytes // max(1, len(array)))
        rows = int(np.clip(_CHUNK_BYTES // row_bytes, 1, max(1, len(array))))
        stored = group.create_array(
            name, shape=array.shape, dtype=array.dtype, chunks=(rows, *(max(1, side) for side in array.shape[1:]))
        )
        if array.size:
            stored[...] = array


def read_arrays(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Read every array of a group into memory.

    Raises
    ------
    AtlasError
        The folder is missing, damaged, holds a link, or declares arrays far larger than its files.
    """
    if not folder.is_dir():
        raise AtlasError(f"{_shown(folder)} is missing from the atlas; build it again.")
    files = list(folder.rglob("*"))
    if folder.is_symlink() or any(file.is_symlink() for file in files):
        raise AtlasError(f"{_shown(folder)} holds a link; an atlas holds plain files only.")
    most = _FLOOR_BYTES + _EXPANSION * sum(file.stat().st_size for file in files)
    try:
        group = zarr.open_group(LocalStore(folder, read_only=True), mode="r", zarr_format=3)
        stored = {str(name): array for name, array in group.arrays()}
        if sum(array.nbytes for array in stored.values()) > most:
            raise AtlasError(f"{_shown(folder)} claims to hold more than its files can; it is damaged or forged.")
        return {name: np.asarray(array[...]) for name, array in stored.items()}
    except (ValueError, KeyError, OSError, RuntimeError, TypeError) as error:
        raise AtlasError(f"{_shown(folder)} is damaged ({error}); build this stage again.") from error


def _shown(folder: Path) -> str:
    return "/".join(folder.parts[-3:])
