from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from atlas.images import ImageLoader, open_images, summarise

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


@pytest.fixture(scope="module")
def make_odd_folder() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "make_odd_folder.py"
    spec = importlib.util.spec_from_file_location("make_odd_folder", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("workers", [0, 2])
def test_the_report_on_a_folder_with_odd_and_bad_files_names_exactly_the_bad_ones(
    workers: int, tmp_path: Path, paint: Callable[..., Image.Image], make_odd_folder: ModuleType
) -> None:
    (tmp_path / "mosaics").mkdir()
    for name in ["cats", "dogs"]:
        mosaic = Image.new("RGB", (64 * 10, 64 * 3))
        for number in range(30):
            mosaic.paste(paint(number, 64, 64), (64 * (number % 10), 64 * (number // 10)))
        mosaic.save(tmp_path / "mosaics" / f"{name}.png")
    bad = make_odd_folder.make_folder(tmp_path / "mosaics", tmp_path / "photos", 60)
    assert len(bad) == 15
    assert (tmp_path / "bad.txt").read_text(encoding="utf-8").splitlines() == bad

    source = open_images(tmp_path / "photos")
    assert len(source) == 60 + 15 + 15
    loader = ImageLoader(source, 32, workers=workers)
    assert sum(len(batch.indices) for batch in loader) == 75
    report = summarise(loader.skipped, len(source)).splitlines()
    assert report[0] == "15 of 90 images skipped:"
    assert [line.strip().split(": ")[0] for line in report[1:]] == bad
    assert {source.label(index) for index in range(len(source))} >= {"cats", "dogs", None}
