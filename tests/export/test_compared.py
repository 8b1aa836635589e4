"""A comparison as a picture: who speaks for whom can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from atlas.errors import AtlasError
from atlas.export.board import contrast
from atlas.export.compared import ON_DARK, ON_LIGHT, render_compared

if TYPE_CHECKING:
    from PIL import Image

AXES = {"left": "frying pan", "right": "wok", "vertical": "alike ones lie together"}
GREY = np.full((40, 40, 3), 127, dtype=np.uint8)


def drawn(difference: list[float], **options: Any) -> Image.Image:
    given: dict[str, Any] = {"icon_px": 100, "background": "white"} | options
    return render_compared(2, np.arange(len(difference)), lambda _row: GREY, np.array(difference), AXES, **given)


def near(picture: Image.Image, colour: tuple[int, int, int], within: int = 12) -> np.ndarray[Any, Any]:
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    return np.asarray((np.abs(pixels - colour).max(axis=2) <= within).nonzero()).T


def test_cells_are_framed_in_the_colour_of_the_class_they_speak_for() -> None:
    picture = drawn([1.0, -1.0])
    left, right = (found[found[:, 0] < picture.height * 0.45, 1] for found in (near(picture, c) for c in ON_LIGHT))
    assert min(len(left), len(right)) > 400
    assert left.max() < right.min()


def test_a_frame_is_stronger_the_more_a_cell_speaks_for_one_class() -> None:
    def coloured(value: float) -> float:
        pixels = np.asarray(drawn([value])).astype(int)
        cell = pixels[: int(pixels.shape[0] * 0.45)]
        return float((cell.max(axis=2) - cell.min(axis=2)).max())

    assert coloured(1.0) > 1.5 * coloured(0.5) > 2 * coloured(0.1) > 0


def test_the_names_stand_at_their_ends_of_the_axis() -> None:
    picture = drawn([0.0, 0.0])
    left, right = (found[found[:, 0] > picture.height * 0.92, 1] for found in (near(picture, c, 40) for c in ON_LIGHT))
    assert min(len(left), len(right)) > 10
    assert left.max() < picture.width / 2 < right.min()


def test_title_and_footer_add_a_band_each_and_the_title_goes_into_the_file() -> None:
    plain, both = drawn([0.1]), drawn([0.1], title="Pans", footer="small print")
    assert both.height > plain.height
    assert both.width == plain.width
    assert (plain.info["Title"], both.info["Title"]) == ("frying pan and wok, compared", "Pans")


def test_a_transparent_background_stays_transparent() -> None:
    alpha = np.asarray(drawn([0.1], background="transparent"))[..., 3]
    assert alpha[0, 0] == 0
    assert alpha.max() == 255


@pytest.mark.parametrize(("colours", "ground"), [(ON_LIGHT, (255, 255, 255)), (ON_DARK, (0, 0, 0))])
def test_names_can_be_read_on_their_ground(colours: Any, ground: Any) -> None:
    for colour in colours:
        assert contrast(colour, ground) >= 4.5


def test_as_many_differences_as_cells_are_needed() -> None:
    with pytest.raises(AtlasError, match="1 differences for 2 cells"):
        render_compared(2, np.arange(2), lambda _row: GREY, np.zeros(1), AXES)
