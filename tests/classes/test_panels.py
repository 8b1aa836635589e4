"""Classes side by side on one layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from atlas.classes import SideBySide
from atlas.classes.panels import into_panels, panels_a_side
from atlas.errors import AtlasError
from atlas.opening import open_atlas

if TYPE_CHECKING:
    from pathlib import Path

    from atlas.atlas import Atlas


@pytest.fixture(scope="module")
def three(world: Atlas, options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> SideBySide:
    out = tmp_path_factory.mktemp("three") / "three.atlas"
    return world.side_by_side(["cat", "dog", "bee"], k=40, grids=(2,), min_count=1, out=out, **options)


def test_every_class_has_its_activations_in_its_panel_each_once(world: Atlas, three: SideBySide) -> None:
    values = np.asarray(world.activations["body"].attributions, dtype=np.float32)[:, [2, 3, 1]]
    acts = three.activations["body"]
    own = np.asarray(acts.attributions, dtype=np.float32)[:, [2, 3, 1]]
    top = [set(rows[values[rows, i] > 0]) for i, rows in enumerate(np.argsort(-values, axis=0)[:40].T)]
    assert len(acts) == len(set.union(*top))
    xy = three.xy()
    inside = np.isfinite(xy).all(axis=1)
    panel = (np.floor(xy * 2) @ [1, 2])[inside].astype(int)
    assert set(panel.tolist()) == {0, 1, 2}
    mine = own[inside][np.arange(len(panel)), panel]
    assert (mine > 0).all()
    least = np.array([min(values[list(rows), i]) for i, rows in enumerate(top)])
    owned = np.where(own[inside] >= least, own[inside], -np.inf)
    np.testing.assert_array_equal(owned.argmax(axis=1), panel)


def test_cells_stay_inside_their_panel(three: SideBySide) -> None:
    assert three.grids() == (4,)
    grid = three.level(4).grid
    panels = {(int(row) // 2, int(column) // 2) for row, column in zip(grid.row, grid.column, strict=True)}
    assert panels == {(0, 0), (0, 1), (1, 0)}


def test_places_mean_the_same_in_every_panel() -> None:
    rng = np.random.Generator(np.random.Philox(3))
    xy = rng.uniform(-0.1, 1.1, (300, 2)).astype(np.float32)
    inside = ((xy >= 0) & (xy < 1)).all(axis=1)
    for panel in range(9):
        moved = into_panels(xy, np.full(300, panel), 3)
        assert np.isnan(moved[~inside]).all()
        np.testing.assert_allclose(moved[inside] * 3 - [panel % 3, panel // 3], xy[inside], atol=1e-6)
        assert (np.floor(moved[inside].astype(np.float64) * 3) == [panel % 3, panel // 3]).all()


def test_a_point_at_the_edge_of_its_panel_stays_in_it() -> None:
    last = np.nextafter(np.float32(1), np.float32(0))
    for side in range(1, 9):
        moved = into_panels(np.full((side * side, 2), last), np.arange(side * side), side).astype(np.float64)
        assert (np.floor(moved * side) @ [1, side]).astype(int).tolist() == list(range(side * side))


def test_panels_fill_the_least_square() -> None:
    assert [panels_a_side(n) for n in (2, 3, 4, 5, 9, 10)] == [2, 2, 2, 3, 3, 4]


def test_it_opens_again_draws_the_names_and_goes_on(three: SideBySide, world: Atlas, options: dict[str, Any]) -> None:
    again = open_atlas(three.path)
    assert isinstance(again, SideBySide)
    assert again.classes == ["cat", "dog", "bee"]
    picture = again.picture(4)
    assert picture.info["Title"] == "cat, dog, bee, side by side"
    assert again.picture(4, title="Pets").height > picture.height
    for background, mode in (("transparent", "RGBA"), ("black", "RGB")):
        assert again.picture(4, background=background, density=True).mode == mode
    more = world.side_by_side(
        ["cat", "dog", "bee"], k=40, grids=(3,), min_count=1, out=three.path.with_name("three.atlas"), **options
    )
    assert more.grids() == (4, 6)


def test_what_cannot_be_shown_is_refused(
    world: Atlas, three: SideBySide, options: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(AtlasError, match="1 classes were named; name 2 to 64"):
        world.side_by_side(["cat"], **options)
    with pytest.raises(AtlasError, match="are the same class"):
        world.side_by_side(["cat", "dog", 2], **options)
    with pytest.raises(AtlasError, match="project them onto the whole atlas"):
        three.project([])
    with pytest.raises(AtlasError, match="is not of classes side by side"):
        SideBySide(world.path)
