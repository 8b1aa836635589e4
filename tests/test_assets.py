"""What ships: the weights are as good as stated, activations and atlas are of these weights."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch.nn import functional as F

import atlas
from atlas.assets import asset
from atlas.models import load_model
from atlas.models.inception import HEAD
from atlas.render import centre
from atlas.training import accuracy_of_logits

if TYPE_CHECKING:
    from atlas.activations import Activations
    from atlas.atlas import Atlas
    from atlas.models import VisionModel

ROOT = Path(__file__).parents[1]
REPORT = json.loads((ROOT / "benchmarks/results/training.json").read_text(encoding="utf-8"))
CARD = (ROOT / "assets/inceptionv1-tiny.md").read_text(encoding="utf-8")
SAMPLE_BYTES = 8_000_000
#: Least standard deviation of an icon's pixels, of 255: a dead start is a flat grey square.
LEAST_CONTRAST = 12


@pytest.fixture(scope="module")
def model() -> VisionModel:
    return load_model("inceptionv1-tiny", device="cpu")


@pytest.fixture(scope="module")
def acts() -> Activations:
    return atlas.open_activations(asset("activations.acts"))


@pytest.fixture(scope="module")
def sample() -> Atlas:
    return atlas.sample()


def test_the_weights_are_as_accurate_on_validation_photographs_as_stated(model: VisionModel) -> None:
    with safe_open(ROOT / "assets/validation.safetensors", framework="pt") as file:
        features, classes = file.get_tensor("features").float(), file.get_tensor("classes").long()
        about = file.metadata()
    assert about["weights"] == model.digest
    head = model.module.get_submodule(HEAD)
    found = accuracy_of_logits(head(features), classes, 96)
    stated = json.loads(about["figures"])
    assert found.photographs == 1_000
    assert found.top1 == pytest.approx(stated["top1"], abs=2e-3)
    assert found.top5 == pytest.approx(stated["top5"], abs=2e-3)
    assert found.loss == pytest.approx(stated["loss"], abs=2e-3)
    # The whole set's figure: four standard errors of a share measured on 1,000.
    whole = next(row for row in REPORT["accuracy"] if row["size"] == model.input_size)
    assert abs(found.top1 - whole["top1"]) < 4 * np.sqrt(whole["top1"] * (1 - whole["top1"]) / 1_000)


def test_the_model_card_states_what_the_report_says() -> None:
    for row in REPORT["accuracy"]:
        assert f"{row['size']} px" in CARD
        assert re.search(rf"\b{row['top1'] * 100:.1f}\b", CARD), row
    assert REPORT["done"] == 1


def test_the_activations_are_of_these_weights_and_one_set_of_photographs(model: VisionModel, acts: Activations) -> None:
    assert acts.provenance["model"]["digest"] == model.digest
    assert acts.layers == ("mixed3b", "mixed4c", "mixed4e", "mixed5b")
    first = acts[acts.layers[0]]
    for name in acts.layers:
        rows = acts[name]
        assert rows.vectors.shape == (len(first), model.layer(name).channels)
        assert rows.attributions is not None
        assert rows.attributions.shape == (len(first), 200)
        assert np.array_equal(rows.image, first.image)


def test_attributions_at_the_last_layer_are_those_of_the_head(model: VisionModel, acts: Activations) -> None:
    rows = acts["mixed5b"]
    vectors = torch.from_numpy(np.asarray(rows.vectors[:200], dtype=np.float32))
    assert rows.attributions is not None
    found = torch.from_numpy(np.asarray(rows.attributions[:200], dtype=np.float32))
    weight = model.module.get_submodule(HEAD).get_parameter("weight")
    # The logit is the head applied to the mean over the map, so one position adds its share of it.
    expected = vectors @ weight.T / float(np.prod(rows.map_size))
    likeness = F.cosine_similarity(found, expected, dim=1)
    # One byte a number is what separates them.
    assert likeness.min() > 0.98


def test_the_sample_atlas_has_two_layers_of_three_levels_and_is_small(sample: Atlas, model: VisionModel) -> None:
    assert sample.layers == ("mixed4c", "mixed5b")
    assert [sample.grids(layer) for layer in sample.layers] == [(10, 20, 40)] * 2
    assert sum(path.stat().st_size for path in sample.path.rglob("*") if path.is_file()) <= SAMPLE_BYTES
    assert sample.provenance["model"]["digest"] == model.digest
    assert len(sample.activations["mixed4c"]) == len(sample.xy("mixed4c"))
    assert sample.class_names is not None
    assert "wok" in sample.class_names


@pytest.mark.parametrize("layer", ["mixed4c", "mixed5b"])
def test_the_icons_of_the_sample_make_the_network_answer_with_their_cells_means(
    sample: Atlas, model: VisionModel, layer: str
) -> None:
    level = sample.level(20, layer)
    assert level.icons is not None
    assert level.cosine is not None
    chosen = np.arange(0, len(level.grid), 6)
    pixels = np.stack([level.icons[int(i)] for i in chosen])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        answers = centre(model.activations(images, [layer])[layer])
    achieved = F.cosine_similarity(answers, torch.from_numpy(level.grid.mean[chosen]).float(), dim=1).numpy()
    # Sheets are lossy, so each icon differs a little from what was measured; the level as a whole must not.
    assert abs(achieved.mean() - level.cosine[chosen].mean()) < 0.05
    assert np.corrcoef(achieved, level.cosine[chosen])[0, 1] > 0.7
    assert achieved.mean() > 0.7
    assert pixels.astype(float).std(axis=(1, 2, 3)).min() > LEAST_CONTRAST
