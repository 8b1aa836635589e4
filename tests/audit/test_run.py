"""An audit of a network whose reasons are known."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from atlas.audit import CONTROLS, Patch, patch_test
from atlas.audit.findings import WAYS
from atlas.audit.statistics import mcnemar, wilson
from atlas.errors import AtlasError
from atlas.images import open_images
from atlas.models import wrap_model

from .conftest import FIGURE, SIDE, CrossNet, figure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from atlas.audit import PatchTest
    from atlas.images import ImageSource
    from atlas.models import VisionModel


def test_the_figure_that_the_network_looks_for_is_found_and_the_stripe_is_not(audited: PatchTest) -> None:
    cross, stripe = audited.reports
    assert (cross.verdict, stripe.verdict) == ("found", "not found")
    assert audited.found == ["cross"]
    assert cross.difference.mean > 0.8
    assert "cross: found" in str(cross)


def test_only_correctly_classified_photographs_of_the_source_take_part(
    audited: PatchTest, cross_net: VisionModel
) -> None:
    dark = np.zeros((30, SIDE, SIDE, 3), dtype=np.uint8)
    dark[:3] = np.array([126, 128, 130])[:, None, None, None]
    images = open_images(dark, labels=["plain"] * 30)
    result = patch_test(cross_net, images, "plain", "crossed", patches=figure(), progress=False)
    assert sorted(result.photographs.ids) == ["000000", "000001", "000002"]
    assert result.photographs.tried == 30
    assert len(audited.photographs) == 80


def test_copies_of_a_photograph_count_once_and_are_reported(
    cross_net: VisionModel, recorder: Callable[..., Any]
) -> None:
    rng = np.random.Generator(np.random.Philox(8))
    pictures = rng.integers(110, 150, (6, SIDE, SIDE, 3), dtype=np.uint8)
    images = open_images(np.concatenate([pictures, pictures[:4], pictures[:1]]), labels=["plain"] * 11)
    said = recorder()
    result = patch_test(cross_net, images, "plain", "crossed", patches=figure(), progress=said)
    assert len(result.photographs) == len(set(result.photographs.digests)) == 6
    assert (result.photographs.tried, result.photographs.copies) == (11, 5)
    assert "5 copies among the photographs of plain are left out." in said.notes


def test_folders_that_may_mean_the_class_and_broken_files_are_reported(
    recorder: Callable[..., Any], tmp_path: Path
) -> None:
    net = wrap_model(
        CrossNet(), preprocess=torch.nn.Identity(), labels=["plain", "crane", "crane"], input_size=SIDE, name="cross"
    )
    for number in range(3):
        (tmp_path / "plain").mkdir(exist_ok=True)
        Image.fromarray(np.full((SIDE, SIDE, 3), 126 + number, dtype=np.uint8)).save(tmp_path / f"plain/{number}.png")
    (tmp_path / "crane").mkdir()
    (tmp_path / "crane/a.png").write_bytes((tmp_path / "plain/1.png").read_bytes())
    (tmp_path / "plain/broken.png").write_bytes(b"no picture")
    said = recorder()
    result = patch_test(net, tmp_path, "plain", 1, patches=figure(), progress=said)
    assert result.photographs.tried == 3
    assert any("1 images of plain cannot be read, first plain/broken.png" in line for line in said.notes)
    assert any("'crane' may mean" in line and "left out" in line for line in said.notes)


def test_real_patches_are_not_held_against_icons_and_that_is_said(
    cross_net: VisionModel, photographs: ImageSource, recorder: Callable[..., Any]
) -> None:
    said = recorder()
    grey = Patch("grey", (np.full_like(figure(), 128),), "icon")
    real = Patch("real cross", (figure(),), "real")
    result = patch_test(cross_net, photographs, 0, 1, patches=real, neutral=grey, limit=4, progress=said)
    assert {kind for kind, _ in result.arms} == {"patch", "noise", "shuffled", "target image"}
    assert "No neutral cell is like the real patches: that control of theirs is left out." in said.notes


def test_a_neutral_picture_may_be_an_array(cross_net: VisionModel, photographs: ImageSource) -> None:
    grey = np.full_like(figure(), 128)
    result = patch_test(cross_net, photographs, 0, 1, patches=figure(), neutral=grey, limit=4, progress=False)
    assert [patch.name for patch in result.arms["neutral", "picture 1"].patches] == ["picture 2"]


def test_size_and_corner_are_chosen_on_one_half_and_reported_on_the_other(audited: PatchTest) -> None:
    choosing, rest = audited.halves
    assert sorted([*choosing, *rest]) == list(range(80))
    predicted = audited.predictions["patch", "cross"]
    assert predicted.shape == (80, 8)
    chosen = max(audited.placements.preferred, key=lambda at: (predicted[choosing, at] == 1).sum())
    result = audited.outcome(("patch", "cross"))
    assert result.placement == chosen
    np.testing.assert_array_equal(result.flips, predicted[rest, chosen] == 1)
    best = audited.outcome(("patch", "cross"), "best")
    np.testing.assert_array_equal(best.flips, (predicted == 1).any(axis=1))


def test_the_table_repeats_what_is_computed_by_hand(audited: PatchTest) -> None:
    table = audited.table()
    rows = {(p, w, a): i for i, (p, w, a) in enumerate(zip(table["patch"], table["way"], table["arm"], strict=True))}
    own, noise = audited.outcome(("patch", "cross")), audited.outcome(("noise", "cross"))
    row = rows["cross", "held out", "patch"]
    assert table["flips"][row] == own.flips.sum()
    assert (table["low"][row], table["high"][row]) == wilson(int(own.flips.sum()), 40)
    row = rows["cross", "held out", "noise"]
    only, against = int((own.flips & ~noise.flips).sum()), int((noise.flips & ~own.flips).sum())
    assert table["p"][row] == mcnemar(only, against)
    assert table["p_corrected"][row] == min(1.0, 2 * mcnemar(only, against)), "the smaller of two, times two"
    assert table["difference"][row] == pytest.approx(own.rate - noise.rate)
    pooled = rows["all patches", "held out", "patch"]
    rates = [audited.outcome(("patch", name)).rate for name in ("cross", "stripe")]
    assert table["rate"][pooled] == pytest.approx(np.mean(rates))
    assert table["flips"][pooled] / table["images"][pooled] == table["rate"][pooled]
    assert set(table["arm"]) == {"patch", "noise", "shuffled", "neutral", "target image"}
    assert list(table.to_pandas().columns) == list(table.columns)


def test_differences_of_all_patches_together_are_paired_by_photograph(audited: PatchTest) -> None:
    rng = np.random.Generator(np.random.Philox(6))
    # Predictions that differ from arm to arm, and more from photograph to photograph.
    ease = rng.uniform(0, 0.8, (80, 1))
    predictions = {key: (rng.random((80, 8)) < ease).astype(np.int32) for key in audited.predictions}
    result = replace(audited, predictions=predictions)
    table = result.table()
    for way in WAYS:
        own = np.mean([result.outcome(("patch", name), way).flips for name in ("cross", "stripe")], axis=0)
        for kind in CONTROLS:
            key: Any = kind
            theirs = np.mean([result.outcome((key, name), way).flips for name in ("cross", "stripe")], axis=0)
            reference = stats.ttest_rel(own, theirs).confidence_interval(0.95)
            chosen = (table["patch"] == "all patches") & (table["way"] == way) & (table["arm"] == kind)
            (row,) = np.flatnonzero(chosen)
            assert table["difference"][row] == pytest.approx(own.mean() - theirs.mean())
            assert table["difference_low"][row] == pytest.approx(reference.low)
            assert table["difference_high"][row] == pytest.approx(reference.high)


def test_flips_to_a_third_class_are_counted_apart(cross_net: VisionModel, photographs: ImageSource) -> None:
    black = np.zeros((FIGURE, FIGURE, 3), dtype=np.uint8)
    result = patch_test(
        cross_net, photographs, "plain", "crossed", patches=[black], sizes=(0.95,), positions=["centre"], progress=False
    )
    found = result.outcome(("patch", "picture 1"))
    assert found.rate == 0
    assert found.others.mean() == 1


def test_a_second_run_gives_the_same_and_another_seed_does_not(
    audited: PatchTest, cross_net: VisionModel, photographs: ImageSource, patches: list[Patch]
) -> None:
    def again(seed: int) -> PatchTest:
        return patch_test(cross_net, photographs, 0, 1, patches=patches, sizes=(0.2, 0.375), seed=seed, progress=False)

    for key, predicted in again(0).predictions.items():
        np.testing.assert_array_equal(predicted, audited.predictions[key])
    assert again(1).photographs.ids != audited.photographs.ids


def test_what_is_written_is_everything_and_holds_no_photograph(audited: PatchTest, tmp_path: Path) -> None:
    written = audited.save(tmp_path / "audit.json")
    content = json.loads(written.read_text())
    assert [report["verdict"] for report in content["reports"]] == ["found", "not found"]
    assert content["provenance"]["seed"] == 0
    assert content["provenance"]["limit"] == 200
    assert content["provenance"]["photograph_digests"] == audited.photographs.digests
    assert [arm["kind"] for arm in content["provenance"]["arms"]] == [kind for kind, _ in audited.arms]
    assert content["provenance"]["model"]["input_digest"] == audited.model.input_digest
    assert set(content["reports"][0]["controls"]) == {"noise", "shuffled", "neutral", "target image"}
    assert content["provenance"]["model"]["digest"] == audited.model.digest
    assert len(content["table"]) == len(audited.table())
    assert [file.name for file in tmp_path.iterdir()] == ["audit.json"]
    with pytest.raises(AtlasError, match=r"must end in \.json"):
        audited.save(tmp_path / "audit.txt")


def test_a_handful_of_photographs_is_not_called_an_absence(cross_net: VisionModel) -> None:
    rng = np.random.Generator(np.random.Philox(3))
    few = rng.integers(110, 150, (10, SIDE, SIDE, 3), dtype=np.uint8)
    result = patch_test(
        cross_net, open_images(few, labels=["plain"] * 10), "plain", "crossed", patches=figure(), progress=False
    )
    (report,) = result.reports
    assert report.images == 5
    assert report.verdict == "not enough images", "five photographs cannot reach p < 0.05, whatever they do"
    assert report.detectable is None


def test_variants_of_a_patch_are_spread_over_the_photographs(cross_net: VisionModel, photographs: ImageSource) -> None:
    both = Patch("both", (figure(), np.full_like(figure(), 128)))
    result = patch_test(
        cross_net, photographs, "plain", "crossed", patches=[both], sizes=(0.375,), positions=["centre"], progress=False
    )
    assert 0.25 < (result.predictions["patch", "both"] == 1).mean() < 0.75
