"""Whether labels mean something: measured against a plain loop over every position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from atlas.activations import attribute, collect, label_meaning
from atlas.activations.meaning import MeaningSums

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.models.vision import VisionModel


def measured(model: VisionModel, pictures: NDArray[np.uint8], layer: str, **settings: Any) -> dict[str, Any]:
    found = collect(model, pictures, layer, progress=False, workers=0, **settings).provenance["attribution"][layer]
    return dict(found)


def test_agreement_and_chance_are_those_of_a_plain_count(
    plain: VisionModel, pictures: Callable[..., NDArray[np.uint8]]
) -> None:
    acts = collect(plain, pictures(30), "early", per_image=3, progress=False, workers=0)
    rows = acts["early"]
    images = torch.from_numpy(pictures(30)).permute(0, 3, 1, 2).float() / 255
    predicted = plain.logits(images).argmax(1).numpy()[rows.image]
    top = np.asarray(rows.attributions).argmax(1)
    meaning = label_meaning("early", acts.provenance["attribution"])
    assert meaning.rows == 90
    assert meaning.agreement == pytest.approx(np.mean([t == p for t, p in zip(top, predicted, strict=True)]))
    assert meaning.chance == pytest.approx(np.mean([t == p for t in top for p in predicted]))


def test_at_the_last_map_attributions_explain_all_of_a_logit_without_bias(
    plain: VisionModel, pictures: Callable[..., NDArray[np.uint8]]
) -> None:
    plain.module.get_parameter("head.bias").data.zero_()
    sums = MeaningSums(plain.n_classes)
    images = torch.from_numpy(pictures(4)).permute(0, 3, 1, 2).float() / 255
    row, col = torch.meshgrid(torch.arange(6), torch.arange(6), indexing="ij")
    rows, cols = (grid.reshape(1, -1).expand(4, -1) for grid in (row, col))
    found = attribute(plain, images, "late", rows, cols).flatten(0, 1).numpy()
    logits = plain.logits(images).repeat_interleave(36, dim=0).numpy()
    sums.add(found, logits, (6, 6))
    assert sums.record()["explained"] == pytest.approx(1, abs=1e-5)


def test_interrupted_or_not_the_same_figures_come_out(
    plain: VisionModel, pictures: Callable[..., NDArray[np.uint8]], tmp_path: Path
) -> None:
    whole = measured(plain, pictures(1200), "late", per_image=1, out=tmp_path / "whole.acts")

    def stop(_stage: str, done: int, _total: int) -> None:
        if done > 600:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect(plain, pictures(1200), "late", per_image=1, out=tmp_path / "cut.acts", progress=stop, workers=0)
    assert measured(plain, pictures(1200), "late", per_image=1, out=tmp_path / "cut.acts") == whole
    assert measured(plain, pictures(1200), "late", per_image=1) == whole
    assert whole["rows"] == 1200


def test_labels_that_are_always_right_mean_something_and_guesses_do_not() -> None:
    rng = np.random.Generator(np.random.Philox(1))
    logits = rng.normal(size=(400, 6))
    right, guess = MeaningSums(6), MeaningSums(6)
    right.add(logits / 9, logits, (3, 3))
    guess.add(rng.normal(size=(400, 6)), logits, (3, 3))
    good, poor = (label_meaning("late", {"late": sums.record()}) for sums in (right, guess))
    assert good.informative
    assert (good.agreement, good.kappa, good.explained) == pytest.approx((1, 1, 1))
    assert good.note is None
    assert not poor.informative
    assert poor.note is not None
    assert poor.note.startswith("Class labels mean little at late: the class that an activation adds most to is what")


def test_agreement_by_chance_alone_does_not_count() -> None:
    """Of a network that predicts one class for nearly everything, any label that says so agrees."""
    rng = np.random.Generator(np.random.Philox(2))
    sums = MeaningSums(2)
    logits = np.stack([np.ones(1000), rng.choice([0.0, 2.0], 1000, p=[0.9, 0.1])], axis=1)
    attributions = np.stack([np.ones(1000), rng.choice([0.0, 2.0], 1000, p=[0.9, 0.1])], axis=1)
    sums.add(attributions, logits, (2, 2))
    meaning = label_meaning("late", {"late": sums.record()})
    assert meaning.agreement is not None
    assert meaning.agreement > 0.75
    assert not meaning.informative


@pytest.mark.parametrize(
    "stored", [None, {}, "damaged", {"mixed3b": 3}, {"mixed3b": {"rows": 9}}, {"mixed3b": {"rows": "9"}}]
)
def test_where_nothing_was_measured_the_name_decides(stored: Any) -> None:
    early, late = label_meaning("mixed3b", stored), label_meaning("mixed4c", stored)
    assert not early.informative
    assert early.note == "Class labels mean little at mixed3b, so early in the network."
    assert late.informative
    assert early.agreement is late.agreement is None
