"""What a page shows first, as a user says it and as the page is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from atlas.errors import AtlasError
from atlas.export.state import checked_camera, checked_class, checked_options, nearest_camera
from tests.export.test_page import start_of

if TYPE_CHECKING:
    from pathlib import Path

    from atlas.atlas import Atlas
    from atlas.export.state import ViewState


def test_a_page_opens_with_the_state_that_it_is_given(small_atlas: Atlas, tmp_path: Path) -> None:
    cell = f"4/{small_atlas.level(4).grid.cell[1]}"
    state: ViewState = {
        "layer": "body",
        "level": 4,
        "camera": (0.25, 0.75, 3),
        "class_name": "Dog",
        "selection": [cell, cell],
        "options": {"density": True, "filters": {"count": (2, 9), "cosine": None}, "mode": "hide"},
    }
    path = small_atlas.to_html(tmp_path / "page.html", state=state)
    assert start_of(path.read_text(encoding="utf-8"))["state"] == {
        "layer": "body",
        "level": 4,
        "camera": [0.25, 0.75, 3.0],
        "class_name": "dog",
        "selection": [cell],
        "options": {"density": True, "filters": {"count": [2.0, 9.0], "cosine": None}, "mode": "hide"},
    }


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"kamera": (0, 0, 1)}, "state has no 'kamera'; it has layer, level, camera"),
        ({"layer": "x"}, "no layer 'x' at the start; it has body"),
        ({"level": 4}, "no level 4; there are 2, and 0 chooses by zoom"),
        ({"camera": (0.5, 1.5, 1)}, "x and y from 0 to 1, zoom from 0.5 to 4 here"),
        ({"class_name": "bea"}, r"no class 'bea'; the nearest are bee \(index 1\)"),
        ({"selection": ["2/99"]}, "no cell '2/99' in body"),
        ({"options": {"filters": {"size": (0, 1)}}}, "measures are count, spread, cosine, attribution"),
    ],
)
def test_a_state_that_makes_no_sense_is_refused_and_nothing_written(
    small_atlas: Atlas, tmp_path: Path, state: dict[str, Any], sentence: str
) -> None:
    for folder in (False, True):
        with pytest.raises(AtlasError, match=sentence):
            small_atlas.to_html(tmp_path / "page.html", folder=folder, levels=[2], state=state)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_selected_cell_has_to_be_in_the_page(small_atlas: Atlas, tmp_path: Path) -> None:
    cell = f"4/{small_atlas.level(4).grid.cell[0]}"
    with pytest.raises(AtlasError, match=f"Cell {cell} is selected, and its level is not in the page"):
        small_atlas.to_html(tmp_path / "page.html", levels=[2], state={"selection": [cell]})


@pytest.mark.parametrize(
    "camera",
    [
        [0.5, 0.5],
        [0.5, 0.5, 0.0],
        [0.5, float("nan"), 1.0],
        [-0.1, 0.5, 1],
        [0.5, 0.5, float("inf")],
        [0.5, 0.5, 5],
        "abc",
    ],
)
def test_a_camera_that_is_out_of_range_is_refused(small_atlas: Atlas, camera: Any) -> None:
    with pytest.raises(AtlasError, match=r"x and y from 0 to 1, zoom from 0\.5 to 4 here"):
        checked_camera(small_atlas, camera)


def test_a_browsers_camera_is_brought_into_range(small_atlas: Atlas) -> None:
    assert nearest_camera(small_atlas, [-3, 2, 99]) == [0.0, 1.0, 4.0]
    assert nearest_camera(small_atlas, [0.25, 0.5, 0.1]) == [0.25, 0.5, 0.5]
    assert nearest_camera(small_atlas, [0.25, float("nan"), 1]) is None
    assert nearest_camera(small_atlas, [0.25, None, 1]) is None  # type: ignore[list-item]
    assert nearest_camera(small_atlas, []) is None


def test_a_class_is_found_by_how_people_write_it(small_atlas: Atlas) -> None:
    assert [checked_class(small_atlas, name) for name in ("", "dog", "DOG", "3")] == ["", "dog", "dog", "dog"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"labels": 1}, "Option 'labels' is 1; give True or False"),
        ({"density_strength": 1.5}, "give a number from 0 to 1"),
        ({"density_strength": "much"}, "give a number from 0 to 1"),
        ({"mode": "blink"}, "give 'dim' or 'hide'"),
        ({"filters": {"count": (3,)}}, r"give \{measure: \(low, high\) or None\}"),
        ({"filters": {"count": (3, 1)}}, "low, high"),
        ({"filters": {"count": (float("nan"), 1)}}, "low, high"),
        ({"filters": None}, "low, high"),
        ({"colour": "red"}, "no option 'colour'; there are density, density_strength, labels, filters, mode"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AtlasError, match=sentence):
        checked_options(options)
