from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from atlas.errors import AtlasError
from atlas.render import render
from tests.render.rendering import SMALL, wanted

if TYPE_CHECKING:
    import numpy as np

    from atlas.models import VisionModel


@pytest.mark.parametrize(
    ("targets", "more", "message"),
    [
        (wanted(2, 11), {}, r"\(2, 11\) do not fit tail: they must be \(icons, 12\)"),
        (wanted(2)[0], {}, r"\(12,\) do not fit"),
        (wanted(2), {"means": wanted(3)}, "2 targets but 3 means"),
        (wanted(2), {"keys": [1]}, "2 targets but 2 means and 1 keys"),
        (wanted(2), {"engine": "lucid"}, "no render engine 'lucid'; there are atlas, lucent"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    net: VisionModel, targets: np.ndarray, more: dict[str, object], message: str
) -> None:
    with pytest.raises(AtlasError, match=message):
        render(net, "tail", targets, settings=SMALL, **more)  # type: ignore[arg-type]


def test_an_unknown_layer_is_refused(net: VisionModel) -> None:
    with pytest.raises(AtlasError, match="no layer 'tial'; the nearest names are tail"):
        render(net, "tial", wanted(1), settings=SMALL)


@pytest.mark.parametrize("setting", ["size", "steps", "tries", "tile"])
def test_settings_that_cannot_be_are_refused(setting: str) -> None:
    with pytest.raises(AtlasError, match=f"render setting {setting} is 0; it must be at least"):
        replace(SMALL, **{setting: 0})  # type: ignore[arg-type]


def test_a_precision_that_is_none_is_refused() -> None:
    with pytest.raises(AtlasError, match="precision is 'int8'; it must be float32 or bfloat16"):
        replace(SMALL, precision="int8")
