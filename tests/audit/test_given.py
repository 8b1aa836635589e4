"""What an audit can be told: patches of every kind, and settings that make no sense."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from atlas.audit import Patch, patch_test
from atlas.audit.patches import as_patches
from atlas.errors import AtlasError

from .conftest import figure

if TYPE_CHECKING:
    from pathlib import Path

    from atlas.images import ImageSource
    from atlas.models import VisionModel


def test_patches_may_be_files_pictures_and_arrays(
    cross_net: VisionModel, photographs: ImageSource, tmp_path: Path
) -> None:
    Image.fromarray(figure()).resize((40, 30)).save(tmp_path / "mine.png")
    result = patch_test(
        cross_net,
        photographs,
        "plain",
        "crossed",
        patches=[tmp_path / "mine.png", Image.fromarray(figure()), figure()],
        limit=4,
        progress=False,
    )
    assert [patch.name for patch in result.patches] == ["mine.png", "picture 2", "picture 3"]
    assert result.patches[0].pictures[0].shape == (30, 30, 3)


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    files = [tmp_path / "left" / "x.png", tmp_path / "right" / "x.png", tmp_path / "right" / "y.png"]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(figure()).save(file)
    assert [patch.name for patch in as_patches(files)] == ["left/x.png", "right/x.png", "y.png"]
    with pytest.raises(AtlasError, match=r"Two patches are called left/x\.png"):
        as_patches([files[0], files[0]])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": "plane"}, "no class 'plane'"),
        ({"target": "plain"}, "both plain"),
        ({"source": None}, "which class"),
        ({"source": "dark"}, "No image of .* is labelled 'dark'"),
        ({"sizes": (1.5,)}, "between 0 and 1"),
        ({"positions": ["middle"]}, "'middle'; choose from top left"),
        ({"patches": []}, "no patch to test"),
        ({"patches": [figure(), Patch("picture 1", (figure(),))]}, "Two patches are called picture 1"),
        ({"limit": 1}, "limit is 1"),
        ({"limit": 2.5}, "limit is 2.5"),
        ({"seed": -1}, "seed is -1"),
        ({"sizes": 0.3}, "Sizes are 0.3; give several"),
        ({"sizes": ("a",)}, "Sizes are .*; give several"),
        ({"sizes": (0.3, 0.3)}, "A size is given twice"),
        ({"positions": "centre"}, "Positions are 'centre'"),
        ({"positions": ["centre", "centre"]}, "A position is given twice"),
        ({"patches": None}, "no patch to test"),
        ({"target": 1.0}, "A class is 1.0"),
        ({"target": True}, "A class is True"),
        ({"smallest": 0}, "smallest is 0"),
        ({"smallest": 2}, "smallest is 2"),
        ({"smallest": float("nan")}, "smallest is nan"),
        ({"n_patches": 0}, "n_patches is 0"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    cross_net: VisionModel, photographs: ImageSource, settings: dict[str, object], message: str
) -> None:
    given = {"source": "plain", "target": "crossed", "patches": figure(), "progress": False} | settings
    with pytest.raises(AtlasError, match=message) as caught:
        patch_test(cross_net, photographs, **given)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_patch_is_a_square_of_bytes() -> None:
    with pytest.raises(AtlasError, match="square of RGB bytes"):
        Patch("flat", (np.zeros((8, 9, 3), dtype=np.uint8),))
    with pytest.raises(AtlasError, match="no picture"):
        Patch("none", ())
