"""A level in one picture."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from atlas import overview
from atlas.atlas import Atlas
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from atlas.activations import Activations


@pytest.fixture
def seen(
    small_acts: Activations, build_small: Callable[..., Atlas], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Atlas:
    """An atlas whose level of 4 x 4 counts as large."""
    monkeypatch.setattr(overview, "_LEAST_CELLS", 4)
    return build_small(small_acts, tmp_path / "seen.atlas")


def test_large_levels_have_every_icon_in_its_place_and_blanks_elsewhere(seen: Atlas) -> None:
    level = seen.level(4)
    assert level.icons is not None
    assert level.overview is not None
    with Image.open(io.BytesIO(level.overview())) as image:
        pixels = np.asarray(image.convert("RGBA"))
    assert pixels.shape == (64, 64, 4)
    row_of = dict(zip(level.grid.cell.tolist(), range(16), strict=False))
    for cell in range(16):
        row, column = divmod(cell, 4)
        part = pixels[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16].astype(float)
        if cell not in row_of:
            assert (part[..., 3] == 0).all()
            continue
        assert (part[..., 3] == 255).all()
        icon = level.icons[row_of[cell]].reshape(16, 2, 16, 2, 3).mean(axis=(1, 3))
        assert np.abs(part[..., :3] - icon).mean() < 8
    assert seen.level(2).overview is None


def test_the_viewer_is_told_of_it_and_gets_it(seen: Atlas, tmp_path: Path) -> None:
    view = seen.view()
    assert [level["overview_px"] for level in view.header["layers"][0]["levels"]] == [0, 16]
    answer, buffers = view._answers({"id": 1, "kind": "overview", "layer": "body", "level": 4})
    level = seen.level(4)
    assert level.overview is not None
    assert (answer["ok"], buffers) == (True, [level.overview()])
    answer, _ = view._answers({"id": 2, "kind": "overview", "layer": "body", "level": 2})
    assert answer["error"] == "Level 2 has no overview."
    view.close()
    page = seen.to_html(tmp_path / "page", folder=True)
    assert len(list(page.parent.glob("data/*overview.js"))) == 1


@pytest.mark.parametrize("content", [b"", b"RIFF", None])
def test_one_that_is_damaged_is_refused(seen: Atlas, content: Any) -> None:
    (path,) = seen.path.glob("layers/body/levels/0004/icons-*/overview.webp")
    if content is None:
        stream = io.BytesIO()
        Image.new("RGBA", (63, 64)).save(stream, "WEBP")
        content = stream.getvalue()
    path.write_bytes(content)
    again = Atlas(seen.path).level(4).overview
    assert again is not None
    with pytest.raises(AtlasError, match=r"overview of level 4 is (damaged|of another size); build this level again"):
        again()
    path.unlink()
    with pytest.raises(AtlasError, match="is missing or is a link"):
        again()
