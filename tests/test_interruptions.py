"""A build that is stopped leaves a readable atlas, and the next one ends with the same files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from atlas.activations import Activations, open_activations
from atlas.atlas import Atlas
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Build = Callable[..., Atlas]
    Contents = Callable[[Path], dict[str, bytes]]


TILE = 4


def interrupted(recorder: type[Any], stage: str, at: int) -> Any:
    return recorder(stop=lambda name, done, _total: name == stage and done >= at)


def test_a_build_interrupted_while_rendering_leaves_a_readable_atlas_and_ends_with_the_same_files(
    small_atlas: Atlas,
    small_acts: Activations,
    build_small: Build,
    contents: Contents,
    recorder: type[Any],
    tmp_path: Path,
) -> None:
    out = tmp_path / "small.atlas"
    with pytest.raises(KeyboardInterrupt):
        build_small(small_acts, out, progress=interrupted(recorder, "icons body 4", 2 * TILE + 1))
    half = Atlas(out)
    assert half.grids() == (2, 4)
    assert half.level(4).icons is None
    assert len(half.cells(4)) == len(small_atlas.cells(4))
    assert "cosine" not in half.cells(4).columns
    assert half._repr_png_() == small_atlas._repr_png_()
    with pytest.raises(AtlasError, match="level 4 are not rendered yet; build the atlas again"):
        half.to_png(tmp_path / "half.png", 4)
    with pytest.raises(AtlasError, match="not rendered yet"):
        half.level(4).icon(*divmod(int(half.level(4).grid.cell[0]), 4))
    tiles = sorted(out.rglob("tile-*.npz"))
    assert len(tiles) == 2

    report = recorder()
    build_small(small_acts, out, progress=report)
    assert report.stages == ["icons body 4"]
    # A tile that is rendered reports every step; one that is there, once.
    assert [done for _, done, _ in report.calls if done <= 2 * TILE] == [TILE, 2 * TILE]
    assert contents(out) == contents(small_atlas.path)


@pytest.mark.parametrize("left", [lambda data: data[: len(data) // 2], lambda _: b"", lambda _: b"no tile"])
def test_a_tile_that_was_cut_off_is_rendered_again(
    left: Callable[[bytes], bytes],
    small_atlas: Atlas,
    small_acts: Activations,
    build_small: Build,
    contents: Contents,
    recorder: type[Any],
    tmp_path: Path,
) -> None:
    out = tmp_path / "small.atlas"
    with pytest.raises(KeyboardInterrupt):
        build_small(small_acts, out, progress=interrupted(recorder, "icons body 4", 2 * TILE + 1))
    tile = min(out.rglob("tile-*.npz"))
    tile.write_bytes(left(tile.read_bytes()))
    build_small(small_acts, out)
    assert contents(out) == contents(small_atlas.path)


def test_a_build_interrupted_during_the_layout_is_readable_and_goes_on(
    small_atlas: Atlas,
    small_acts: Activations,
    build_small: Build,
    contents: Contents,
    recorder: type[Any],
    tmp_path: Path,
) -> None:
    out = tmp_path / "small.atlas"
    with pytest.raises(KeyboardInterrupt):
        build_small(small_acts, out, progress=interrupted(recorder, "UMAP", 0))
    half = Atlas(out)
    assert half.layers == ()
    assert half._repr_png_() is None
    assert "small.atlas" in repr(half)
    for ask in (half.level, half.cells, half.xy, half.grids, half.landmarks, lambda: half.project("x.jpg")):
        with pytest.raises(AtlasError, match=r"holds nothing yet.*build it again"):
            ask()
    build_small(small_acts, out)
    assert contents(out) == contents(small_atlas.path)


def test_a_build_from_photographs_interrupted_while_collecting_goes_on(
    small_pictures: NDArray[np.uint8], build_small: Build, contents: Contents, recorder: type[Any], tmp_path: Path
) -> None:
    settings = {"images": np.repeat(small_pictures, 4, axis=0), "layer": "body", "grids": (2,), "workers": 0}
    whole, broken = tmp_path / "whole" / "p.atlas", tmp_path / "broken" / "p.atlas"
    with pytest.raises(KeyboardInterrupt):
        build_small(None, broken, progress=interrupted(recorder, "collect", 64), **settings)
    with pytest.raises(AtlasError, match="interrupted collection; collect again"):
        build_small(open_activations(broken.with_name("p.acts")), tmp_path / "x.atlas")
    build_small(None, broken, **settings)
    build_small(None, whole, **settings)
    assert contents(broken) == contents(whole)
    assert Atlas(whole).activations.digest == Atlas(whole).provenance["activations"]["digest"]
