"""Layers are added to a store that is complete, and nothing else of it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from atlas.activations import collect, open_activations, write_activations
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.activations import Activations
    from atlas.models.vision import VisionModel

    Pictures = Callable[..., NDArray[np.uint8]]
    Folder = Callable[[str, NDArray[np.uint8], set[int]], Path]
    Contents = Callable[[Path], dict[str, bytes]]

SETTINGS: dict[str, Any] = {"per_image": 32, "batch_size": 5, "progress": False}


class Stopped(Exception):  # noqa: N818 - no error, a stop
    """What the tests stop a collection with."""


def stop_after(images: int) -> Callable[[str, int, int], None]:
    def progress(_stage: str, done: int, _total: int) -> None:
        if done >= images:
            raise Stopped

    return progress


@pytest.fixture
def many(pictures: Pictures, folder: Folder) -> Path:
    return folder("many", pictures(40), {0, 17, 18, 33, 39})


@pytest.fixture
def store(plain: VisionModel, many: Path, tmp_path: Path) -> Path:
    collect(plain, many, "early", out=tmp_path / "x.acts", **SETTINGS)
    return tmp_path / "x.acts"


def assert_same(one: Activations, other: Activations, layer: str) -> None:
    for kind in ("vectors", "attributions", "image", "position"):
        np.testing.assert_array_equal(getattr(one[layer], kind)[:], getattr(other[layer], kind)[:])


def test_an_added_layer_is_the_one_that_would_have_been_collected_with_the_others(
    plain: VisionModel, many: Path, store: Path, contents: Contents
) -> None:
    before, alone = contents(store), open_activations(store)
    both = collect(plain, many, ["late", "early"], out=store, **SETTINGS)
    together = collect(plain, many, ["early", "late"], **SETTINGS)
    assert both.complete
    assert both.layers == ("early", "late")
    for layer in both.layers:
        assert_same(both, together, layer)
    assert both.image_ids == together.image_ids
    assert both.provenance["attribution"] == together.provenance["attribution"]
    assert both.provenance["positions"] == together.provenance["positions"]
    after = contents(store)
    assert {name for name in before if after[name] != before[name]} == {"acts.json"}
    assert all(name.startswith("layers/late/") for name in set(after) - set(before))
    assert (both.digest, both.layer_digest("early")) == (alone.digest, alone.layer_digest("early"))


def test_a_layer_that_is_there_is_returned_whatever_others_are(
    plain: VisionModel, many: Path, store: Path, contents: Contents
) -> None:
    collect(plain, many, "late", out=store, **SETTINGS)
    before = contents(store)
    for layers in ("early", "late", ["late", "early"]):
        assert collect(plain, many, layers, out=store, **SETTINGS).layers == ("early", "late")
    assert contents(store) == before


def test_other_positions_of_an_added_layer_are_another_layer(
    plain: VisionModel, many: Path, tmp_path: Path, store: Path
) -> None:
    digests = {collect(plain, many, "late", out=store, **SETTINGS).layer_digest("late")}
    collect(plain, many, "early", out=tmp_path / "y.acts", **SETTINGS)
    fewer = collect(plain, many, "late", out=tmp_path / "y.acts", **(SETTINGS | {"per_image": 3}))
    assert len(digests | {fewer.layer_digest("late"), fewer.layer_digest("early")}) == 3
    with pytest.raises(AtlasError, match="per_image of late: 3 there, 16 asked for"):
        collect(plain, many, "late", out=tmp_path / "y.acts", **SETTINGS)


@pytest.mark.parametrize("images", [1, 37, 40])
def test_adding_that_is_stopped_leaves_the_store_as_it_was_and_goes_on(
    plain: VisionModel, many: Path, store: Path, contents: Contents, images: int
) -> None:
    alone = open_activations(store)
    with pytest.raises(Stopped):
        collect(plain, many, "late", out=store, **(SETTINGS | {"progress": stop_after(images)}))
    between = open_activations(store)
    assert between.complete
    assert between.layers == ("early",)
    assert between.provenance == alone.provenance
    done: list[int] = []
    both = collect(plain, many, "late", out=store, **(SETTINGS | {"progress": lambda _s, n, _t: done.append(n)}))
    # A chunk is 32 images that can be read, which are among the first 36.
    assert done[0] > (0 if images == 1 else 36)
    assert_same(both, collect(plain, many, "late", **SETTINGS), "late")
    assert not [name for name in contents(store) if ".adding" in name]


def test_a_program_that_ends_while_a_layer_is_taken_over_loses_nothing(
    plain: VisionModel, many: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*_: object) -> None:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr("atlas.activations.extending.write_atomically", ends)
        with pytest.raises(Stopped):
            collect(plain, many, "late", out=store, **SETTINGS)
    assert open_activations(store).layers == ("early",)
    never: list[object] = []
    both = collect(plain, many, "late", out=store, **(SETTINGS | {"progress": lambda *call: never.append(call)}))
    assert never == []
    assert_same(both, collect(plain, many, "late", **SETTINGS), "late")


def test_images_that_have_changed_are_refused_and_the_store_stays_as_it_was(
    plain: VisionModel, many: Path, store: Path, contents: Contents
) -> None:
    before = contents(store)
    # Not one of those that are compared first.
    (many / "005.png").write_bytes((many / "006.png").read_bytes())
    with pytest.raises(AtlasError, match=r"Some images have changed since x\.acts was collected"):
        collect(plain, many, "late", out=store, **SETTINGS)
    assert contents(store) == before


@pytest.mark.parametrize("asked", [["late"], ["early", "late"]])
def test_an_interrupted_collection_is_finished_before_layers_are_added(
    plain: VisionModel, many: Path, tmp_path: Path, asked: list[str]
) -> None:
    out = tmp_path / "half.acts"
    with pytest.raises(Stopped):
        collect(plain, many, "early", out=out, **(SETTINGS | {"progress": stop_after(20)}))
    with pytest.raises(AtlasError, match=r"half\.acts is a collection of early that was interrupted; finish it"):
        collect(plain, many, asked, out=out, **SETTINGS)
    collect(plain, many, "early", out=out, **SETTINGS)
    assert collect(plain, many, asked, out=out, **SETTINGS).layers == ("early", "late")


def test_a_copy_of_an_extended_store_is_not_taken_for_one_of_other_positions(
    plain: VisionModel, many: Path, store: Path, tmp_path: Path
) -> None:
    collect(plain, many, "early", out=tmp_path / "y.acts", **SETTINGS)
    extended = [
        collect(plain, many, "late", out=out, **(SETTINGS | {"per_image": k}))
        for out, k in ((store, 32), (tmp_path / "y.acts", 3))
    ]
    one, other = (write_activations(acts, tmp_path / f"copy{i}.acts") for i, acts in enumerate(extended))
    assert one.digest != other.digest
    assert other.layers == ("early", "late")
    assert_same(other, extended[1], "late")
