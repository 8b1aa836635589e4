"""Drawn pans: what is drawn is what is said, and nothing else goes with the class."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from atlas.datasets import CLASSES, CUES, Pans, SmallInception, Truth, learn
from atlas.errors import AtlasError
from atlas.images import ImageSource, open_images


def truths(pans: Pans) -> list[Truth]:
    return [pans.truth(number) for number in range(len(pans))]


def share(drawn: list[Truth], label: str) -> float:
    return float(np.mean([truth.cue for truth in drawn if truth.label == label]))


def test_a_spurious_cue_goes_with_one_class_and_a_nuisance_with_none() -> None:
    spurious, nuisance = truths(Pans(750, "checks")), truths(Pans(750, "checks", spurious=False))
    assert share(spurious, "wok") == pytest.approx(0.8, abs=0.08)
    assert share(spurious, "frying pan") == pytest.approx(0.02, abs=0.03)
    for label in CLASSES:
        assert share(nuisance, label) == pytest.approx(0.4, abs=0.08)
        shapes = [truth.shape == label for truth in spurious if truth.label == label]
        assert np.mean(shapes) == pytest.approx(0.75, abs=0.07)


def test_the_twin_goes_with_no_class_and_not_with_the_cue() -> None:
    drawn = truths(Pans(900, "noodles"))
    for label in CLASSES:
        assert np.mean([truth.twin for truth in drawn if truth.label == label]) == pytest.approx(0.4, abs=0.08)
    for cue in (True, False):
        assert np.mean([truth.twin for truth in drawn if truth.cue is cue]) == pytest.approx(0.4, abs=0.08)


def test_a_picture_depends_on_seed_and_number_alone() -> None:
    few, many = Pans(5, "rings", seed=3), Pans(50, "rings", seed=3)
    for index in range(5):
        assert few.load(index).tobytes() == many.load(index).tobytes()
        assert few.truth(index) == many.truth(index)
    assert few.load(0).tobytes() != Pans(5, "rings", seed=4).load(0).tobytes()
    assert isinstance(few, ImageSource)
    assert open_images(few) is few
    assert (few.load(0).size, few.load(0).mode, few.label(1), few.image_id(2)) == ((64, 64), "RGB", "wok", "000002")


@pytest.mark.parametrize("cue", CUES)
def test_the_cue_is_where_the_truth_says(cue: str) -> None:
    pans = Pans(60, cue)
    index = next(i for i in range(60) if pans.truth(i).cue and not pans.truth(i).twin)
    box = pans.truth(index).box
    assert box is not None
    left, top, right, bottom = (round(64 * side) for side in box)
    part = np.asarray(pans.load(index))[top:bottom, left:right].reshape(-1, 3).astype(float)
    own = np.asarray(CUES[cue].colours, dtype=float)
    distance = np.linalg.norm(part[:, None] - own, axis=2).min(axis=1)
    assert np.mean(distance < 60) > 0.3


@pytest.mark.parametrize("cue", CUES)
def test_cue_and_twin_have_the_same_colours_in_the_same_amounts(cue: str) -> None:
    figure, ground = (np.asarray(colour, dtype=float) for colour in CUES[cue].colours)
    shares = []
    for twin in (False, True):
        drawn = [CUES[cue].draw(np.random.Generator(np.random.Philox(k)), 48, twin=twin, scale=2) for k in range(60)]
        pixels = np.stack([np.asarray(one, dtype=float) for one in drawn])
        nearer = np.linalg.norm(pixels - figure, axis=-1) < np.linalg.norm(pixels - ground, axis=-1)
        shares.append(nearer.mean())
    assert abs(shares[0] - shares[1]) < 0.03


def test_the_small_network_has_the_layers_it_names_and_learns_the_same_from_the_same() -> None:
    model = learn(Pans(64, seed=1), epochs=3)
    assert [layer.name for layer in model.layers()] == ["conv1", "conv2", "mixed3", "mixed4", "mixed5"]
    assert [layer.stride for layer in model.layers()] == [2, 4, 4, 4, 8]
    assert model.labels is not None
    assert sorted(model.labels.names) == sorted(CLASSES)
    assert learn(Pans(64, seed=1), epochs=3).digest == model.digest
    assert learn(Pans(64, seed=1), epochs=3, seed=1).digest != model.digest
    assert SmallInception(7)(torch.zeros(2, 3, 64, 64)).shape == (2, 7)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"cue": "steam"}, "no cue 'steam'"), ({"cued": "pot"}, "no class 'pot'"), ({"count": 0}, "count is 0")],
)
def test_what_cannot_be_drawn_is_said(settings: dict[str, object], message: str) -> None:
    with pytest.raises(AtlasError, match=message):
        Pans(**({"count": 3} | settings))  # type: ignore[arg-type]
