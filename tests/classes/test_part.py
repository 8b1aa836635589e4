from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import atlas
from atlas.assets import asset
from atlas.classes.part import folder_beside

if TYPE_CHECKING:
    import pytest


def test_an_atlas_of_classes_of_the_shipped_sample_lies_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert folder_beside(atlas.sample(), "mixed5b", ["frying pan", "wok"]) == (
        Path.cwd() / "sample-mixed5b-frying-pan-wok.atlas"
    )


def test_an_atlas_of_classes_of_any_other_atlas_lies_beside_it(tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "photos.atlas"
    shutil.copytree(asset("sample.atlas"), copy)
    assert folder_beside(atlas.open(copy), "mixed4c", ["wok"]) == copy.with_name("photos-wok.atlas").resolve()
