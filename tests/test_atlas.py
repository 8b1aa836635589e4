"""The Atlas as people use it: tables, icons and pictures."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

import atlas
from atlas.activations import Activations, collect
from atlas.errors import AtlasError
from atlas.export import Marker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.atlas import Atlas
    from atlas.models import VisionModel


def stage(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(f"layers/body/{pattern}")
    return found


def test_the_table_of_cells_says_what_is_in_each(small_atlas: Atlas, small_acts: Activations) -> None:
    table = small_atlas.cells(4)
    frame = table.to_pandas()
    grid = small_atlas.level(4).grid
    assert list(frame.columns) == [
        *("cell", "row", "column", "x", "y", "count", "spread", "mixture"),
        *("class_index", "class", "attribution", "cosine"),
    ]
    assert (frame["cell"] == frame["row"] * 4 + frame["column"]).all()
    np.testing.assert_allclose(frame["x"], (frame["column"] + 0.5) / 4)
    assert ((frame["spread"] > 0) & (frame["spread"] <= 1.001)).all()
    attributions = np.asarray(small_acts["body"].attributions, dtype=np.float64)
    for _, cell in frame.iterrows():
        mean = attributions[grid.members(int(cell["cell"]))].mean(axis=0)
        assert cell["class_index"] == mean.argmax()
        assert cell["class"] == ("ant", "bee", "cat", "dog", "eel")[mean.argmax()]
        assert cell["attribution"] == pytest.approx(mean.max(), abs=1e-5)


def test_labels_that_mean_little_are_neither_listed_nor_written(
    small_net: VisionModel, small_pictures: NDArray[np.uint8], build_small: Callable[..., Atlas], tmp_path: Path
) -> None:
    acts = collect(small_net, small_pictures, "body", per_image=8, progress=False)
    world = build_small(acts, tmp_path / "measured.atlas", grids=(2,))
    meaning = world.label_meaning()
    images = torch.from_numpy(small_pictures).permute(0, 3, 1, 2).float() / 255
    predicted = small_net.logits(images).argmax(1).numpy()[acts["body"].image]
    assert meaning.rows == 320
    assert meaning.agreement == pytest.approx((np.asarray(acts["body"].attributions).argmax(1) == predicted).mean())
    assert not meaning.informative
    table = world.cells(2)
    assert "class" not in table.columns
    assert {"class_index", "attribution"} <= set(table.columns)
    with pytest.raises(AtlasError, match=r"^Class labels mean little at body: .* by chance; draw it without labels\.$"):
        world.to_png(tmp_path / "x.png", labels=True)


def test_the_finest_level_is_meant_when_none_is_named(small_atlas: Atlas) -> None:
    assert small_atlas.level().size == 4
    np.testing.assert_array_equal(small_atlas.cells()["cell"], small_atlas.cells(4)["cell"])


def test_an_icon_is_found_by_row_and_column(small_atlas: Atlas) -> None:
    level = small_atlas.level(4)
    assert level.icons is not None
    for index, (row, column) in enumerate(zip(level.grid.row, level.grid.column, strict=True)):
        np.testing.assert_array_equal(level.icon(int(row), int(column)), level.icons[index])
    taken = set(level.grid.cell.tolist())
    empty = [divmod(cell, 4) for cell in range(16) if cell not in taken]
    for row, column in [*empty, (-1, 0), (4, 0), (0, 4), (0, -1), (1, -4)]:
        with pytest.raises(AtlasError, match="is empty; `cells` lists those that are not"):
            level.icon(row, column)


def test_what_is_not_there_is_refused_with_what_is(small_atlas: Atlas) -> None:
    with pytest.raises(AtlasError, match="no level 7 of body; it has 2, 4"):
        small_atlas.level(7)
    with pytest.raises(AtlasError, match="no layer 'mixed4c'; it has body"):
        small_atlas.cells(layer="mixed4c")


def test_its_representation_names_layers_and_levels(small_atlas: Atlas) -> None:
    assert repr(small_atlas) == "<Atlas small.atlas: body at 2, 4>"


def test_a_picture_shows_the_icons_in_their_cells_and_blank_elsewhere(small_atlas: Atlas) -> None:
    picture = np.asarray(small_atlas.picture(4, icon_px=32, background="#102030"))
    level = small_atlas.level(4)
    assert level.icons is not None
    found = 0
    for index in range(len(level.grid)):
        icon = level.icons[index]
        windows = np.lib.stride_tricks.sliding_window_view(picture[..., 0], (32, 32))
        tops, lefts = np.nonzero((windows == icon[..., 0]).all(axis=(2, 3)))
        found += len(tops) >= 1
        centre = (tops[0] + 16) / picture.shape[0] * 4, (lefts[0] + 16) / picture.shape[1] * 4
        assert (int(centre[0]), int(centre[1])) == (level.grid.row[index], level.grid.column[index])
    assert found == len(level.grid)
    assert tuple(picture[0, 0]) == (0x10, 0x20, 0x30)


@pytest.mark.parametrize(
    "option",
    [
        {"icon_px": 48},
        {"background": "black"},
        {"density": True},
        {"labels": True, "icon_px": 64},
        {"markers": [Marker(0.5, 0.5, "here")]},
        {"title": "What it saw"},
        {"footer": "small print"},
    ],
)
def test_every_option_of_a_picture_reaches_it(small_atlas: Atlas, option: dict[str, Any], tmp_path: Path) -> None:
    size = {"icon_px": option.get("icon_px", 80)}
    plain = small_atlas.to_png(tmp_path / "plain.png", 2, **(size if "labels" in option else {}))
    changed = small_atlas.to_png(tmp_path / "changed.png", 2, **option)
    assert changed == tmp_path / "changed.png"
    with Image.open(plain) as one, Image.open(changed) as other:
        assert one.size != other.size or not np.array_equal(np.asarray(one), np.asarray(other))


def test_a_transparent_picture_is_transparent_where_no_icon_is(small_atlas: Atlas, tmp_path: Path) -> None:
    with Image.open(small_atlas.to_png(tmp_path / "clear.png", background="transparent")) as picture:
        alpha = np.asarray(picture)[..., 3]
    assert set(np.unique(alpha)) == {0, 255}


def test_a_picture_that_cannot_be_written_is_refused(small_atlas: Atlas, tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match=r"ends in \.png"):
        small_atlas.to_png(tmp_path / "picture.jpg")
    with pytest.raises(AtlasError, match="cannot be written"):
        small_atlas.to_png(tmp_path / "no" / "such" / "folder.png")
    assert list(tmp_path.iterdir()) == []


def test_notebooks_show_the_coarsest_level(small_atlas: Atlas) -> None:
    data = small_atlas._repr_png_()
    assert data is not None
    with Image.open(io.BytesIO(data)) as shown:
        assert shown.format == "PNG"
        np.testing.assert_array_equal(np.asarray(shown), np.asarray(small_atlas.picture(2)))


def test_the_public_names_are_those_of_the_package(small_atlas: Atlas) -> None:
    again = atlas.open(small_atlas.path)
    assert isinstance(again, atlas.Atlas)
    assert set(dir(atlas)) >= {"build", "collect", "load_model", "open", "wrap_model", "AtlasError", "__version__"}
    with pytest.raises(AttributeError, match="no attribute 'opne'"):
        atlas.opne  # noqa: B018


def test_examples_are_references_to_the_images_nearest_to_the_mean(small_atlas: Atlas, small_acts: Activations) -> None:
    grid = small_atlas.level(4).grid
    examples = json.loads((stage(small_atlas.path, "levels/0004/grid-*") / "examples.json").read_text())
    rows = small_acts["body"]
    named: set[int] = set(grid.nearest[grid.nearest >= 0].tolist())
    assert {int(row) for row in examples["activations"]} == named
    for row, (image, y, x) in examples["activations"].items():
        assert [y, x] == rows.position[int(row)].tolist()
        assert examples["images"][str(image)]["id"] == small_acts.image_ids[rows.image[int(row)]]
    assert examples["map_size"] == [8, 8]
