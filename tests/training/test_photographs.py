from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from atlas.errors import AtlasError
from atlas.images import open_images
from atlas.models.labels import ClassLabel, Labels
from atlas.training import random_crops, read_photographs
from atlas.training.photographs import whole

if TYPE_CHECKING:
    from pathlib import Path


def test_classes_follow_the_subfolders_and_unreadable_files_shift_nothing(folders: Path, tmp_path: Path) -> None:
    source = tmp_path / "photographs"
    for name in ("green", "red"):
        (source / name).mkdir(parents=True)
        for number, file in enumerate(sorted((folders / "train" / name).iterdir())[:4]):
            (source / name / f"{number}.png").write_bytes(file.read_bytes())
    (source / "green" / "1.png").write_bytes(b"no picture")
    found = read_photographs(open_images(source), 16, workers=0)
    assert found.labels.names == ["green", "red"]
    assert found.classes.tolist() == [0, 0, 0, 1, 1, 1, 1]
    brightest = found.pixels.float().mean((2, 3)).argmax(1)
    assert brightest.tolist() == [1, 1, 1, 0, 0, 0, 0]
    assert "1.png" in str(found.summary["skipped"])


def test_labels_given_decide_the_order_of_classes_by_name_synonym_or_wnid() -> None:
    labels = Labels([ClassLabel(0, "cat", "n001"), ClassLabel(1, "dog", "n002", ("hound",)), ClassLabel(2, "eel")])
    images = np.zeros((3, 16, 16, 3), np.uint8)
    found = read_photographs(open_images(images, labels=["hound", "n001", "eel"]), 16, labels=labels)
    assert found.classes.tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", None, "b"], "1 of 3 images"),
        (["a", "a", "a"], "one class only"),
    ],
)
def test_photographs_without_classes_are_refused(labels: list[str | None], message: str) -> None:
    with pytest.raises(AtlasError, match=message):
        read_photographs(open_images(np.zeros((3, 16, 16, 3), np.uint8), labels=labels), 16)


@given(st.integers(0, 2**32), st.floats(0.1, 1))
def test_a_crop_shows_a_part_of_the_photograph_mirrored_or_not(seed: int, least: float) -> None:
    # Every pixel says its column in red and its row in green.
    line = torch.linspace(0, 252, 64)
    image = torch.stack([line.expand(64, 64), line[:, None].expand(64, 64), torch.full((64, 64), 9.0)]).byte()
    crop = random_crops(image[None], 32, least, torch.Generator().manual_seed(seed))[0]
    assert crop.shape == (3, 32, 32)
    assert crop.min() >= 0
    assert crop.max() <= 252
    across, down = crop[0].diff(dim=1), crop[1].diff(dim=0)
    assert (across >= -1e-3).all() or (across <= 1e-3).all()
    assert (down >= -1e-3).all()
    # Shown area: sides of the crop in shares of the photograph, from the spread of the two ramps.
    width, height = (
        float(side) / 252 * 32 / 31 for side in (crop[0][0].max() - crop[0][0].min(), crop[1].max() - crop[1].min())
    )
    assert width * height > 0.7 * least


def test_crops_of_a_batch_differ_and_follow_from_the_generator() -> None:
    pixels = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    same = pixels.expand(4, -1, -1, -1)
    crops = random_crops(same, 48, 0.3, torch.Generator().manual_seed(7))
    assert all(not torch.equal(crops[0], crops[i]) for i in range(1, 4))
    torch.testing.assert_close(crops, random_crops(same, 48, 0.3, torch.Generator().manual_seed(7)), rtol=0, atol=0)


def test_whole_photographs_are_resized_as_torch_resizes() -> None:
    pixels = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(whole(pixels, 64), pixels.float())
    larger = F.interpolate(pixels.float(), (96, 96), mode="bilinear", align_corners=False)
    torch.testing.assert_close(whole(pixels, 96), larger)
