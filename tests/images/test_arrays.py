from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

from atlas.errors import AtlasError
from atlas.images import ImageLoader, UnreadableImageError, open_images

if TYPE_CHECKING:
    from collections.abc import Callable

PIXELS = np.random.Generator(np.random.Philox(1)).integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)


def loaded(images: Any) -> np.ndarray[Any, Any]:
    source = open_images(images)
    return np.stack([np.asarray(source.load(index)) for index in range(len(source))])


@pytest.mark.parametrize(
    "images",
    [
        PIXELS,
        PIXELS.astype(np.uint16) * 257,
        PIXELS.astype(np.float32) / 255,
        PIXELS.astype(np.float64) / 255,
        PIXELS.transpose(0, 3, 1, 2),
        list(PIXELS),
        list(PIXELS.transpose(0, 3, 1, 2)),
        torch.from_numpy(PIXELS),
        torch.from_numpy(PIXELS).permute(0, 3, 1, 2),
        torch.from_numpy(PIXELS).permute(0, 3, 1, 2) / 255,
        list(torch.from_numpy(PIXELS).permute(0, 3, 1, 2)),
        [Image.fromarray(image) for image in PIXELS],
        tuple(PIXELS),
    ],
    ids=lambda images: f"{type(images).__name__}-{getattr(images, 'dtype', '')}-{getattr(images, 'shape', '')}",
)
def test_every_form_of_the_same_images_gives_the_same_pixels(images: Any) -> None:
    assert (loaded(images) == PIXELS).all()


def test_grey_alpha_and_bool_arrays() -> None:
    grey = PIXELS[..., 0]
    assert (loaded(grey) == grey[..., None]).all()
    assert (loaded(torch.from_numpy(grey[:3])) == grey[:3, ..., None]).all()
    assert (loaded(grey > 100) == (grey > 100)[..., None] * 255).all()
    clear = np.concatenate([PIXELS, np.zeros_like(PIXELS[..., :1])], axis=-1)
    assert (loaded(clear) == 255).all()


def test_bfloat16_and_gradients_do_not_matter() -> None:
    images = torch.full((2, 3, 4, 4), 0.5, dtype=torch.bfloat16, requires_grad=True)
    assert (loaded(images) == 128).all()


def test_images_are_numbered_and_unlabelled() -> None:
    source = open_images(PIXELS)
    assert [source.image_id(index) for index in (0, 4)] == ["000000", "000004"]
    assert source.label(0) is None
    assert ImageLoader(source, 8).workers == 0


def test_a_list_may_mix_sizes_and_an_image_out_of_range_is_skipped(paint: Callable[..., Image.Image]) -> None:
    images = [paint(), PIXELS[0], np.full((4, 4), 200.0), np.full((9, 4), np.nan), np.zeros((1, 1), bool)]
    loader = ImageLoader(open_images(images), 8)
    assert [index for batch in loader for index in batch.indices.tolist()] == [0, 1, 4]
    assert [entry.image_id for entry in loader.skipped] == ["000002", "000003"]
    assert "[0, 1]" in loader.skipped[0].reason


def test_one_picture_alone_works_and_is_not_changed(paint: Callable[..., Image.Image]) -> None:
    picture = paint().convert("RGBA")
    assert len(open_images(picture)) == 1
    open_images(picture).load(0)
    assert picture.mode == "RGBA"


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (PIXELS.astype(np.float32), "divide"),
        (PIXELS.astype(np.int64), "int64"),
        (PIXELS[0], r"pass a list, \[image\]"),
        (PIXELS[0, 0], "no set of images"),
        (PIXELS[:0], "at least one"),
        (np.zeros((2, 5, 5, 7), np.uint8), "shape"),
        (np.zeros((2, 0, 5, 3), np.uint8), "shape"),
        ([1, 2, 3], "shape"),
        (["a.jpg", PIXELS[0]], "mixes"),
        (7, "int is no set of images"),
        ({"train": PIXELS, "test": PIXELS}, "train, test"),
    ],
)
def test_what_cannot_be_images_is_refused_with_a_remedy(images: Any, message: str) -> None:
    with pytest.raises(AtlasError, match=message):
        open_images(images)


def test_loading_tells_the_reason() -> None:
    source = open_images([PIXELS[0], PIXELS[0].astype(np.complex64)])
    with pytest.raises(UnreadableImageError, match="complex64"):
        source.load(1)
