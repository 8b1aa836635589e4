from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from atlas.errors import AtlasError
from atlas.images import ImageLoader, ImageSource, open_images

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image


def ids(source: ImageSource) -> list[str]:
    return [source.image_id(index) for index in range(len(source))]


def read(source: ImageSource) -> tuple[list[str], dict[str, str]]:
    loader = ImageLoader(source, 8, workers=0)
    good = [source.image_id(int(index)) for batch in loader for index in batch.indices]
    reasons = {entry.image_id: entry.reason for entry in loader.skipped}
    assert len(reasons) == len(loader.skipped)
    return good, reasons


@pytest.fixture
def folder(tmp_path: Path, paint: Callable[..., Image.Image]) -> Path:
    root = tmp_path / "photos"
    for number, name in enumerate(["b.jpg", "cats/2.png", "cats/1.png", "dogs/old/x.gif", "A.JPG"]):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        paint(number).save(root / name)
    return root


def test_all_images_are_found_sorted_by_id_and_labelled_by_their_folder(folder: Path) -> None:
    source = open_images(folder)
    assert isinstance(source, ImageSource)
    assert source.name == "photos"
    assert ids(source) == ["A.JPG", "b.jpg", "cats/1.png", "cats/2.png", "dogs/old/x.gif"]
    assert [source.label(index) for index in range(5)] == [None, None, "cats", "cats", "old"]


def test_a_path_as_text_and_a_home_path_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))
    assert ids(open_images(str(folder))) == ids(open_images("~/photos"))


def test_files_that_do_not_claim_to_be_images_are_passed_over_in_silence(folder: Path) -> None:
    for name in ["README.txt", ".DS_Store", "Thumbs.db", "cats/labels.csv", "empty"]:
        (folder / name).write_bytes(b"" if name == "empty" else b"BM is how this text begins")
    (folder / "._b.jpg").write_bytes(b"resource fork")
    (folder / "gone.txt").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    good, reasons = read(open_images(folder))
    assert len(good) == 5
    assert reasons == {}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "JPEG2000", "AVIF", "QOI"])
def test_an_image_is_known_by_its_content_whatever_it_is_called(
    kind: str, tmp_path: Path, paint: Callable[..., Image.Image]
) -> None:
    for name in ["data.bin", "no-ending", "other.jpg"]:
        paint().save(tmp_path / name, format=kind)
    good, reasons = read(open_images(tmp_path))
    assert good == ["data.bin", "no-ending", "other.jpg"]
    assert reasons == {}


def test_what_claims_to_be_an_image_and_is_none_is_named_with_the_reason(folder: Path) -> None:
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("not a photograph")
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    good, reasons = read(open_images(folder))
    assert len(good) == 5
    assert reasons == {
        "dangling.jpg": "the link points to nothing",
        "empty.jpg": "the file is empty",
        "loop.jpg": "the link points to itself",
        "phone.HEIC": "a camera format that is not read: export it as JPEG, PNG or TIFF",
        "pipe.jpg": "not a regular file",
        "text.jpg": "not an image, or of a format that is not read",
    }


def test_a_folder_named_like_an_image_is_reported_and_its_content_read(
    folder: Path, paint: Callable[..., Image.Image]
) -> None:
    (folder / "trip.jpg").mkdir()
    paint().save(folder / "trip.jpg" / "inside.png")
    good, reasons = read(open_images(folder))
    assert "trip.jpg/inside.png" in good
    assert reasons == {"trip.jpg": "a folder, not an image; what is in it is read"}


@pytest.mark.parametrize("target", [".", "..", "../..", "../dogs"])
@pytest.mark.parametrize("name", ["again", "again.jpg"])
def test_a_link_to_a_folder_that_is_read_anyway_is_reported_once(folder: Path, target: str, name: str) -> None:
    (folder / "dogs" / name).symlink_to(target, target_is_directory=True)
    good, reasons = read(open_images(folder))
    assert len(good) == 5
    assert reasons == {f"dogs/{name}": "the link leads back to a folder that contains it"}


def test_a_folder_behind_a_link_is_read_and_named_by_the_link(
    folder: Path, tmp_path: Path, paint: Callable[..., Image.Image]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    paint().save(tmp_path / "elsewhere" / "far.jpg")
    (folder / "birds").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    source = open_images(folder)
    good, reasons = read(source)
    assert "birds/far.jpg" in good
    assert source.label(ids(source).index("birds/far.jpg")) == "birds"
    assert reasons == {}


def test_a_folder_reached_twice_keeps_its_own_name(folder: Path) -> None:
    (folder / "a-link").symlink_to("cats", target_is_directory=True)
    good, reasons = read(open_images(folder))
    assert "cats/1.png" in good
    assert len(good) == 5
    assert reasons == {"a-link": "the same folder as cats, which is read once"}


def test_links_between_two_folders_end(folder: Path, tmp_path: Path, paint: Callable[..., Image.Image]) -> None:
    other = tmp_path / "other"
    other.mkdir()
    paint().save(other / "o.jpg")
    (folder / "to-other").symlink_to(other, target_is_directory=True)
    (other / "to-photos").symlink_to(folder, target_is_directory=True)
    good, reasons = read(open_images(folder))
    assert len(good) == 6
    assert reasons == {"to-other/to-photos": "the same folder as the top, which is read once"}


@pytest.mark.parametrize(
    "name", ['it\'s "quoted".jpg', "<b>bold & [red].jpg", "two\nlines.jpg", "tab\t.jpg", "émile 写真.jpg", "%s{0}.jpg"]
)
def test_any_name_works(name: str, tmp_path: Path, paint: Callable[..., Image.Image]) -> None:
    paint().save(tmp_path / name)
    assert read(open_images(tmp_path)) == ([name], {})


@pytest.mark.parametrize("name", [b"caf\xe9.jpg", b"\xff\xfe.jpg"] if sys.platform == "linux" else [b"caf\xc3\xa9.jpg"])
def test_a_name_that_is_not_utf8_gets_an_id_that_can_be_stored(
    name: bytes, tmp_path: Path, paint: Callable[..., Image.Image]
) -> None:
    folder = tmp_path / os.fsdecode(name.removesuffix(b".jpg"))
    folder.mkdir()
    with (folder / os.fsdecode(name)).open("wb") as stream:
        paint().save(stream, "JPEG")
    source = open_images(tmp_path)
    good, reasons = read(source)
    assert len(good) == 1
    assert reasons == {}
    good[0].encode("utf-8")
    assert source.label(0) == good[0].split("/")[0]


def test_a_file_that_vanishes_after_the_scan_is_skipped(folder: Path) -> None:
    source = open_images(folder)
    (folder / "b.jpg").unlink()
    good, reasons = read(source)
    assert len(good) == 4
    assert reasons == {"b.jpg": "the file does not exist"}


@pytest.mark.parametrize("beyond", [-6, 100], ids=["its members' names", "its own name"])
def test_a_folder_that_cannot_be_listed_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch, beyond: int) -> None:
    # A path longer than the system takes: unlike a forbidden one, it stops an administrator too.
    left = os.pathconf(folder, "PC_PATH_MAX") + beyond - len(os.fsencode(folder))
    monkeypatch.chdir(folder)
    while left:
        taken = left if left <= 200 else min(200, left - 2)
        Path("d" * (taken - 1)).mkdir()
        os.chdir("d" * (taken - 1))
        left -= taken
    good, reasons = read(open_images(folder))
    assert len(good) == 5
    assert reasons
    assert all("name too long" in reason for reason in reasons.values())


def test_a_missing_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match="nowhere does not exist"):
        open_images(tmp_path / "nowhere")


def test_a_folder_without_images_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("nothing here")
    with pytest.raises(AtlasError, match=f"no images found in {tmp_path}"):
        open_images(tmp_path)
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(AtlasError, match="only 1 that cannot be used"):
        open_images(tmp_path)


def test_an_atlas_written_among_the_photographs_is_not_read_as_photographs(
    tmp_path: Path, paint: Callable[..., Image.Image]
) -> None:
    paint(1).save(tmp_path / "a.png")
    for name, mark in (("mine.atlas", "atlas.json"), ("mine.acts", "acts.json")):
        (tmp_path / name / "layers").mkdir(parents=True)
        (tmp_path / name / mark).write_text("{}")
        paint(1).save(tmp_path / name / "layers" / "icons-000.webp")
    assert read(open_images(tmp_path)) == (["a.png"], {})
