"""What cannot be built is said before any work, and nothing of the user's is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from atlas.activations import Activations, LayerActivations, collect
from atlas.errors import AtlasError
from atlas.pipeline import build
from atlas.render import RenderSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.atlas import Atlas
    from atlas.models import VisionModel

    Build = Callable[..., Atlas]
    Contents = Callable[[Path], dict[str, bytes]]


def test_activations_of_something_else_are_refused_and_the_atlas_stays_as_it_was(
    copied: Path,
    small_net: VisionModel,
    small_pictures: NDArray[np.uint8],
    build_small: Build,
    contents: Contents,
) -> None:
    before = contents(copied)
    with pytest.raises(AtlasError, match="was built from other activations; give another name"):
        build_small(collect(small_net, small_pictures[:20], "body", per_image=8), copied)
    assert contents(copied) == before


@pytest.mark.parametrize("road", ["activations", "images"])
def test_an_out_that_is_something_else_is_refused_before_any_work_and_kept(
    road: str,
    small_acts: Activations,
    small_pictures: NDArray[np.uint8],
    build_small: Build,
    contents: Contents,
    tmp_path: Path,
) -> None:
    (tmp_path / "notes.atlas").write_text("mine")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("mine too")
    before = contents(tmp_path)
    given = {"acts": small_acts} if road == "activations" else {"acts": None, "images": small_pictures, "layer": "body"}
    with pytest.raises(AtlasError, match=r"notes\.atlas is a file; give another name"):
        build_small(out=tmp_path / "notes.atlas", **given)
    with pytest.raises(AtlasError, match="home exists and is not an atlas; give another name"):
        build_small(out=tmp_path / "home", **given)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"grids": ()}, "No grid sizes given"),
        ({"grids": (4, 0)}, "1 to 4096 cells a side, not 0"),
        ({"grids": (5000,)}, "not 5000"),
        ({"seed": -1}, "seed is -1"),
        ({"rendering": RenderSettings(size=1021)}, "do not fit a sheet"),
        ({"icons": "photographs"}, "choose 'rendered' or 'medoid'"),
        ({"icons": "medoid"}, "give images="),
        ({"engine": "lucid"}, "choose 'atlas' or 'lucent'"),
        ({"layer": "boddy"}, "no layer 'boddy'; the nearest names are body"),
        ({"layer": "stem"}, "no layer 'stem' here; these activations are of body"),
    ],
)
def test_what_cannot_be_built_is_said_in_one_line_before_any_work(
    setting: dict[str, Any], message: str, small_acts: Activations, build_small: Build, tmp_path: Path
) -> None:
    with pytest.raises(AtlasError, match=message) as caught:
        build_small(small_acts, tmp_path / "new.atlas", **setting)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new.atlas").exists()


def test_there_must_be_something_to_build_from() -> None:
    with pytest.raises(AtlasError, match="nothing to build from"):
        build()


def test_a_name_for_activations_is_refused_for_an_atlas(
    small_pictures: NDArray[np.uint8], build_small: Build, tmp_path: Path
) -> None:
    with pytest.raises(AtlasError, match=r"call the atlas photos\.atlas"):
        build_small(None, tmp_path / "photos.acts", images=small_pictures, layer="body")
    assert list(tmp_path.iterdir()) == []


def test_activations_that_do_not_fit_the_network_are_refused(
    small_net: VisionModel, build_small: Build, tmp_path: Path
) -> None:
    layer = LayerActivations(
        layer="body",
        vectors=np.ones((4, 7), dtype=np.float16),
        image=np.zeros(4, dtype=np.int64),
        position=np.zeros((4, 2), dtype=np.int16),
        map_size=(8, 8),
    )
    with pytest.raises(AtlasError, match="have 7 channels, small has 16"):
        build_small(Activations.in_memory([layer], image_ids=["a"]), tmp_path / "x.atlas")
    other = Activations.in_memory([layer], image_ids=["a"], provenance={"model": {"name": "big", "digest": "0"}})
    with pytest.raises(AtlasError, match="came from big with other weights"):
        build(other, model=small_net, out=tmp_path / "x.atlas", progress=False)
    with pytest.raises(AtlasError, match=r"came from big, which has no known weights; give model="):
        build(other, out=tmp_path / "x.atlas", progress=False)
