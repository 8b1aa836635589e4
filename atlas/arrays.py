"""Named arrays in a folder: one Zarr v3 group a stage, read with suspicion."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from zarr.storage import LocalStore

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Rows of an array are cut into chunks of about this size.
_CHUNK_BYTES = 4 << 20
#: No honest array here decodes to more than a thousand times its files; empty chunks are not stored, hence the floor.
_EXPANSION, _FLOOR_BYTES, _MOST_CHUNKS = 1000, 256 << 20, 100_000
#: A reader needs the memory of a whole chunk, however small the array: sixteen times what is written leaves room.
_MOST_CHUNK_BYTES = 64 << 20
#: What Zarr raises when a header or a chunk makes no sense.
_ZARR_ERRORS = (
    *(ValueError, LookupError, OSError, RuntimeError, TypeError, AttributeError, ArithmeticError),
    UserWarning,
)


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


def read_arrays(folder: Path, *needed: str) -> dict[str, np.ndarray[Any, Any]]:
    """Read every array of a group into memory.

    Parameters
    ----------
    folder : Path
        Where `write_arrays` put them.
    *needed : str
        Names that must be among them.

    Raises
    ------
    AtlasError
        The folder is missing, damaged, lacks an array, holds a link, or declares arrays far larger than its files
        or chunks of more than 64 MB.
    """
    if not folder.is_dir():
        raise AtlasError(f"{_shown(folder)} is missing from the atlas; build it again.")
    files = list(folder.rglob("*"))
    if folder.is_symlink() or any(file.is_symlink() for file in files):
        raise AtlasError(f"{_shown(folder)} holds a link; an atlas holds plain files only.")
    most = _FLOOR_BYTES + _EXPANSION * sum(file.stat().st_size for file in files)
    try:
        # zarr only warns of a node that it cannot read, and leaves it out; here that is damage like any other.
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            group = zarr.open_group(LocalStore(folder, read_only=True), mode="r", zarr_format=3)
            stored = {str(name): array for name, array in group.arrays()}
        # Not `nbytes` and `nchunks`: NumPy's product of huge sides wraps around.
        claimed = sum(math.prod(array.shape) * array.dtype.itemsize for array in stored.values())
        chunks = (
            math.prod(-(-side // of) for side, of in zip(array.shape, array.chunks, strict=True))
            for array in stored.values()
        )
        if claimed > most or max(chunks, default=0) > _MOST_CHUNKS:
            raise AtlasError(f"{_shown(folder)} claims to hold more than its files can; it is damaged or forged.")
        if any(_chunk_bytes(array) > _MOST_CHUNK_BYTES for array in stored.values()):
            raise AtlasError(f"{_shown(folder)} has chunks too large to read safely; it is damaged or forged.")
        found = {name: np.asarray(array[...]) for name, array in stored.items()}
    except _ZARR_ERRORS as error:
        reason = str(error).partition("\n")[0]
        raise AtlasError(f"{_shown(folder)} is damaged ({reason}); build this stage again.") from error
    missing = [name for name in needed if name not in found]
    if missing:
        raise AtlasError(f"{_shown(folder)} lacks {', '.join(missing)}; build this stage again.")
    return found


def _chunk_bytes(array: zarr.Array[Any]) -> int:
    # The chunks of a sharded array lie in shards, which are decoded whole.
    return math.prod(array.shards or array.chunks) * array.dtype.itemsize


def _shown(folder: Path) -> str:
    return "/".join(folder.parts[-3:])
