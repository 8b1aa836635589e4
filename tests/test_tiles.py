from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest

from atlas.errors import AtlasError
from atlas.render import Icons
from atlas.tiles import Tiles

if TYPE_CHECKING:
    from pathlib import Path


def icons(first: int, n: int, score: float = 0.5) -> Icons:
    numbers = np.arange(first, first + n, dtype=np.float32)
    images = np.zeros((n, 32, 32, 3), dtype=np.uint8) + np.arange(first, first + n, dtype=np.uint8)[:, None, None, None]
    return Icons(images, numbers / np.float32(100), numbers / np.float32(200), np.full(n, score, dtype=np.float32))


def filled(folder: Path) -> Tiles:
    tiles = Tiles(folder, 10, 4, 32)
    for start in tiles.starts:
        tiles.write(start, icons(start, len(tiles.rows(start))))
    return tiles


def test_what_is_written_is_there_for_the_next_one_who_looks(tmp_path: Path) -> None:
    filled(tmp_path / "new")
    tiles = Tiles(tmp_path / "new", 10, 4, 32)
    assert np.isnan(tiles.cosine).all()
    assert [len(tiles.read(start) or ()) for start in tiles.starts] == [4, 4, 2]
    assert tiles.cosine.tolist() == (np.arange(10, dtype=np.float32) / 100).tolist()
    assert [int(image[0, 0, 0]) for image in tiles.images] == list(range(10))
    assert int(tiles.images[-1][0, 0, 0]) == 9
    assert not list((tmp_path / "new").glob("*.part"))


@pytest.mark.parametrize("left", [b"", b"no tile", None])
def test_a_tile_that_is_absent_or_damaged_is_none(tmp_path: Path, left: bytes | None) -> None:
    filled(tmp_path)
    file = tmp_path / "tile-000004.npz"
    file.unlink() if left is None else file.write_bytes(left)
    tiles = Tiles(tmp_path, 10, 4, 32)
    assert tiles.read(4) is None
    with pytest.raises(AtlasError, match=r"tile-000004\.npz has been changed"):
        tiles.images[5]


def test_a_tile_of_another_size_or_count_is_none(tmp_path: Path) -> None:
    filled(tmp_path)
    assert Tiles(tmp_path, 10, 4, 48).read(0) is None
    assert Tiles(tmp_path, 9, 4, 32).read(8) is None


def test_only_higher_scores_take_a_place_and_they_stay_on_disk(tmp_path: Path) -> None:
    tiles = filled(tmp_path)
    others = icons(100, 3)
    others.score[:] = 0.7, 0.5, 0.9
    assert tiles.improve(np.array([3, 4, 9]), others).tolist() == [3, 9]
    for found in (tiles, Tiles(tmp_path, 10, 4, 32)):
        assert [int(image[0, 0, 0]) for image in found.images] == [0, 1, 2, 100, 4, 5, 6, 7, 8, 102]
        assert found.score[[3, 4, 9]].tolist() == pytest.approx([0.7, 0.5, 0.9])


def test_memory_does_not_grow_with_the_number_of_icons(tmp_path: Path) -> None:
    def peak(n: int) -> int:
        tiles = Tiles(tmp_path / str(n), n, 4, 32)
        tracemalloc.start()
        for start in tiles.starts:
            tiles.write(start, icons(start, len(tiles.rows(start))))
        assert sum(1 for _ in tiles.images) == n
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(16)
    of_the_images = (240 - 16) * 32 * 32 * 3
    assert peak(240) - peak(16) < of_the_images / 3
