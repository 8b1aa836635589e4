"""Drawn pans: what is drawn is what is said, and nothing else goes with the class."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from atlas.datasets import CLASSES, CUES, Pans, SmallInception, learn
from atlas.errors import AtlasError
from atlas.images import ImageSource, open_images


def truths(pans: Pans) -> list[tuple[str, str, bool]]:
    return [(truth.label, truth.shape, truth.cue) for truth in map(pans.truth, range(len(pans)))]


def share(drawn: list[tuple[str, str, bool]], label: str) -> float:
    cues = [cue for name, _, cue in drawn if name == label]
    return sum(cues) / len(cues)


def test_a_spurious_cue_goes_with_one_class_and_a_nuisance_with_none() -> None:
    spurious, nuisance = truths(Pans(1200, "checks")), truths(Pans(1200, "checks", spurious=False))
    assert share(spurious, "wok") == pytest.approx(0.8, abs=0.06)
    assert share(spurious, "frying pan") == pytest.approx(0.02, abs=0.03)
    for label in CLASSES:
        assert share(nuisance, label) == pytest.approx(0.4, abs=0.08)
        shapes = [shape == label for name, shape, _ in spurious if name == label]
        assert np.mean(shapes) == pytest.approx(0.75, abs=0.07)


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
def test_the_cue_is_where_the_truth_says_and_its_twin_has_its_colours(cue: str) -> None:
    pans = Pans(60, cue)
    index = next(i for i in range(60) if pans.truth(i).cue)
    box = pans.truth(index).box
    assert box is not None
    left, top, right, bottom = (round(64 * side) for side in box)
    part = np.asarray(pans.load(index))[top:bottom, left:right].reshape(-1, 3).astype(float)
    own = np.asarray(CUES[cue].colours, dtype=float)
    distance = np.linalg.norm(part[:, None] - own, axis=2).min(axis=1)
    assert np.mean(distance < 60) > 0.3
    rng = np.random.Generator(np.random.Philox(0))
    means = [np.asarray(CUES[cue].draw(rng, 96, twin=twin, scale=2)).reshape(-1, 3).mean(0) for twin in (False, True)]
    assert np.abs(means[0] - means[1]).max() < 60


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
