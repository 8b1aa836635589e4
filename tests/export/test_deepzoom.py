"""Deep zoom images against the picture that `to_png` draws of the same level."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from atlas.errors import AtlasError
from atlas.export import deepzoom

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.atlas import Atlas


def assembled(files: Path, number: int, side: int, tile: int) -> NDArray[np.uint8]:
    """The whole picture of one level of the pyramid, put together as a viewer does."""
    whole = Image.new("RGBA", (side, side))
    for path in (files / str(number)).iterdir():
        column, row = map(int, path.stem.split("_"))
        with Image.open(path) as picture:
            assert picture.size == (min(tile, side - column * tile), min(tile, side - row * tile))
            whole.paste(picture, (column * tile, row * tile))
    return np.asarray(whole)


@pytest.mark.parametrize("tile", [256, 32])
def test_every_level_of_the_pyramid_is_the_atlas_at_half_the_size(
    small_atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tile: int
) -> None:
    monkeypatch.setattr(deepzoom, "TILE_PX", tile)
    descriptor = small_atlas.to_dzi(tmp_path / "deep", 4, picture_format="png")
    assert descriptor == tmp_path / "deep" / "atlas.dzi"
    text = descriptor.read_text(encoding="utf-8")
    (side,) = {int(value) for value in re.findall(r'(?:Width|Height)="(\d+)"', text)}
    assert f'TileSize="{tile}"' in text
    full = (side - 1).bit_length()
    files = tmp_path / "deep" / "atlas_files"
    assert sorted(int(path.name) for path in files.iterdir()) == list(range(full + 1))
    level = small_atlas.level(4)
    assert level.icons is not None
    expected = np.zeros((side, side, 4), dtype=np.uint8)
    for i, (row, column) in enumerate(zip(level.grid.row, level.grid.column, strict=True)):
        top, left = row * 33, column * 33
        expected[top : top + 32, left : left + 32] = np.dstack([level.icons[i], np.full((32, 32), 255, np.uint8)])
    np.testing.assert_array_equal(assembled(files, full, side, tile), expected)
    for number in range(full - 1, -1, -1):
        smaller = -(-expected.shape[0] // 2)
        padded = np.zeros((2 * smaller, 2 * smaller, 4))
        padded[: len(expected), : len(expected)] = expected
        padded[..., :3] *= padded[..., 3:] / 255
        mean = padded.reshape(smaller, 2, smaller, 2, 4).mean(axis=(1, 3))
        found = assembled(files, number, smaller, tile)
        np.testing.assert_allclose(found[..., 3], mean[..., 3], atol=1)
        shown = found[..., :3] * (found[..., 3:] / 255.0)
        np.testing.assert_allclose(shown, mean[..., :3], atol=2)
        expected = found


def test_blank_tiles_are_left_out(small_atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepzoom, "TILE_PX", 32)
    small_atlas.to_dzi(tmp_path / "deep", 4)
    count = len(list((tmp_path / "deep" / "atlas_files" / "8").iterdir()))
    grid = small_atlas.level(4).grid
    touched = {
        (y // 32, x // 32)
        for row, column in zip(grid.row.tolist(), grid.column.tolist(), strict=True)
        for y in range(row * 33, row * 33 + 32)
        for x in (column * 33, column * 33 + 31)
    }
    assert count == len(touched)


def test_what_is_not_its_own_is_left_alone(small_atlas: Atlas, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(AtlasError, match="is not a deep zoom image"):
        small_atlas.to_dzi(tmp_path)
    with pytest.raises(AtlasError, match=r"deep\.dzi: give a folder, such as deep; atlas\.dzi and its tiles"):
        small_atlas.to_dzi(tmp_path / "deep.dzi")
    with pytest.raises(AtlasError, match="choose 'webp' or 'png'"):
        small_atlas.to_dzi(tmp_path / "new", picture_format="jpg")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    small_atlas.to_dzi(tmp_path / "new", 4)
    small_atlas.to_dzi(tmp_path / "new", 2)
    assert 'Width="65"' in (tmp_path / "new" / "atlas.dzi").read_text(encoding="utf-8")
