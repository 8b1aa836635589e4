from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from atlas.errors import AtlasError
from atlas.images import ImageLoader, ImageSource, open_images

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PIL import Image


def write_tar(path: Path, members: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix in (".gz", ".tgz") else "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return path


@pytest.fixture
def png(paint: Callable[..., Image.Image]) -> Callable[[int], bytes]:
    def encoded(seed: int) -> bytes:
        stream = io.BytesIO()
        paint(seed).save(stream, "PNG")
        return stream.getvalue()

    return encoded


def reasons(source: ImageSource) -> dict[str, str]:
    loader = ImageLoader(source, 8, workers=0)
    assert sum(len(batch.indices) for batch in loader) + len(loader.skipped) == len(source)
    return {entry.image_id: entry.reason for entry in loader.skipped}


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tgz"])
def test_images_come_in_the_order_of_the_shard_and_in_any_order_asked(
    ending: str, tmp_path: Path, png: Callable[[int], bytes], paint: Callable[..., Image.Image]
) -> None:
    path = write_tar(tmp_path / f"set{ending}", {f"./x/{number}.png": png(number) for number in (3, 1, 2)})
    source = open_images(path)
    assert source.name == f"set{ending}"
    assert [source.image_id(index) for index in range(3)] == [f"set{ending}/x/{number}.png" for number in (3, 1, 2)]
    assert [source.label(index) for index in range(3)] == ["x"] * 3
    for index, number in [(2, 2), (0, 3), (1, 1), (0, 3)]:
        assert (np.asarray(source.load(index)) == np.asarray(paint(number))).all()


def test_labels_beside_the_images_are_read(tmp_path: Path, png: Callable[[int], bytes]) -> None:
    members = {
        "000.cls": b"7\n",
        "000.png": png(0),
        "001.jpg": png(1),
        "001.json": json.dumps({"label": "owl", "caption": "x"}).encode(),
        "d/002.seg.png": png(2),
        "d/002.json": b'{"cls": 3}',
        "d/002.cls": b"cat",
        "d/003.png": png(3),
        "d/003.json": b"not json",
        "004.png": png(4),
        "004.json": b"[1]",
        "004.txt": b"a caption",
    }
    source = open_images(write_tar(tmp_path / "a.tar", members))
    labels = {source.image_id(index): source.label(index) for index in range(len(source))}
    assert labels == {
        "a.tar/000.png": "7",
        "a.tar/001.jpg": "owl",
        "a.tar/d/002.seg.png": "cat",
        "a.tar/d/003.png": "d",
        "a.tar/004.png": None,
    }


def test_a_list_and_a_pattern_of_shards_are_one_source(tmp_path: Path, png: Callable[[int], bytes]) -> None:
    paths = [write_tar(tmp_path / f"s-{number}.tar", {"i.png": png(number)}) for number in range(3)]
    by_pattern, by_list = open_images(str(tmp_path / "s-*.tar")), open_images(paths)
    expected = ["s-0.tar/i.png", "s-1.tar/i.png", "s-2.tar/i.png"]
    for source in (by_pattern, by_list):
        assert [source.image_id(index) for index in range(3)] == expected
        assert source.name == "s-0.tar and 2 more"


def test_links_folders_and_bad_members_are_named_and_nothing_outside_is_read(
    tmp_path: Path, png: Callable[[int], bytes]
) -> None:
    outside = tmp_path / "secret.png"
    outside.write_bytes(png(1))
    path = write_tar(
        tmp_path / "a.tar",
        {
            "good.png": png(0),
            "empty.png": b"",
            "text.jpg": b"hello",
            "cut.png": png(0)[:60],
            "._good.png": b"x",
            "raw.nef": b"II*\0",
        },
        {"link.png": str(outside), "inner.png": "good.png"},
    )
    assert reasons(open_images(path)) == {
        "a.tar/empty.png": "the file is empty",
        "a.tar/text.jpg": "not an image, or of a format that is not read",
        "a.tar/cut.png": reasons(open_images(path))["a.tar/cut.png"],
        "a.tar/raw.nef": "a camera format that is not read: export it as JPEG, PNG or TIFF",
        "a.tar/link.png": "a link inside a tar file, which is not followed",
        "a.tar/inner.png": "a link inside a tar file, which is not followed",
    }
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.tar", "secret.png"]


@pytest.mark.parametrize("ending", [".tar", ".tar.gz"])
@pytest.mark.parametrize("cut", ["end", "header"])
def test_a_damaged_shard_gives_what_comes_before_and_says_so(
    ending: str, cut: str, tmp_path: Path, png: Callable[[int], bytes]
) -> None:
    plain = write_tar(tmp_path / "whole.tar", {f"{number}.png": png(number) for number in range(4)}).read_bytes()
    at = plain.index(b"2.png")
    content = plain[: at + 700] if cut == "end" else plain[:at] + b"junk" * 40 + plain[at + 160 :]
    path = tmp_path / f"bad{ending}"
    path.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    found = reasons(open_images(path))
    assert [reason for image_id, reason in found.items() if image_id == path.name]
    assert found[path.name].startswith("the shard is damaged after")


def test_a_shard_that_shrinks_or_goes_is_skipped_with_the_reason(tmp_path: Path, png: Callable[[int], bytes]) -> None:
    path = write_tar(tmp_path / "a.tar", {"0.png": png(0), "1.png": png(1)})
    source = open_images(path)
    path.write_bytes(path.read_bytes()[:600])
    assert set(reasons(source).values()) == {"the shard ends inside this image"}
    source = pickle.loads(pickle.dumps(source))  # noqa: S301
    path.unlink()
    assert set(reasons(source).values()) == {"the shard cannot be read: the file does not exist"}


def test_a_shard_that_is_none_or_holds_no_images_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "no.tar").write_bytes(b"not a tar file at all" * 100)
    (tmp_path / "no.tgz").write_bytes(b"not gzip")
    with pytest.raises(AtlasError, match="cannot be read as a tar file"):
        open_images(tmp_path / "no.tar")
    with pytest.raises(AtlasError, match="cannot be read as a tar file"):
        open_images(tmp_path / "no.tgz")
    with pytest.raises(AtlasError, match=r"no images found in a\.tar"):
        open_images(write_tar(tmp_path / "a.tar", {"notes.txt": b"x"}))
    with pytest.raises(AtlasError, match="does not exist"):
        open_images(tmp_path / "gone-*.tar")
    with pytest.raises(AtlasError, match="not a file"):
        open_images([tmp_path / "gone.tar"])
