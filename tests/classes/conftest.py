"""A small atlas whose activations are on disk, and atlases of its classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from atlas.activations import collect

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from atlas.atlas import Atlas
    from atlas.classes import Comparison
    from atlas.models import VisionModel


@pytest.fixture(scope="session")
def options(small_net: VisionModel, tiny_settings: dict[str, Any]) -> dict[str, Any]:
    """How the small atlases of classes are drawn."""
    return {"model": small_net, "rendering": tiny_settings["rendering"], "progress": False}


@pytest.fixture(scope="session")
def world(
    small_net: VisionModel,
    small_pictures: NDArray[np.uint8],
    build_small: Callable[..., Atlas],
    tmp_path_factory: pytest.TempPathFactory,
) -> Atlas:
    """Level 2 of `body`, 320 activations in a store; not to be changed by a test."""
    home = tmp_path_factory.mktemp("classes")
    acts = collect(small_net, small_pictures, "body", per_image=8, out=home / "small.acts", progress=False)
    return build_small(acts, home / "small.atlas", grids=(2,))


@pytest.fixture(scope="session")
def comparison(world: Atlas, options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Ant and bee, at levels 4 and 8."""
    out = tmp_path_factory.mktemp("pair") / "pair.atlas"
    return world.compare("ant", "bee", own="top", k=60, grids=(4, 8), min_count=1, out=out, **options)
