"""Two classes on one atlas, and the cells that tell them apart."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from atlas.classes import Comparison, SeparatingCell, owned_rows
from atlas.classes.comparing import default_sizes, difference_axis
from atlas.errors import AtlasError
from atlas.opening import open_atlas

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.atlas import Atlas

ANT, BEE = 0, 1


@given(hnp.arrays(np.float32, st.integers(1, 200), elements=st.floats(-100, 100, width=32)))
def test_the_axis_has_no_difference_in_the_middle_keeps_the_order_and_stays_in_the_frame(difference: Any) -> None:
    x, scale = difference_axis(difference)
    assert scale > 0
    assert ((x >= 0) & (x < 1)).all()
    assert (x.astype(np.float32) < 1).all()
    assert (x[difference == 0] == 0.5).all()
    assert (x[difference > 0] <= 0.5).all()
    assert (x[difference < 0] >= 0.5).all()
    assert (np.diff(x[np.argsort(difference)]) <= 0).all()


def test_differences_beyond_the_99th_percentile_lie_on_the_edge() -> None:
    difference = np.arange(-500, 501) / 100
    x, scale = difference_axis(difference)
    assert scale == pytest.approx(np.percentile(np.abs(difference), 99))
    assert (x[difference >= scale] == 0).all()
    assert (x[difference <= -scale] > 1 - 1e-6).all()
    assert x[np.abs(difference) == 1.0].tolist() == pytest.approx([(1 + 1 / scale) / 2, (1 - 1 / scale) / 2])


def test_levels_are_those_that_the_activations_fill() -> None:
    assert default_sizes(30) == [5]
    assert default_sizes(700) == [5, 10]
    assert default_sizes(4000) == [5, 10, 20]


def test_a_comparison_holds_the_activations_of_both_classes_each_once_by_their_difference(
    world: Atlas, comparison: Comparison
) -> None:
    values = np.asarray(world.activations["body"].attributions, dtype=np.float32)
    winner = values.argmax(axis=1)
    both = np.union1d(*(owned_rows(values[:, index], winner, index, "top", 60) for index in (ANT, BEE)))
    acts = comparison.activations["body"]
    np.testing.assert_array_equal(acts.attributions, np.asarray(world.activations["body"].attributions)[both])
    difference = values[both, ANT].astype(np.float64) - values[both, BEE]
    x, scale = difference_axis(difference)
    np.testing.assert_allclose(comparison.xy()[:, 0], x, atol=1e-6)
    assert comparison.summary()["layout"]["scale"] == scale
    y = comparison.xy()[:, 1]
    assert ((y > 0) & (y < 1)).all()
    rows_a_quarter = np.histogram(y, 4, (0, 1))[0]
    assert rows_a_quarter.max() - rows_a_quarter.min() <= 2
    assert comparison.summary()["layout"]["n_outside"] == 0


def test_neighbours_down_the_comparison_are_alike(comparison: Comparison) -> None:
    vectors = np.asarray(comparison.activations["body"].vectors, dtype=np.float64)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    in_order = units[np.argsort(comparison.xy()[:, 1])]
    beside = (in_order[1:] * in_order[:-1]).sum(axis=1).mean()
    assert beside > (units @ units.T).mean() + 0.02


def test_the_same_seed_gives_the_same_comparison(
    world: Atlas,
    comparison: Comparison,
    options: dict[str, Any],
    contents: Callable[[Path], dict[str, bytes]],
    tmp_path: Path,
) -> None:
    again = world.compare("ant", "bee", k=60, grids=(8,), min_count=1, out=tmp_path / "again.atlas", **options)
    there, here = contents(comparison.path), contents(again.path)
    assert {name: data for name, data in there.items() if "/0008/" in name} == {
        name: data for name, data in here.items() if "/0008/" in name
    }


def test_a_comparison_opened_again_is_one(comparison: Comparison) -> None:
    again = open_atlas(comparison.path)
    assert isinstance(again, Comparison)
    assert (again.left.index, again.left.name, again.right.name) == (ANT, "ant", "bee")
    assert again.axes == {"left": "ant", "right": "bee", "vertical": "alike ones lie together"}
    assert again.grids() == (4, 8)


def test_separating_cells_carry_the_evidence_strongest_first(comparison: Comparison) -> None:
    level = comparison.level(8)
    values = np.asarray(comparison.activations["body"].attributions, dtype=np.float64)
    found = comparison.separating(6, level=8)
    assert len(found) == 6
    strength = [abs(cell.difference) * np.sqrt(cell.count) for cell in found]
    assert strength == sorted(strength, reverse=True)
    for cell in found:
        members = level.grid.members(cell.cell)
        ant, bee = values[members][:, [ANT, BEE]].mean(axis=0)
        assert [cell.left, cell.right] == pytest.approx([ant, bee], abs=1e-5)
        assert cell.difference == pytest.approx(ant - bee, abs=1e-5)
        assert cell.side == ("left" if ant > bee else "right")
        assert cell.count == len(members)
        assert set(cell.nearest) <= set(members.tolist())
        np.testing.assert_array_equal(cell.icon, level.icon(cell.row, cell.column))


def shows_again(comparison: Comparison, cell: SeparatingCell, stronger: SeparatingCell) -> bool:
    """Whether a cell's mean is as near to the mean of a stronger one as the members of that one are."""
    vectors = np.asarray(comparison.activations["body"].vectors, dtype=np.float64)
    own, its = (vectors[comparison.level(8).grid.members(one.cell)] for one in (cell, stronger))
    mean = its.mean(axis=0) / np.linalg.norm(its.mean(axis=0))
    spread = (its @ mean / np.linalg.norm(its, axis=1)).mean()
    return bool(own.mean(axis=0) @ mean / np.linalg.norm(own.mean(axis=0)) >= spread)


@pytest.mark.parametrize("side", ["left", "right"])
def test_cells_of_a_side_speak_for_its_class_and_show_different_things(comparison: Comparison, side: Any) -> None:
    found = comparison.separating(4, side, level=8)
    assert found
    assert {cell.side for cell in found} == {side}
    for number, one in enumerate(found):
        assert (one.column < 4 if side == "left" else one.column >= 4) or abs(one.difference) < 1e-3
        assert not any(shows_again(comparison, one, other) for other in found[:number])


def test_no_cell_is_left_out_but_for_showing_again_what_a_stronger_one_shows(comparison: Comparison) -> None:
    level, difference = comparison.level(8), comparison.differences(8)
    telling = np.abs(difference) >= 0.1 * comparison.summary()["layout"]["scale"]
    found = comparison.separating(1000, level=8)
    listed = {cell.cell for cell in found}
    assert listed <= set(level.grid.cell[telling].tolist())
    left_out = [comparison._cell(level, int(at)) for at in np.flatnonzero(telling) if level.grid.cell[at] not in listed]
    assert left_out
    for cell in left_out:
        strength = abs(cell.difference) * np.sqrt(cell.count)
        stronger = [one for one in found if abs(one.difference) * np.sqrt(one.count) >= strength]
        assert any(shows_again(comparison, cell, one) for one in stronger if one.side == cell.side)


def test_neutral_cells_are_those_of_least_difference(comparison: Comparison) -> None:
    found = comparison.neutral(3, level=8)
    every = np.sort(np.abs(comparison.differences(8)))
    np.testing.assert_allclose([abs(cell.difference) for cell in found], every[:3], rtol=1e-5)


def test_no_neutral_cell_tells_the_classes_apart(comparison: Comparison) -> None:
    # Asked for more than there are: a comparison may have no further cell that speaks for both alike.
    neutral, separating = comparison.neutral(1000, level=8), comparison.separating(1000, level=8)
    least = 0.1 * comparison.summary()["layout"]["scale"]
    size = np.abs(comparison.differences(8))
    assert [abs(cell.difference) for cell in neutral] == pytest.approx(np.sort(size[size < least]).tolist())
    assert len(neutral) < len(size)
    assert not {cell.cell for cell in neutral} & {cell.cell for cell in separating}


def test_the_evidence_shows_both_classes_and_real_patches_where_photographs_are_given(
    comparison: Comparison, small_pictures: Any
) -> None:
    plain = comparison.evidence(2, level=4)
    assert plain.info["Title"] == "What tells ant and bee apart"
    assert plain.height < comparison.evidence(3, level=4, title="Why").height
    assert comparison.evidence(2, level=4, images=small_pictures).width > plain.width
    icon = np.asarray(comparison.separating(1, "left", 4)[0].icon).astype(float)
    shown = np.asarray(plain).astype(float)
    column = shown[:, 26 : 26 + 120]
    rows = np.flatnonzero(np.abs(column.mean(axis=(1, 2)) - 255) > 20)
    assert np.abs(column[rows].mean(axis=(0, 1)) - icon.mean(axis=(0, 1))).max() < 60


def test_the_table_of_a_comparison_has_both_attributions(comparison: Comparison) -> None:
    table = comparison.cells(4)
    np.testing.assert_allclose(table["difference"], table["left"] - table["right"], rtol=1e-6)
    np.testing.assert_allclose(table["difference"], comparison.differences(4))


def test_a_class_compared_with_itself_is_refused(world: Atlas, options: dict[str, Any]) -> None:
    with pytest.raises(AtlasError, match="'ant' and '0' are the same class"):
        world.compare("ant", "0", **options)


def test_an_unknown_side_is_refused(comparison: Comparison) -> None:
    with pytest.raises(AtlasError, match="side is 'middle'; choose 'left', 'right', 'both'"):
        comparison.separating(2, "middle")  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [0, -1, 2.5])
def test_a_number_of_cells_is_a_whole_one(comparison: Comparison, n: Any) -> None:
    for ask in (comparison.separating, comparison.neutral):
        with pytest.raises(AtlasError, match=f"n is {n}; give a number of cells from 1"):
            ask(n)


def test_an_ordinary_atlas_is_no_comparison(world: Atlas) -> None:
    with pytest.raises(AtlasError, match="is not a comparison of two classes"):
        Comparison(world.path)
    assert world.axes is None


@pytest.mark.parametrize(
    "forged",
    [
        {"kind": "duel"},
        {"classes": [{"index": 0, "name": "ant"}]},
        {"classes": [{"index": "0", "name": "ant"}, {"index": 1, "name": "bee"}]},
        {"classes": [{"index": -1, "name": "ant"}, {"index": 1, "name": "bee"}]},
        {"layer": 3},
    ],
)
def test_a_forged_part_is_refused(comparison: Comparison, forged: dict[str, Any], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(comparison.path, tmp_path / "x.atlas"))
    content = json.loads((copy / "atlas.json").read_text(encoding="utf-8"))
    content["provenance"]["part"] |= forged
    (copy / "atlas.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(AtlasError, match="is damaged"):
        open_atlas(copy)


def test_a_class_beyond_the_attributions_is_refused(comparison: Comparison, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(comparison.path, tmp_path / "x.atlas"))
    content = json.loads((copy / "atlas.json").read_text(encoding="utf-8"))
    content["provenance"]["part"]["classes"][1]["index"] = 999
    (copy / "atlas.json").write_text(json.dumps(content), encoding="utf-8")
    forged = open_atlas(copy)
    assert isinstance(forged, Comparison)
    with pytest.raises(AtlasError, match="lacks the attributions to its classes"):
        forged.separating()
