"""A chunk is decoded whole: what one may claim is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr
from zarr.storage import LocalStore

from atlas.arrays import read_arrays, write_arrays
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("shards", [None, (1 << 30,)])
def test_a_chunk_far_larger_than_its_array_is_refused(tmp_path: Path, shards: tuple[int] | None) -> None:
    group = zarr.open_group(LocalStore(tmp_path), mode="w", zarr_format=3)
    chunks = (1 << 30,) if shards is None else (1 << 20,)
    group.create_array("a", shape=(4,), dtype="uint8", chunks=chunks, shards=shards)
    with pytest.raises(AtlasError, match="chunks too large to read safely"):
        read_arrays(tmp_path)


def test_a_chunk_of_exactly_64_mb_is_read_and_one_number_more_is_not(tmp_path: Path) -> None:
    for name, side in (("at", 8 << 20), ("above", (8 << 20) + 1)):
        group = zarr.open_group(LocalStore(tmp_path / name), mode="w", zarr_format=3)
        group.create_array("a", shape=(4,), dtype="float64", chunks=(side,), fill_value=2.0)
    np.testing.assert_array_equal(read_arrays(tmp_path / "at")["a"], [2, 2, 2, 2])
    with pytest.raises(AtlasError, match="too large to read safely"):
        read_arrays(tmp_path / "above")


def test_what_is_written_can_be_read_however_many_rows(tmp_path: Path) -> None:
    array = np.zeros((40_000, 500), dtype=np.float32)
    write_arrays(tmp_path, {"a": array})
    assert read_arrays(tmp_path)["a"].shape == array.shape
