from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from atlas.errors import AtlasError
from atlas.images import ImageLoader, open_images

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PIL import Image


@pytest.fixture
def files(tmp_path: Path, paint: Callable[..., Image.Image]) -> list[Path]:
    paths = [tmp_path / "set" / name for name in ["b/1.jpg", "a/1.jpg", "top.png"]]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        paint().save(path)
    return paths


def test_a_list_keeps_its_order_and_its_ids_hold_no_absolute_path(files: list[Path]) -> None:
    source = open_images(files)
    assert [source.image_id(index) for index in range(3)] == ["b/1.jpg", "a/1.jpg", "top.png"]
    assert [source.label(index) for index in range(3)] == ["b", "a", None]
    assert source.name == "list of 3 files"


def test_a_missing_file_and_a_folder_in_a_list_are_skipped_and_named(files: list[Path]) -> None:
    paths = [files[0], files[0].parent / "gone.jpg", files[1].parent, files[2], files[2].parent / "nul\0.jpg"]
    source = open_images([str(path) for path in paths])
    loader = ImageLoader(source, 8)
    assert [index for batch in loader for index in batch.indices.tolist()] == [0, 3]
    assert [(entry.image_id, entry.reason) for entry in loader.skipped] == [
        ("b/gone.jpg", "the file does not exist"),
        ("a", "a folder, not an image"),
        ("nul\0.jpg", "embedded null byte"),
    ]


def test_a_file_listed_twice_has_two_ids(files: list[Path]) -> None:
    source = open_images([files[2], files[2]])
    assert [source.image_id(index) for index in range(2)] == ["top.png", "top.png#2"]


def test_a_generator_of_paths_and_a_single_file_work(files: list[Path]) -> None:
    assert len(open_images(files[0].parents[1].rglob("*.jpg"))) == 2
    assert open_images(files[2]).image_id(0) == "top.png"


def test_ids_do_not_spell_out_the_home_directory(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    home = files[0].parent
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    source = open_images([files[0], files[1]])
    assert [source.image_id(index) for index in range(2)] == ["b/1.jpg", "a/1.jpg"]
    deep = open_images([files[0], files[2].parent.parent / "set" / "x" / "y" / "z.jpg"])
    assert [deep.image_id(index) for index in range(2)] == ["b/1.jpg", "y/z.jpg"]


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(AtlasError, match="empty"):
        open_images([])
