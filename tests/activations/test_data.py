from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from atlas.activations import Activations, LayerActivations
from atlas.errors import AtlasError


def test_activations_are_a_mapping_of_layers(made_up: Activations) -> None:
    assert made_up.layers == tuple(made_up) == ("block/1.conv", "mixed5b")
    assert "mixed5b" in made_up
    assert "mixed4c" not in made_up
    assert len(made_up) == 2
    assert made_up["mixed5b"].n_channels == 3


def test_an_unknown_layer_is_refused_with_those_present(made_up: Activations) -> None:
    with pytest.raises(AtlasError, match=r"no layer 'mixed4c'.*block/1\.conv, mixed5b"):
        made_up["mixed4c"]


def test_rows_know_the_label_of_their_image(made_up: Activations) -> None:
    layer = made_up["block/1.conv"]
    assert layer.labels == [made_up.image_labels[index] for index in layer.image.tolist()]
    assert None in layer.labels


def test_a_subset_keeps_what_belongs_together(made_up: Activations) -> None:
    layer = made_up["block/1.conv"]
    rows = np.array([77, 3, 3, 129])
    some = layer.subset(rows)
    assert len(some) == 4
    np.testing.assert_array_equal(some.vectors[:], layer.vectors[rows])
    assert layer.attributions is not None
    assert some.attributions is not None
    np.testing.assert_array_equal(some.attributions[:], layer.attributions[rows])
    np.testing.assert_array_equal(some.position, layer.position[rows])
    assert some.labels == [layer.labels[row] for row in rows.tolist()]
    np.testing.assert_array_equal(layer.subset(layer.image == 3).image, layer.image[layer.image == 3])


def test_both_kinds_show_their_sizes(made_up: Activations) -> None:
    assert repr(made_up["mixed5b"]) == "<LayerActivations mixed5b: 40 x 3 from a 4 x 6 map, no attributions>"
    assert "of 50 images: block/1.conv: 130 x 5 from a 4 x 6 map, 9 classes; mixed5b" in repr(made_up)


def test_the_digest_follows_the_content(made_up: Activations) -> None:
    layers = [made_up[name] for name in made_up.layers]
    again = Activations.in_memory(layers, image_ids=made_up.image_ids, image_labels=made_up.image_labels)
    assert again.digest == made_up.digest
    vectors = np.asarray(layers[1].vectors).copy()
    vectors[5, 1] += 1
    changed = [layers[0], dataclasses.replace(layers[1], vectors=vectors)]
    assert Activations.in_memory(changed, image_ids=made_up.image_ids).digest != made_up.digest


@pytest.mark.parametrize(
    "change",
    [
        {"image": np.zeros(39, dtype=np.int64)},
        {"position": np.zeros((41, 2), dtype=np.int16)},
        {"position": np.full((40, 2), 5, dtype=np.int16)},
        {"attributions": np.zeros((3, 2), dtype=np.float16)},
        {"image": np.full(40, -1)},
    ],
)
def test_rows_that_do_not_belong_together_are_refused(made_up: Activations, change: dict[str, object]) -> None:
    fields = {field.name: getattr(made_up["mixed5b"], field.name) for field in dataclasses.fields(LayerActivations)}
    with pytest.raises(AtlasError, match="mixed5b"):
        LayerActivations(**(fields | change))


def test_lists_of_different_lengths_and_rows_without_an_image_are_refused(made_up: Activations) -> None:
    layer = made_up["mixed5b"]
    with pytest.raises(AtlasError, match="equally long"):
        Activations.in_memory([layer], image_ids=made_up.image_ids, image_labels=["one"])
    with pytest.raises(AtlasError, match="of 2 images"):
        Activations.in_memory([layer], image_ids=["a", "b"])
    with pytest.raises(AtlasError, match="each layer once"):
        Activations.in_memory([layer, layer], image_ids=made_up.image_ids)
