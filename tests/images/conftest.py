from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    Painter = Callable[..., Image.Image]


@pytest.fixture
def paint() -> Painter:
    """Smooth coloured pictures, another for each seed: JPEG keeps them nearly as they are."""

    def painted(seed: int = 0, width: int = 48, height: int = 32) -> Image.Image:
        rng = np.random.Generator(np.random.Philox(seed))
        corners = rng.integers(0, 256, (2, 2, 3), dtype=np.uint8)
        return Image.fromarray(corners).resize((width, height), Image.Resampling.BICUBIC)

    return painted
