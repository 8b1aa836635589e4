"""Numbers that no icon can follow from are refused in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from atlas.errors import AtlasError
from atlas.render import RenderSettings, render

if TYPE_CHECKING:
    from atlas.models import VisionModel

TARGETS = np.ones((2, 12), dtype=np.float32)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 2.5}, r"steps is 2\.5; it must be a whole number"),
        ({"size": 40.5}, r"size is 40\.5; it must be a whole number"),
        ({"size": float("inf")}, "size is inf"),
        ({"power": float("nan")}, "power is nan"),
        ({"learning_rate": float("inf")}, "learning_rate is inf; it must be finite"),
    ],
)
def test_settings_that_are_no_fit_numbers_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(AtlasError, match=message):
        RenderSettings(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"seed": -1}, "whole numbers from 0 on"),
        ({"keys": [0, -1]}, "whole numbers from 0 on"),
        ({"means": np.full((2, 12), np.nan, dtype=np.float32)}, "not finite"),
    ],
)
def test_a_start_that_is_no_fit_number_is_refused(net: VisionModel, more: dict[str, object], message: str) -> None:
    with pytest.raises(AtlasError, match=message):
        render(net, "tail", TARGETS, settings=RenderSettings(size=32, steps=1, tile=1), **more)  # type: ignore[arg-type]


def test_a_target_that_is_not_finite_is_refused(net: VisionModel) -> None:
    with pytest.raises(AtlasError, match="not finite"):
        render(net, "tail", TARGETS * np.inf, settings=RenderSettings(size=32, steps=1, tile=1))
