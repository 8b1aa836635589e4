from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from atlas.errors import AtlasError
from atlas.images import ImageLoader, open_images

if TYPE_CHECKING:
    from atlas.images.source import LabelChoice

PIXELS = np.zeros((3, 4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["a", None, "c"], ["a", None, "c"]),
        ({"000001": "b"}, [None, "b", None]),
        (lambda image_id: image_id[-1], ["0", "1", "2"]),
    ],
)
def test_labels_of_the_user_take_the_place_of_others(labels: LabelChoice, expected: list[Any]) -> None:
    source = open_images(PIXELS, labels=labels)
    assert [source.label(index) for index in range(3)] == expected
    assert [source.image_id(index) for index in range(3)] == ["000000", "000001", "000002"]
    assert source.load(0).size == (4, 4)
    assert ImageLoader(source, 4).workers == 0


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(AtlasError, match="2 entries for 3 images"):
        open_images(PIXELS, labels=["a", "b"])
    with pytest.raises(AtlasError, match="'000000'"):
        open_images(PIXELS, labels={"photo.jpg": "a"})


def test_a_source_is_taken_as_it_is() -> None:
    source = open_images(PIXELS)
    assert open_images(source) is source
