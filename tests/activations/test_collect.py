from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from atlas.activations import (
    Activations,
    attribute,
    collect,
    open_activations,
    sample_positions,
    write_activations,
)
from atlas.activations.positions import interior
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.models.vision import VisionModel

    Pictures = Callable[..., NDArray[np.uint8]]
    Folder = Callable[[str, NDArray[np.uint8], set[int]], Path]


def pixels(pictures: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()) / 255


def rows_of(acts: Activations, layer: str, image_id: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    found = acts[layer].subset(acts[layer].image == acts.image_ids.index(image_id))
    assert found.attributions is not None
    return found.vectors[:], found.attributions[:], found.position


def test_rows_are_the_networks_activations_at_their_positions(plain: VisionModel, pictures: Pictures) -> None:
    images = pictures(5)
    acts = collect(plain, images, ["late", "early"], per_image=3, batch_size=2)
    assert acts.layers == ("late", "early")
    for name, channels, side in (("late", 12, 6), ("early", 10, 12)):
        layer = acts[name]
        maps = plain.activations(pixels(images), [name])[name].numpy()
        assert layer.vectors.shape == (15, channels)
        assert layer.vectors.dtype == np.float16
        assert layer.map_size == (side, side)
        np.testing.assert_array_equal(layer.image, np.arange(5).repeat(3))
        expected = maps[layer.image, :, layer.position[:, 0], layer.position[:, 1]]
        np.testing.assert_allclose(layer.vectors[:], expected, rtol=1e-3, atol=1e-6)
        for image in range(5):
            drawn = sample_positions(acts.image_ids[image], name, (side, side), 3, seed=0)
            np.testing.assert_array_equal(layer.position[layer.image == image], drawn)


def test_attributions_are_those_of_the_rows(plain: VisionModel, pictures: Pictures) -> None:
    images = pictures(4)
    layer = collect(plain, images, "early", per_image=2, batch_size=3)["early"]
    position = torch.from_numpy(layer.position.astype(np.int64)).reshape(4, 2, 2)
    expected = attribute(plain, pixels(images), "early", position[..., 0], position[..., 1])
    assert layer.attributions is not None
    np.testing.assert_allclose(layer.attributions[:], expected.reshape(8, 7), rtol=2e-3, atol=1e-6)


def test_everything_away_from_the_edge_can_be_had(plain: VisionModel, pictures: Pictures) -> None:
    layer = collect(plain, pictures(2), "early", per_image="all", attributions=False)["early"]
    assert layer.attributions is None
    np.testing.assert_array_equal(layer.position, np.tile(interior(12, 12), (2, 1)))


def test_few_images_give_many_positions_by_default(plain: VisionModel, pictures: Pictures) -> None:
    acts = collect(plain, pictures(3), "late", attributions=False)
    assert len(acts["late"]) == 3 * 16
    assert acts.provenance["positions"] == {
        "rule": "outer ring left out; axes of one or two positions kept whole",
        "per_image": {"late": 16},
    }


def test_batch_size_other_layers_and_the_store_change_nothing(
    plain: VisionModel, pictures: Pictures, tmp_path: Path
) -> None:
    images = pictures(7)
    base = collect(plain, images, "late", per_image=2)
    both = collect(plain, images, ["early", "late"], per_image=2, batch_size=3, out=tmp_path / "both.acts")
    assert both["late"].attributions is not None
    assert base["late"].attributions is not None
    np.testing.assert_array_equal(base["late"].position, both["late"].position)
    np.testing.assert_allclose(base["late"].vectors[:], both["late"].vectors[:], rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(base["late"].attributions[:], both["late"].attributions[:], rtol=2e-3, atol=1e-5)


def test_memory_and_store_hold_the_same_under_the_same_digest(
    plain: VisionModel, pictures: Pictures, tmp_path: Path
) -> None:
    memory = collect(plain, pictures(4), "late", per_image=2)
    store = collect(plain, pictures(4), "late", per_image=2, out=tmp_path / "x.acts")
    np.testing.assert_array_equal(memory["late"].vectors[:], store["late"].vectors[:])
    assert memory.digest == store.digest
    assert memory.provenance == store.provenance
    other = collect(plain, pictures(4), "late", per_image=2, seed=1)
    assert not np.array_equal(other["late"].position, memory["late"].position)
    assert other.digest != memory.digest
    assert collect(plain, pictures(4, 9), "late", per_image=2).digest != memory.digest


def test_unreadable_images_are_listed_and_change_nothing_for_the_rest(
    plain: VisionModel, pictures: Pictures, folder: Folder
) -> None:
    images = pictures(9)
    whole = collect(plain, folder("whole", images, set()), "early", per_image=4)
    bad = {0, 4, 5, 8}
    holed = collect(plain, folder("holed", images, bad), "early", per_image=4, batch_size=2)
    skipped = holed.provenance["images"]["skipped"]
    assert [entry["id"] for entry in skipped] == [f"{number:03}.png" for number in sorted(bad)]
    assert all(entry["reason"] for entry in skipped)
    assert holed.provenance["images"] | {"skipped": 0} == {"source": "holed", "total": 9, "read": 5, "skipped": 0}
    assert holed.image_ids == [f"{number:03}.png" for number in range(9) if number not in bad]
    for image_id in holed.image_ids:
        for one, other in zip(rows_of(whole, "early", image_id), rows_of(holed, "early", image_id), strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-3, atol=1e-5)


def test_no_readable_image_is_an_error_that_names_one(
    plain: VisionModel, pictures: Pictures, tmp_path: Path, folder: Folder
) -> None:
    path = folder("bad", pictures(2), {0, 1})
    with pytest.raises(AtlasError, match=r"None of the 2 images of bad can be read \(000\.png: "):
        collect(plain, path, "early", out=tmp_path / "bad.acts")


def test_provenance_says_what_was_done(plain: VisionModel, pictures: Pictures, tmp_path: Path, folder: Folder) -> None:
    acts = collect(plain, folder("photos", pictures(2), set()), "late", seed=5, per_image=1)
    provenance = acts.provenance
    assert provenance["model"] == {"name": "PlainNet", "digest": plain.digest, "classes": 7}
    assert provenance["seed"] == 5
    assert provenance["settings"]["size"] == 24
    assert provenance["settings"]["model"]["preprocess"] == plain.input_digest
    assert torch.__version__.startswith(provenance["versions"]["torch"])
    assert str(tmp_path) not in repr(provenance)


def test_images_are_brought_to_the_size_asked_for(plain: VisionModel, pictures: Pictures) -> None:
    assert collect(plain, pictures(1), "early", size=40, attributions=False)["early"].map_size == (20, 20)


def test_the_size_of_the_images_is_kept_in_8_bits_too(plain: VisionModel, pictures: Pictures, tmp_path: Path) -> None:
    acts = collect(plain, pictures(1), "early", size=40)
    small = write_activations(acts, tmp_path / "small.acts", encoding="uint8")
    again = open_activations(small.path or "")
    assert acts.provenance["settings"]["size"] == again.provenance["settings"]["size"] == 40


def test_every_image_of_a_dataset_is_decoded_once(plain: VisionModel, pictures: Pictures) -> None:
    images = pictures(7)
    reads: list[int] = []

    class Labelled:
        def __len__(self) -> int:
            return len(images)

        def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], int]:
            reads.append(index)
            return images[index], index % 2

    acts = collect(plain, Labelled(), ["early", "late"], batch_size=3, workers=0)
    assert sorted(reads) == list(range(7))
    assert acts.image_labels == [None] * 7


def test_a_bar_is_shown_unless_silence_is_asked_for(
    plain: VisionModel, pictures: Pictures, capsys: pytest.CaptureFixture[str]
) -> None:
    collect(plain, pictures(2), "late", progress=False)
    assert capsys.readouterr() == ("", "")
    collect(plain, pictures(2), "late")
    assert capsys.readouterr() == ("", "collect: 2 of 2\n")


def test_progress_goes_from_the_first_batch_to_the_last_image(plain: VisionModel, pictures: Pictures) -> None:
    calls: list[tuple[str, int, int]] = []
    collect(plain, pictures(5), "late", batch_size=2, progress=lambda *call: calls.append(call))
    assert calls[0] == ("collect", 2, 5)
    assert calls[-1] == ("collect", 5, 5)
    assert [done for _, done, _ in calls] == sorted(done for _, done, _ in calls)


def test_activations_beyond_float16_are_refused_unless_float32_is_chosen(
    wrapped: Callable[..., VisionModel], plain: VisionModel, pictures: Pictures
) -> None:
    with torch.no_grad():
        plain.module.get_parameter("early.weight").mul_(1e7)
    with pytest.raises(AtlasError, match=r"activations of early reach .*encoding='float32'"):
        collect(plain, pictures(1), "early")
    assert np.abs(collect(plain, pictures(1), "early", encoding="float32")["early"].vectors[:]).max() > 65504


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layer": "erly"}, "nearest names are early"),
        ({"layer": []}, "at least one layer"),
        ({"layer": ["late", "late"]}, "each layer once"),
        ({"layer": "head"}, "head"),
        ({"per_image": 0}, "per_image is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"size": 0}, "size is 0"),
        ({"encoding": "uint8"}, "float16"),
        ({"out": "s3://bucket/x.acts"}, "is a URL"),
    ],
)
def test_wrong_settings_are_refused_before_any_work(
    plain: VisionModel, pictures: Pictures, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(AtlasError, match=message):
        collect(plain, pictures(1), **({"layer": "late"} | settings))


def test_a_network_in_double_precision_is_kept_in_half(plain64: VisionModel, pictures: Pictures) -> None:
    assert collect(plain64, pictures(1), "late")["late"].vectors.dtype == np.float16


def test_smooth_pooling_is_another_collection_and_off_by_default(
    plain: VisionModel, pictures: Pictures, tmp_path: Path
) -> None:
    images = pictures(4)
    asked: dict[str, Any] = {"per_image": 2, "encoding": "float32", "progress": False, "workers": 0}
    smooth = collect(plain, images, "early", smooth_pooling=True, **asked)
    usual = collect(plain, images, "early", **asked)
    assert "smooth_pooling" not in usual.provenance["settings"]
    assert smooth.provenance["settings"]["smooth_pooling"] is True
    assert smooth.digest != usual.digest
    rows = smooth["early"]
    np.testing.assert_array_equal(rows.vectors, usual["early"].vectors)
    y, x = (torch.from_numpy(rows.position.astype(np.int64).reshape(4, 2, 2)[..., axis].copy()) for axis in (0, 1))
    expected = attribute(plain, pixels(images), "early", y, x, smooth_pooling=True)
    np.testing.assert_allclose(np.asarray(rows.attributions), expected.flatten(0, 1), rtol=1e-4, atol=1e-6)
    collect(plain, images, "early", out=tmp_path / "x.acts", **asked)
    with pytest.raises(AtlasError, match="smooth_pooling"):
        collect(plain, images, "early", out=tmp_path / "x.acts", smooth_pooling=True, **asked)
