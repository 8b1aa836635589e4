"""Cells are described as a plain loop in float64 would describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from atlas.errors import AtlasError
from atlas.grid import Level, make_grid

if TYPE_CHECKING:
    from pathlib import Path


def random_case(n: int, seed: int = 0, C: int = 12, K: int = 7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    xy = rng.uniform(-0.1, 1.1, (n, 2)).astype(np.float32)
    xy[rng.random(n) < 0.05] = np.nan
    vectors = np.maximum(rng.normal(size=(n, C)), 0).astype(np.float16)
    return xy, vectors, rng.normal(size=(n, K)).astype(np.float16)


def plain_cells(xy: np.ndarray, size: int) -> dict[int, list[int]]:
    cells: dict[int, list[int]] = {}
    for number, (x, y) in enumerate(xy.astype(float)):
        if 0 <= x < 1 and 0 <= y < 1:
            cells.setdefault(int(y * size) * size + int(x * size), []).append(number)
    return cells


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length else 0.0


@pytest.mark.parametrize(("n", "size", "min_count"), [(400, 5, 3), (400, 9, 1), (9000, 4, 2), (30, 3, 1)])
def test_a_level_agrees_with_a_plain_float64_loop(n: int, size: int, min_count: int) -> None:
    xy, vectors, attributions = random_case(n)
    level = make_grid(xy, vectors, size, attributions=attributions, min_count=min_count, top_classes=3, nearest=4)
    cells = plain_cells(xy, size)
    kept = {cell: rows for cell, rows in sorted(cells.items()) if len(rows) >= min_count}
    assert level.cell.tolist() == list(kept)
    assert level.count.tolist() == [len(rows) for rows in kept.values()]
    assert level.n_outside == n - sum(map(len, cells.values()))
    assert level.n_small == sum(len(rows) for rows in cells.values() if len(rows) < min_count)
    for position, rows in enumerate(kept.values()):
        raw = vectors[rows].astype(np.float64)
        mean = raw.mean(axis=0)
        similar = np.array([cosine(row, mean) for row in raw])
        attribution = attributions[rows].astype(np.float64).mean(axis=0)
        near = level.nearest[position]
        listed = near[near >= 0]
        assert level.attribution is not None
        np.testing.assert_allclose(level.mean[position], mean, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(level.spread[position], similar.mean(), rtol=1e-5)
        np.testing.assert_allclose(level.attribution[position], attribution, rtol=1e-5, atol=1e-6)
        assert level.top_classes[position].tolist() == np.argsort(-attribution)[:3].tolist()
        assert len(listed) == min(4, len(rows))
        assert set(listed) <= set(rows)
        assert (near[len(listed) :] == -1).all()
        chosen = similar[[rows.index(row) for row in listed]]
        np.testing.assert_allclose(chosen, np.sort(similar)[::-1][: len(listed)], atol=1e-5)


def test_the_mean_of_many_members_does_not_lose_digits() -> None:
    n = 40_000
    vectors = np.full((n, 2), 1000.0, dtype=np.float16)
    vectors[::2, 1] = 0.001
    level = make_grid(np.full((n, 2), 0.5, np.float32), vectors, 1)
    np.testing.assert_allclose(level.mean[0], vectors.astype(np.float64).mean(axis=0), rtol=1e-7)


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(np.float32, st.tuples(st.integers(0, 60), st.just(2)), elements=st.floats(-0.25, 1.25, width=32)),
    st.integers(1, 12),
    st.integers(1, 4),
)
def test_every_point_is_counted_once(xy: np.ndarray, size: int, min_count: int) -> None:
    level = make_grid(xy, np.ones((len(xy), 3), np.float32), size, min_count=min_count)
    assert int(level.count.sum()) + level.n_small + level.n_outside == len(xy)
    assert (level.count >= min_count).all()
    for cell, count in zip(level.cell, level.count, strict=True):
        assert len(level.members(int(cell))) == count


def test_members_of_a_cell_are_those_of_its_four_children() -> None:
    xy, vectors, _ = random_case(500)
    coarse = make_grid(xy, vectors, 4, min_count=1)
    fine = make_grid(xy, vectors, 8, min_count=1)
    for cell in coarse.cell.tolist():
        row, column = divmod(cell, 4)
        children = [(2 * row + down) * 8 + 2 * column + right for down in (0, 1) for right in (0, 1)]
        members = np.concatenate([fine.members(child) for child in children])
        assert sorted(members) == coarse.members(cell).tolist()


def test_a_point_in_a_small_cell_keeps_its_cell() -> None:
    xy = np.array([[0.1, 0.1], [0.1, 0.1], [0.9, 0.1], [2.0, 0.1]], np.float32)
    level = make_grid(xy, np.ones((4, 2)), 2, min_count=2)
    assert level.point_cell.tolist() == [0, 0, 1, -1]
    assert level.cell.tolist() == [0]
    assert (level.n_small, level.n_outside) == (1, 1)


def test_a_zarr_array_gives_what_the_array_in_memory_gives(tmp_path: Path) -> None:
    xy, vectors, attributions = random_case(700)
    store = zarr.open_group(tmp_path / "store", mode="w")
    on_disk = store.create_array("vectors", data=vectors, chunks=(100, 12))
    in_memory = make_grid(xy, vectors, 5, attributions=attributions).arrays()
    from_disk = make_grid(xy, on_disk, 5, attributions=attributions).arrays()
    for name, array in in_memory.items():
        assert np.array_equal(array, from_disk[name]), name


def test_without_attributions_there_are_no_classes() -> None:
    xy, vectors, _ = random_case(50)
    level = make_grid(xy, vectors, 2)
    assert level.attribution is None
    assert level.top_classes.shape == (len(level), 0)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_grids_of_next_to_nothing_work(n: int) -> None:
    level = make_grid(np.full((n, 2), 0.5, np.float32), np.ones((n, 3)), 5)
    assert len(level) == min(n, 1)
    assert level.mean.shape == (min(n, 1), 3)


def test_vectors_of_zeros_do_not_break_a_cell() -> None:
    level = make_grid(np.full((4, 2), 0.5, np.float32), np.zeros((4, 3)), 1)
    assert level.spread.tolist() == [0.0]
    assert not level.mixture.any()


def test_arrays_of_different_length_are_refused() -> None:
    with pytest.raises(AtlasError, match="vectors"):
        make_grid(np.zeros((3, 2)), np.zeros((4, 5)), 2)
    with pytest.raises(AtlasError, match="attributions"):
        make_grid(np.zeros((3, 2)), np.zeros((3, 5)), 2, attributions=np.zeros((2, 5)))


def test_a_level_survives_being_stored(tmp_path: Path) -> None:
    xy, vectors, attributions = random_case(300)
    level = make_grid(xy, vectors, 5, attributions=attributions)
    group = zarr.open_group(tmp_path / "level", mode="w")
    for name, array in level.arrays().items():
        group.create_array(name, data=array)
    again = Level.from_arrays({name: group[name] for name in group.array_keys()})
    for name, array in level.arrays().items():
        restored = again.arrays()[name]
        assert restored.dtype == array.dtype
        assert np.array_equal(restored, array), name


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("mean", lambda array: array[:-1]),
        ("count", lambda array: array[:-1]),
        ("scalars", lambda array: array[:-1]),
        ("cell", lambda array: array[::-1]),
        ("nearest", lambda array: array + 10_000),
        ("point_cell", lambda array: array + 10_000),
        ("attribution", lambda array: array[:, 0]),
    ],
)
def test_a_damaged_stored_level_is_refused(name: str, damage: object) -> None:
    xy, vectors, attributions = random_case(300)
    arrays = make_grid(xy, vectors, 5, attributions=attributions).arrays()
    assert callable(damage)
    arrays[name] = damage(arrays[name])
    with pytest.raises(AtlasError, match=name):
        Level.from_arrays(arrays)


def test_a_stored_level_that_lacks_an_array_is_refused() -> None:
    xy, vectors, _ = random_case(30)
    arrays = make_grid(xy, vectors, 2).arrays()
    del arrays["spread"]
    with pytest.raises(AtlasError, match="spread"):
        Level.from_arrays(arrays)
