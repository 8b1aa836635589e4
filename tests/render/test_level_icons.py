from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from atlas.grid import Level
from atlas.icons import render_icons
from atlas.render import RenderSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.models import VisionModel


def level_of(n: int) -> Level:
    whole = np.arange(n, dtype=np.int32)
    return Level(
        size=n,
        cell=whole,
        count=np.ones(n, dtype=np.int32),
        mean=np.random.default_rng(0).random((n, 12), dtype=np.float32),
        spread=np.ones(n, dtype=np.float32),
        mixture=np.zeros(n, dtype=bool),
        attribution=None,
        top_classes=np.zeros((n, 0), dtype=np.int32),
        nearest=whole.astype(np.int64)[:, None],
        point_cell=whole,
        min_count=1,
        n_outside=0,
        n_small=0,
    )


def test_no_worker_goes_on_when_icons_cannot_be_kept(net: VisionModel, tmp_path: Path) -> None:
    def full(_rows: Sequence[int], _images: NDArray[np.uint8]) -> None:
        raise OSError("No space left on device")

    before = threading.active_count()
    settings = RenderSettings(size=32, steps=2, tile=1)
    with pytest.raises(OSError, match="No space left") as kept:
        render_icons(
            net,
            "tail",
            level_of(300),
            np.eye(12),
            settings,
            seed=0,
            engine="atlas",
            partial=tmp_path,
            progress=lambda _done, _total: None,
            watch=full,
        )
    # The error, and every frame it went through, is still there.
    assert kept.tb is not None
    assert threading.active_count() == before
