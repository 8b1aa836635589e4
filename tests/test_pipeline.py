"""From activations or photographs to an atlas: every activation once, an icon for every cell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from atlas.activations import Activations, LayerActivations
from atlas.atlas import Atlas
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Build = Callable[..., Atlas]
    Contents = Callable[[Path], dict[str, bytes]]


def test_an_atlas_from_activations_holds_every_activation_once_and_an_icon_for_every_cell(
    small_atlas: Atlas, small_acts: Activations
) -> None:
    assert small_atlas.layers == ("body",)
    assert small_atlas.grids() == (2, 4)
    xy = small_atlas.xy()
    assert xy.shape == (320, 2)
    inside = ((xy >= 0) & (xy < 1)).all(axis=1)
    for size in (2, 4):
        level = small_atlas.level(size)
        assert level.grid.count.sum() == inside.sum()
        assert level.grid.n_outside == 320 - inside.sum()
        assert level.icons is not None
        assert level.cosine is not None
        assert len(level.icons) == len(level.grid) == len(level.cosine)
        assert np.isfinite(level.cosine).all()
        for index in range(len(level.grid)):
            members = level.grid.members(int(level.grid.cell[index]))
            column, row = np.floor(xy[members].astype(np.float64) * size).astype(int).T
            assert (row * size + column == level.grid.cell[index]).all()
            mean = np.asarray(small_acts["body"].vectors)[members].astype(np.float64).mean(axis=0)
            np.testing.assert_allclose(level.grid.mean[index], mean, atol=1e-5)


def test_cells_of_the_finer_level_hold_exactly_the_members_of_the_cell_above(small_atlas: Atlas) -> None:
    coarse, fine = small_atlas.level(2).grid, small_atlas.level(4).grid
    for row in range(2):
        for column in range(2):
            below = [(2 * row + i) * 4 + 2 * column + j for i in range(2) for j in range(2)]
            members = np.sort(np.concatenate([fine.members(cell) for cell in below]))
            np.testing.assert_array_equal(coarse.members(row * 2 + column), members)


def test_a_reopened_atlas_is_the_one_that_was_built(small_atlas: Atlas) -> None:
    again = Atlas(small_atlas.path)
    assert again.provenance == small_atlas.provenance
    assert again.class_names == small_atlas.class_names == ["ant", "bee", "cat", "dog", "eel"]
    np.testing.assert_array_equal(again.xy(), small_atlas.xy())
    for size in (2, 4):
        one, other = again.level(size), small_atlas.level(size)
        for name, array in one.grid.arrays().items():
            np.testing.assert_array_equal(array, other.grid.arrays()[name])
        assert one.icons is not None
        assert other.icons is not None
        for index in range(len(one.icons)):
            np.testing.assert_array_equal(one.icons[index], other.icons[index])


def test_activations_and_atlas_are_named_after_the_images_when_no_name_is_given(
    small_pictures: NDArray[np.uint8], build_small: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my photos").mkdir()
    (tmp_path / "elsewhere").mkdir()
    for number, picture in enumerate(small_pictures[:4]):
        Image.fromarray(picture).save(tmp_path / "my photos" / f"{number}.png")
    monkeypatch.chdir(tmp_path / "elsewhere")
    world = build_small(None, None, images="../my photos", layer="body", per_image=2, grids=(2,), workers=0)
    assert sorted(path.name for path in Path().iterdir()) == ["my photos.acts", "my photos.atlas"]
    assert world.path == Path("my photos.atlas")
    assert world.provenance["activations"]["link"] == "../my photos.acts"
    assert world.activations.image_ids == ["0.png", "1.png", "2.png", "3.png"]


@pytest.mark.parametrize("vectors", [np.zeros((6, 16)), np.eye(16)[:1], np.repeat(np.eye(16)[:1], 7, axis=0)])
def test_sets_without_structure_still_give_an_atlas(
    vectors: NDArray[np.float64], build_small: Build, tmp_path: Path
) -> None:
    n = len(vectors)
    layer = LayerActivations(
        layer="body",
        vectors=vectors.astype(np.float16),
        image=np.zeros(n, dtype=np.int64),
        position=np.zeros((n, 2), dtype=np.int16),
        map_size=(8, 8),
    )
    world = build_small(Activations.in_memory([layer], image_ids=["a"]), tmp_path / "x.atlas", grids=(2,))
    table = world.cells()
    assert table["count"].sum() == (n if vectors.any() else 0)
    assert "class" not in table.columns
    assert world.to_png(tmp_path / "x.png").is_file()
    with pytest.raises(AtlasError, match="no class labels"):
        world.to_png(tmp_path / "x.png", labels=True)


def test_a_level_in_which_every_cell_is_too_small_is_blank(
    small_acts: Activations, build_small: Build, tmp_path: Path
) -> None:
    world = build_small(small_acts, tmp_path / "x.atlas", grids=(4,), min_count=1000)
    assert len(world.cells()) == 0
    assert world.level().grid.n_small + world.level().grid.n_outside == 320
    assert len(Image.open(world.to_png(tmp_path / "x.png")).getcolors() or []) == 1
