"""The atlas of one class, from choosing its activations to opening it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from atlas.classes import default_k, owned_rows
from atlas.classes.single import default_sizes
from atlas.errors import AtlasError
from atlas.opening import open_atlas

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from atlas.atlas import Atlas


def attributions(world: Atlas) -> np.ndarray[Any, Any]:
    return np.asarray(world.activations["body"].attributions, dtype=np.float32)


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 40), st.integers(1, 6)), elements=st.floats(-1, 1, width=16)),
    st.integers(1, 50),
)
def test_a_class_owns_what_adds_to_it_each_once_and_never_more_than_k(values: Any, k: int) -> None:
    winner = values.argmax(axis=1)
    for index in range(values.shape[1]):
        top = owned_rows(values[:, index], winner, index, "top", k)
        won = owned_rows(values[:, index], winner, index, "winner", k)
        for rows in (top, won):
            assert (np.diff(rows) > 0).all()
            assert len(rows) <= k
            assert (values[rows, index] > 0).all()
        left_out = np.setdiff1d(np.arange(len(values)), top)
        if len(top) == k and len(left_out):
            assert values[top, index].min() >= values[left_out, index].max()
        else:
            assert len(top) == (values[:, index] > 0).sum()
        assert (winner[won] == index).all()


def test_winners_of_all_classes_share_no_activation(world: Atlas) -> None:
    values = attributions(world)
    owned = [owned_rows(values[:, i], values.argmax(axis=1), i, "winner", 1000) for i in range(5)]
    joined = np.concatenate(owned)
    assert len(np.unique(joined)) == len(joined) == (values.max(axis=1) > 0).sum()


def test_the_default_number_is_the_articles_for_large_sets_and_less_for_small_ones() -> None:
    assert default_k(1_000_000, 1000) == 2000
    assert default_k(20_000, 200) == 500
    assert default_k(500, 5) == 500
    assert default_k(100, 200) == 200


def test_the_default_grid_is_eight_by_eight_and_coarser_for_few() -> None:
    assert default_sizes(2000) == [8]
    assert default_sizes(2048) == [8, 16]
    assert default_sizes(100) == [3]
    assert default_sizes(3) == [2]


def test_a_class_atlas_holds_exactly_what_the_class_owns(world: Atlas, options: dict[str, Any], tmp_path: Path) -> None:
    found = world.class_atlas("cat", grids=(3,), min_count=1, out=tmp_path / "cat.atlas", **options)
    values = attributions(world)
    expected = np.flatnonzero((values.argmax(axis=1) == 2) & (values[:, 2] > 0))
    acts = found.activations["body"]
    np.testing.assert_array_equal(acts.vectors, np.asarray(world.activations["body"].vectors)[expected])
    np.testing.assert_array_equal(acts.image, world.activations["body"].image[expected])
    xy = found.xy()
    assert len(xy) == len(expected)
    level = found.level(3)
    assert level.grid.count.sum() == ((xy >= 0) & (xy < 1)).all(axis=1).sum()
    for index, cell in enumerate(level.grid.cell):
        members = expected[level.grid.members(int(cell))]
        mean = np.asarray(world.activations["body"].vectors)[members].astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(level.grid.mean[index], mean, atol=1e-5)
    assert found.provenance["part"] == {
        "kind": "class",
        "layer": "body",
        "classes": [{"index": 2, "name": "cat"}],
        "own": "winner",
        "k": 320,
        "activations": len(expected),
    }
    assert found.label_meaning() == world.label_meaning()


def test_a_class_atlas_lies_beside_its_atlas_is_one_like_any_other_and_goes_on_where_it_stopped(
    world: Atlas,
    options: dict[str, Any],
    recorder: type[Any],
    contents: Callable[[Path], dict[str, bytes]],
    tmp_path: Path,
) -> None:
    asked: dict[str, Any] = {"own": "top", "k": 30, "grids": (2,), "min_count": 1} | options
    found = world.class_atlas("dog", **asked)
    assert found.path == world.path.with_name("small-dog-top-k30.atlas")
    again = open_atlas(found.path)
    assert again.to_png(tmp_path / "dog.png").exists()
    assert len(again.activations["body"]) == 30
    before = contents(found.path)

    report = recorder()
    world.class_atlas("dog", **asked | {"progress": report})
    assert report.calls == []
    assert contents(found.path) == before

    report = recorder()
    more = world.class_atlas("dog", **asked | {"grids": (3,), "progress": report})
    assert report.stages == ["icons body 3"]
    assert more.grids() == (2, 3)

    stopping = recorder(stop=lambda stage, done, _total: stage == "icons body 4" and done > 4)
    with pytest.raises(KeyboardInterrupt):
        world.class_atlas("dog", **asked | {"grids": (4,), "progress": stopping})
    report = recorder()
    world.class_atlas("dog", **asked | {"grids": (4,), "progress": report})
    assert min(done for stage, done, _ in report.calls if stage == "icons body 4") >= 4


def test_another_choice_of_activations_does_not_overwrite_a_class_atlas(
    world: Atlas, options: dict[str, Any], contents: Callable[[Path], dict[str, bytes]], tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"grids": (1,), "min_count": 1} | options
    won = world.class_atlas("cat", **asked)
    before = contents(won.path)
    every = world.class_atlas("cat", own="top", **asked)
    assert (won.path.name, every.path.name) == ("small-cat.atlas", "small-cat-top.atlas")
    others: list[dict[str, Any]] = [{"own": "top"}, {"k": 9}, {"seed": 1}]
    for other in others:
        with pytest.raises(AtlasError, match="shows something else"):
            world.class_atlas("cat", out=won.path, **asked | other)
    assert contents(won.path) == before


def test_another_class_does_not_overwrite_a_class_atlas_nor_the_whole(
    world: Atlas, options: dict[str, Any], build_small: Callable[..., Atlas], tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"grids": (2,), "min_count": 1, "out": tmp_path / "x.atlas"} | options
    world.class_atlas("cat", **asked)
    with pytest.raises(AtlasError, match="shows something else"):
        world.class_atlas("dog", **asked)
    with pytest.raises(AtlasError, match="shows something else"):
        build_small(world.activations, tmp_path / "x.atlas")
    with pytest.raises(AtlasError, match="shows something else"):
        world.class_atlas("dog", **asked | {"out": world.path})


@pytest.mark.parametrize("name", ["cat", 2, "2", "CAT"])
def test_a_class_is_named_by_label_or_index(
    world: Atlas, options: dict[str, Any], name: str | int, tmp_path: Path
) -> None:
    quick: dict[str, Any] = options | {"grids": (1,), "out": tmp_path / "x.atlas", "k": 12}
    assert world.class_atlas(name, **quick).provenance["part"]["classes"] == [{"index": 2, "name": "cat"}]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"name": "kat"}, "no class 'kat'; the nearest are cat"),
        ({"own": "best"}, "own is 'best'; choose 'winner' or 'top'"),
        ({"k": 0}, "k is 0; give a number of activations from 1"),
        ({"layer": "head"}, "no layer 'head'; it has body"),
        ({"grids": ()}, "No grid sizes given"),
        ({"icons": "drawn"}, "icons is 'drawn'"),
        ({"icons": "medoid"}, "give images=…"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    world: Atlas, options: dict[str, Any], asked: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(AtlasError, match=message):
        world.class_atlas(asked.pop("name", "cat"), **options | {"out": tmp_path / "x.atlas"} | asked)
    assert list(tmp_path.iterdir()) == []


def test_an_atlas_of_a_class_is_no_start_for_another(world: Atlas, options: dict[str, Any], tmp_path: Path) -> None:
    found = world.class_atlas("cat", grids=(1,), out=tmp_path / "x.atlas", **options)
    with pytest.raises(AtlasError, match="start from the whole atlas"):
        found.class_atlas("cat", **options)


def test_a_class_atlas_shows_real_patches_where_asked(
    world: Atlas, options: dict[str, Any], small_pictures: Any, tmp_path: Path
) -> None:
    found = world.class_atlas(
        "cat", grids=(2,), out=tmp_path / "x.atlas", icons="medoid", images=small_pictures, **options
    )
    assert found.summary()["levels"][2]["icons"]["kind"] == "medoid"


def test_an_atlas_of_activations_in_memory_says_what_to_do(small_atlas: Atlas, options: dict[str, Any]) -> None:
    with pytest.raises(AtlasError, match="collect them with out="):
        small_atlas.class_atlas("cat", **options)


def test_a_class_laid_out_by_tsne_has_a_name_of_its_own(world: Atlas, options: dict[str, Any]) -> None:
    by_tsne = world.class_atlas("bee", own="top", grids=(1,), layout="tsne", **options)
    assert by_tsne.path.name == "small-bee-top-tsne.atlas"
    assert by_tsne.summary()["layout"]["method"] == "tsne"
    with pytest.raises(AtlasError, match="method is 'mds'"):
        world.class_atlas("bee", layout="mds", **options)
    with pytest.raises(AtlasError, match="leave layout out"):
        world.compare("ant", "bee", layout="tsne", **options)
