"""New images on an atlas that exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from atlas.activations import collect
from atlas.errors import AtlasError
from atlas.models import VisionModel, load_model, wrap_model
from atlas.pipeline import build
from atlas.render import RenderSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.activations import Activations
    from atlas.atlas import Atlas


def test_a_picture_the_atlas_was_made_of_falls_on_its_own_places(
    small_atlas: Atlas, small_acts: Activations, small_net: VisionModel, small_pictures: NDArray[np.uint8]
) -> None:
    found = small_atlas.project(small_pictures[:5], model=small_net)
    rows, own = small_acts["body"], small_atlas.xy()
    assert found.map_size == (8, 8)
    assert len(found) == 5 * len(np.unique(found.position, axis=0))
    there = {(int(i), *map(int, p)): k for k, (i, p) in enumerate(zip(rows.image, rows.position, strict=True))}
    pairs = [
        (k, there[key])
        for k, (i, p) in enumerate(zip(found.image, found.position, strict=True))
        if (key := (int(i), *map(int, p))) in there
    ]
    assert len(pairs) == 40
    placed, taught = map(list, zip(*pairs, strict=True))
    distance = np.linalg.norm(found.xy[placed] - own[taught], axis=1)
    rng = np.random.Generator(np.random.Philox(0))
    others = np.linalg.norm(found.xy[placed] - own[rng.permutation(taught)], axis=1)
    assert distance.max() < 0.02 < 0.2 * others.mean()
    assert found.similarity[placed].min() > 0.999


def test_a_path_a_picture_a_list_and_a_folder_give_the_same_places(
    small_atlas: Atlas, small_net: VisionModel, small_pictures: NDArray[np.uint8], tmp_path: Path
) -> None:
    picture = Image.fromarray(small_pictures[0])
    picture.save(tmp_path / "one [red].png")
    path = tmp_path / "one [red].png"
    given = [picture, path, str(path), [picture], [path], tmp_path, small_pictures[:1]]
    found = [small_atlas.project(images, model=small_net) for images in given]
    for projection in found[1:]:
        np.testing.assert_array_equal(projection.xy, found[0].xy)
    assert found[1].image_ids[0].endswith("one [red].png")
    assert set(found[0].image.tolist()) == {0}


def test_the_positions_of_a_picture_can_be_chosen(
    small_atlas: Atlas, small_net: VisionModel, small_pictures: NDArray[np.uint8]
) -> None:
    assert len(small_atlas.project(small_pictures[:3], model=small_net, per_image=2)) == 6
    with pytest.raises(AtlasError, match="per_image"):
        small_atlas.project(small_pictures[:3], model=small_net, per_image=0)


def test_a_picture_unlike_all_others_has_a_low_similarity(
    small_atlas: Atlas, small_net: VisionModel, small_pictures: NDArray[np.uint8]
) -> None:
    noise = np.random.Generator(np.random.Philox(1)).integers(0, 2, (1, 32, 32, 3), dtype=np.uint8) * np.uint8(255)
    strange = small_atlas.project(noise, model=small_net)
    known = small_atlas.project(small_pictures[:1], model=small_net)
    assert np.median(strange.similarity) < known.similarity.min()


def test_the_network_must_be_the_one_of_the_atlas(
    small_atlas: Atlas, small_net: VisionModel, small_pictures: NDArray[np.uint8]
) -> None:
    from copy import deepcopy  # noqa: PLC0415

    other = deepcopy(small_net.module)
    with_other_weights = next(other.parameters())
    with_other_weights.data += 1
    with pytest.raises(AtlasError, match="came from small with other weights"):
        small_atlas.project(small_pictures[:1], model=wrap_model(other, input_size=32, name="small"))
    with pytest.raises(AtlasError, match=r"came from small, which has no known weights; give model="):
        small_atlas.project(small_pictures[:1])
    with pytest.raises(AtlasError, match="no layer 'head'; it has body"):
        small_atlas.project(small_pictures[:1], model=small_net, layer="head")
    with pytest.raises(AtlasError, match="does not exist"):
        small_atlas.project("nowhere.jpg", model=small_net)


def test_a_network_with_a_known_name_is_loaded_by_it(
    small_pictures: NDArray[np.uint8], tmp_path: Path, build_small: Callable[..., Atlas]
) -> None:
    acts = collect(load_model(device="cpu"), small_pictures[:3], "conv2d1", per_image=3, attributions=False)
    few = RenderSettings(size=32, steps=1, tile=1)
    world = build(acts, grids=(1,), out=tmp_path / "x.atlas", rendering=few, progress=False)
    found = world.project(small_pictures[:3], per_image="all")
    assert np.isfinite(found.xy).any()
    assert world.class_names is not None
    assert len(world.class_names) == 200


def test_markers_are_the_places_of_each_picture_that_the_atlas_knows_best(
    small_atlas: Atlas, small_net: VisionModel, small_pictures: NDArray[np.uint8], tmp_path: Path
) -> None:
    for index, name in enumerate(("cat", "dog")):
        Image.fromarray(small_pictures[index]).save(tmp_path / f"{name}.png")
    found = small_atlas.project(tmp_path, model=small_net)
    markers = found.markers(per_image=3)
    assert [marker.text for marker in markers] == ["cat"] * 3 + ["dog"] * 3
    assert {marker.layer for marker in markers} == {"body"}
    assert markers[0].colour != markers[3].colour
    inside = ((found.xy >= 0) & (found.xy < 1)).all(axis=1)
    for index in (0, 1):
        best = sorted(found.similarity[(found.image == index) & inside], reverse=True)[:3]
        places = [(marker.x, marker.y) for marker in markers[3 * index : 3 * index + 3]]
        rows = [
            int(np.flatnonzero((found.xy == np.array(place, np.float32)).all(axis=1) & (found.image == index))[0])
            for place in places
        ]
        np.testing.assert_allclose(found.similarity[rows], best)
    assert small_atlas.view(markers=markers).header["markers"][0]["text"] == "cat"
    with pytest.raises(AtlasError, match="per_image is 0; give 1 or more"):
        found.markers(per_image=0)
