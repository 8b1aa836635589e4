from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from atlas.activations import collect, open_activations
from atlas.errors import AtlasError
from atlas.models import wrap_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.models.vision import VisionModel

    Pictures = Callable[..., NDArray[np.uint8]]
    Folder = Callable[[str, NDArray[np.uint8], set[int]], Path]


def interrupt_after(batches: int) -> Callable[[str, int, int], None]:
    left = [batches]

    def progress(_stage: str, _done: int, _total: int) -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    return progress


@pytest.fixture
def many(pictures: Pictures, folder: Folder) -> Path:
    return folder("many", pictures(60), {0, 17, 18, 19, 33, 59})


# 32 positions an image make chunks of 16 images: 54 readable images are three whole chunks and a rest.
SETTINGS: dict[str, Any] = {"layer": ["early", "late"], "per_image": 32, "batch_size": 5}


@pytest.mark.parametrize("batches", [1, 4, 6, 8, 14, 15])
def test_an_interrupted_collection_goes_on_to_exactly_the_same_result(
    plain: VisionModel, many: Path, tmp_path: Path, batches: int
) -> None:
    whole = collect(plain, many, **SETTINGS)
    out = tmp_path / "resumed.acts"
    with pytest.raises(KeyboardInterrupt):
        collect(plain, many, out=out, progress=interrupt_after(batches), **SETTINGS)
    between = open_activations(out)
    assert not between.complete
    assert len(between.image_ids) == {1: 0, 4: 16, 6: 16, 8: 32, 14: 48, 15: 54}[batches]
    assert between.image_ids == whole.image_ids[: len(between.image_ids)]
    for name in whole.layers:
        rows = len(between[name])
        np.testing.assert_array_equal(between[name].vectors[:], whole[name].vectors[:rows])
    done: list[int] = []
    resumed = collect(plain, many, out=out, progress=lambda _s, n, _t: done.append(n), **SETTINGS)
    assert resumed.complete
    assert done[0] > len(between.image_ids)
    assert resumed.digest == whole.digest
    assert resumed.provenance == whole.provenance
    assert resumed.image_ids == whole.image_ids
    for name in whole.layers:
        one, other = resumed[name], whole[name]
        assert one.attributions is not None
        assert other.attributions is not None
        np.testing.assert_array_equal(one.vectors[:], other.vectors[:])
        np.testing.assert_array_equal(one.attributions[:], other.attributions[:])
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.position, other.position)


def test_what_was_written_but_not_committed_is_as_if_it_had_never_been(
    plain: VisionModel, many: Path, tmp_path: Path
) -> None:
    out = tmp_path / "torn.acts"
    with pytest.raises(KeyboardInterrupt):
        collect(plain, many, out=out, progress=interrupt_after(5), **SETTINGS)
    before = open_activations(out)
    with (out / "images.jsonl").open("ab") as file:
        file.write(b'{"id": "half a li')
    chunk = out / "layers" / "early" / "vectors" / "c" / "1" / "0"
    chunk.parent.mkdir()
    chunk.write_bytes(b"half a chunk")
    torn = open_activations(out)
    assert torn.image_ids == before.image_ids
    np.testing.assert_array_equal(torn["early"].vectors[:], before["early"].vectors[:])
    whole = collect(plain, many, **SETTINGS)
    resumed = collect(plain, many, out=out, **SETTINGS)
    assert resumed.image_ids == whole.image_ids
    np.testing.assert_array_equal(resumed["early"].vectors[:], whole["early"].vectors[:])


def test_a_complete_collection_is_returned_at_once(plain: VisionModel, many: Path, tmp_path: Path) -> None:
    out = tmp_path / "done.acts"
    first = collect(plain, many, out=out, **SETTINGS)
    stamp = (out / "acts.json").stat().st_mtime_ns
    calls: list[object] = []
    again = collect(plain, many, out=str(out), progress=lambda *call: calls.append(call), **SETTINGS)
    assert again.digest == first.digest
    assert calls == []
    assert (out / "acts.json").stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "seed: 0 there, 1 asked for"),
        ({"per_image": 3}, "per_image of early: 32 there, 3 asked for"),
        ({"attributions": False}, "attributions: True there"),
        ({"layer": ["late", "stem"], "seed": 1}, "seed: 0 there, 1 asked for"),
    ],
)
def test_other_settings_are_refused_with_what_differs_and_a_way_on(
    plain: VisionModel, many: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    out = tmp_path / "taken.acts"
    collect(plain, many, out=out, **SETTINGS)
    with pytest.raises(AtlasError, match=re.escape(message)) as caught:
        collect(plain, many, out=out, **(SETTINGS | change))
    assert "another name" in str(caught.value)
    assert "delete it" in str(caught.value)


def test_another_preprocessing_is_another_setting(plain: VisionModel, pictures: Pictures, tmp_path: Path) -> None:
    out = tmp_path / "taken.acts"
    collect(plain, pictures(2), "late", out=out)
    brighter = wrap_model(plain.module, preprocess=lambda x: 2 * x, input_size=24, name=plain.name)
    assert brighter.digest == plain.digest
    with pytest.raises(AtlasError, match=r"other settings .*preprocess"):
        collect(brighter, pictures(2), "late", out=out)


def test_other_images_are_refused(plain: VisionModel, pictures: Pictures, tmp_path: Path) -> None:
    out = tmp_path / "taken.acts"
    collect(plain, pictures(4), "late", out=out)
    with pytest.raises(AtlasError, match="the list of images"):
        collect(plain, pictures(5), "late", out=out)
    with pytest.raises(AtlasError, match="has changed since"):
        collect(plain, 255 - pictures(4), "late", out=out)


def test_a_folder_that_is_no_store_is_left_alone(plain: VisionModel, pictures: Pictures, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    with pytest.raises(AtlasError, match="exists already"):
        collect(plain, pictures(1), "late", out=tmp_path / "thesis")
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.txt"]
