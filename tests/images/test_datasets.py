from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch.utils.data import Subset
from torchvision import datasets, transforms

from atlas.errors import AtlasError
from atlas.images import ImageLoader, open_images

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PIL import Image as PILImage


@pytest.fixture
def image_folder(tmp_path: Path, paint: Callable[..., PILImage.Image]) -> Path:
    for number, name in enumerate(["cat/1.png", "cat/2.png", "dog/1.png"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        paint(number).save(tmp_path / name)
    deep = np.full((4, 4), 40_000, np.uint16)
    from PIL import Image as Pillow  # noqa: PLC0415

    Pillow.fromarray(deep).save(tmp_path / "dog" / "2.png")
    (tmp_path / "dog" / "3.png").write_bytes(b"broken")
    return tmp_path


def test_an_image_folder_is_read_as_files_so_that_16_bits_survive(image_folder: Path) -> None:
    source = open_images(datasets.ImageFolder(image_folder))
    ids = [source.image_id(index) for index in range(len(source))]
    assert ids == ["cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png", "dog/3.png"]
    assert [source.label(index) for index in range(5)] == ["cat", "cat", "dog", "dog", "dog"]
    assert np.asarray(source.load(3)).max() == round(40_000 / 257)
    loader = ImageLoader(source, 8)
    list(loader)
    assert [entry.image_id for entry in loader.skipped] == ["dog/3.png"]


def test_transforms_of_the_dataset_are_kept_and_tensors_understood(image_folder: Path) -> None:
    crop = transforms.Compose([transforms.CenterCrop(8), transforms.ToTensor()])
    source = open_images(datasets.ImageFolder(image_folder, transform=crop))
    assert source.load(0).size == (8, 8)
    assert [source.label(index) for index in (0, 2)] == ["cat", "dog"]
    loader = ImageLoader(source, 8)
    list(loader)
    assert [entry.image_id for entry in loader.skipped] == ["000004"]


def test_a_dataset_without_targets_has_the_labels_that_are_given() -> None:
    dataset = datasets.FakeData(size=4, image_size=(3, 10, 12), num_classes=3)
    source = open_images(dataset)
    assert source.name == "FakeData"
    assert [source.label(index) for index in range(4)] == [None] * 4
    given = open_images(dataset, labels=["ant", "bee", None, "ant"])
    assert [given.label(index) for index in range(4)] == ["ant", "bee", None, "ant"]
    assert (np.asarray(source.load(2)) == np.asarray(dataset[2][0])).all()


def test_a_subset_keeps_class_names(image_folder: Path) -> None:
    source = open_images(Subset(datasets.ImageFolder(image_folder), [2, 0]))
    assert [source.label(index) for index in range(2)] == ["dog", "cat"]
    assert (np.asarray(source.load(1)) == np.asarray(open_images(image_folder).load(0))).all()


def test_a_list_like_dataset_of_bare_images_has_no_labels() -> None:
    class Bare:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> torch.Tensor:
            return torch.full((3, 4, 4), index / 2)

    source = open_images(Bare())
    assert source.label(0) is None
    assert np.asarray(source.load(1)).max() == 128


# What follows has the interface of the `datasets` library: features by column, rows as dicts, `cast_column`.
@dataclass
class Image:
    decode: bool = True


@dataclass
class ClassLabel:
    names: list[str]


@dataclass
class Value:
    dtype: str


class HubDataset:
    def __init__(self, rows: list[dict[str, Any]], features: dict[str, Any], split: str | None = "train") -> None:
        self.rows, self.features, self.split = rows, features, split
        self.info = type("Info", (), {"dataset_name": "beans"})()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: int | str) -> Any:
        if isinstance(key, str):
            return [row[key] for row in self.rows]
        row = dict(self.rows[key])
        for name, feature in self.features.items():
            assert not (isinstance(feature, Image) and feature.decode), f"{name} was decoded by the library"
        return row

    def cast_column(self, column: str, feature: object) -> HubDataset:
        return HubDataset(self.rows, self.features | {column: feature}, self.split)


def png(picture: PILImage.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def hub(tmp_path: Path, paint: Callable[..., PILImage.Image]) -> HubDataset:
    paint(1).save(tmp_path / "file.png")
    rows: list[dict[str, Any]] = [
        {"id": 1, "picture": {"bytes": png(paint(0)), "path": None}, "kind": 1},
        {"id": 2, "picture": {"bytes": None, "path": str(tmp_path / "file.png")}, "kind": 0},
        {"id": 3, "picture": {"bytes": b"broken", "path": "x.jpg"}, "kind": -1},
        {"id": 4, "picture": None, "kind": None},
        {"id": 5, "picture": {"bytes": None, "path": "/gone/file.png"}, "kind": 0},
    ]
    return HubDataset(rows, {"id": Value("int64"), "picture": Image(), "kind": ClassLabel(["leaf", "rust"])})


def test_a_hugging_face_dataset_gives_its_files_and_class_names(
    hub: HubDataset, paint: Callable[..., PILImage.Image]
) -> None:
    source = open_images(hub)
    assert source.name == "beans (train)"
    assert [source.label(index) for index in range(5)] == ["rust", "leaf", None, None, "leaf"]
    for index in (0, 1):
        assert (np.asarray(source.load(index)) == np.asarray(paint(index))).all()
    loader = ImageLoader(source, 8)
    list(loader)
    assert {entry.image_id: entry.reason for entry in loader.skipped} == {
        "000002": "not an image, or of a format that is not read",
        "000003": "the row has no image",
        "000004": "the file does not exist",
    }
    assert hub.features["picture"].decode is True


def test_rows_that_hold_decoded_pictures_work_too(paint: Callable[..., PILImage.Image]) -> None:
    source = open_images(HubDataset([{"image": paint()}], {"image": Image(decode=False)}, split=None))
    assert source.name == "beans"
    assert source.label(0) is None
    assert (np.asarray(source.load(0)) == np.asarray(paint())).all()


def test_a_dataset_without_image_column_or_rows_is_refused() -> None:
    with pytest.raises(AtlasError, match=r"columns: id.*cast_column"):
        open_images(HubDataset([{"id": 1}], {"id": Value("int64")}))
    with pytest.raises(AtlasError, match="no rows"):
        open_images(HubDataset([], {"image": Image()}))
    with pytest.raises(AtlasError, match="FakeData is empty"):
        open_images(datasets.FakeData(size=0))


def test_a_streaming_dataset_is_refused() -> None:
    class Streaming:
        features: dict[str, object] = {"image": Image()}  # noqa: RUF012

    with pytest.raises(AtlasError, match="streaming"):
        open_images(Streaming())
