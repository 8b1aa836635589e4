"""Arrays of a stage come back as they were written, and nothing a folder claims is believed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.arrays import read_arrays, write_arrays
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES = ("bool", "int16", "int32", "int64", "uint8", "float16", "float32", "float64")


@given(
    shape=st.lists(st.integers(0, 7), min_size=1, max_size=3).map(tuple),
    dtype=st.sampled_from(TYPES),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_arrays_come_back_as_they_were_written(shape: tuple[int, ...], dtype: str, seed: int) -> None:
    array = np.random.default_rng(seed).integers(-100, 100, shape).astype(dtype)
    other = np.full((3, 2), np.nan, dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        write_arrays(Path(folder), {"a": array, "other": other})
        found = read_arrays(Path(folder))
    assert set(found) == {"a", "other"}
    assert found["a"].dtype == array.dtype
    np.testing.assert_array_equal(found["a"], array)
    np.testing.assert_array_equal(found["other"], other)


def test_an_array_of_many_chunks_comes_back(tmp_path: Path) -> None:
    array = np.arange(3_000_000, dtype=np.float32).reshape(-1, 3)
    write_arrays(tmp_path, {"a": array})
    np.testing.assert_array_equal(read_arrays(tmp_path)["a"], array)
    assert len(list((tmp_path / "a" / "c").iterdir())) > 1


def test_the_same_arrays_give_the_same_files(tmp_path: Path, contents: Callable[[Path], dict[str, bytes]]) -> None:
    arrays: dict[str, np.ndarray[Any, Any]] = {"a": np.arange(10), "b": np.ones((2, 3), dtype=np.float32)}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_arrays(tmp_path / name, arrays)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    folder = tmp_path / "x.atlas" / "stage" / "arrays.zarr"
    folder.mkdir(parents=True)
    write_arrays(folder, {"a": np.arange(50, dtype=np.int64), "b": np.ones((4, 5), dtype=np.float32)})
    return folder


def test_a_missing_folder_is_named_with_the_remedy_and_without_the_way_to_it(stored: Path) -> None:
    with pytest.raises(AtlasError, match=r"^x\.atlas/stage/none\.zarr is missing from the atlas; build it again\.$"):
        read_arrays(stored.with_name("none.zarr"))


def test_an_array_that_is_needed_and_not_there_is_named(stored: Path) -> None:
    assert set(read_arrays(stored, "a", "b")) == {"a", "b"}
    with pytest.raises(AtlasError, match=r"lacks xy, z; build this stage again"):
        read_arrays(stored, "a", "xy", "z")


def test_a_link_is_refused_wherever_it_is(stored: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    (stored / "a" / "c" / "0").rename(secret)
    (stored / "a" / "c" / "0").symlink_to(secret)
    with pytest.raises(AtlasError, match="holds a link"):
        read_arrays(stored)
    behind = tmp_path / "behind"
    behind.symlink_to(stored)
    with pytest.raises(AtlasError, match="holds a link"):
        read_arrays(behind)


def edited(stored: Path, name: str, **changes: Any) -> None:
    # The group's own record repeats those of its arrays, where there is one.
    path = stored / name / "zarr.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("shape", "chunks"), [([10**13], [10**6]), ([10**30], [50]), ([2**32, 2**32], [2**32, 2**32]), ([2**27], [1])]
)
def test_a_huge_shape_is_refused_before_anything_is_read(stored: Path, shape: list[int], chunks: list[int]) -> None:
    grid = {"name": "regular", "configuration": {"chunk_shape": chunks}}
    edited(stored, "a", shape=shape, chunk_grid=grid, data_type="int8")
    with pytest.raises(AtlasError, match="claims to hold more than its files can"):
        read_arrays(stored)


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [-5]},
        {"shape": "many"},
        {"shape": [50, 50]},
        {"data_type": "object"},
        {"data_type": "int9"},
        {"codecs": [{"name": "pickle"}]},
        {"codecs": [{"name": "bytes"}, {"name": "zstd", "configuration": {"level": "x"}}]},
        {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [0]}}},
        {"zarr_format": 7},
        {"node_type": "tree"},
    ],
)
def test_a_forged_header_is_refused_with_one_line(stored: Path, change: dict[str, Any]) -> None:
    edited(stored, "a", **change)
    with pytest.raises(AtlasError, match=r"x\.atlas/stage/arrays\.zarr") as caught:
        read_arrays(stored)
    assert "\n" not in str(caught.value)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_damage_does_worse_than_an_atlas_error(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_arrays(folder, {"a": np.arange(50, dtype=np.int64), "b": np.ones((4, 5), dtype=np.float32)})
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        chosen = data.draw(st.sampled_from(files))
        content = bytearray(chosen.read_bytes())
        where = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[where] = data.draw(st.integers(0, 255))
        else:
            del content[where:]
        chosen.write_bytes(content)
        try:
            found = read_arrays(folder)
        except AtlasError as error:
            assert "\n" not in str(error)  # noqa: PT017 - not every damage is seen
        else:
            assert sum(array.nbytes for array in found.values()) < 1 << 29
