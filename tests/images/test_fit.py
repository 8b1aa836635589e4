from __future__ import annotations

import hashlib
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from atlas.images.fit import digest_of, fit_square

if TYPE_CHECKING:
    from collections.abc import Callable


def noise(width: int, height: int) -> Image.Image:
    rng = np.random.Generator(np.random.Philox(width * 10_000 + height))
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("width", "height", "size"), [(96, 64, 32), (64, 96, 32), (128, 128, 32), (24, 16, 64), (32, 32, 32)]
)
def test_it_equals_scaling_the_whole_image_and_cutting_out_the_centre(width: int, height: int, size: int) -> None:
    image = noise(width, height)
    scale = size / min(width, height)
    whole = np.asarray(image.resize((round(width * scale), round(height * scale)), Image.Resampling.BILINEAR))
    top, left = (whole.shape[0] - size) // 2, (whole.shape[1] - size) // 2
    expected = whole[top : top + size, left : left + size].transpose(2, 0, 1)
    # One level: Pillow rounds after each of its two passes.
    assert np.abs(fit_square(image, size).astype(int) - expected).max() <= 1


def test_shrinking_averages_instead_of_picking_pixels() -> None:
    checks = np.indices((256, 256)).sum(axis=0) % 2 * 255
    image = Image.fromarray(checks.astype(np.uint8)).convert("RGB")
    assert np.abs(fit_square(image, 16).astype(int) - 127.5).max() < 8


@settings(max_examples=60, deadline=None)
@given(width=st.integers(1, 90), height=st.integers(1, 90), size=st.integers(1, 50))
def test_any_shape_gives_a_square_within_the_values_of_the_image(width: int, height: int, size: int) -> None:
    image = noise(width, height)
    square = fit_square(image, size)
    assert square.shape == (3, size, size)
    assert square.dtype == np.uint8
    assert square.flags.c_contiguous
    values = np.asarray(image)
    assert values.min() <= square.min()
    assert square.max() <= values.max()


@pytest.mark.parametrize("shape", [(9000, 12), (12, 9000), (1, 1), (30_000, 1)])
def test_an_extreme_shape_costs_no_more_memory_than_its_square(shape: tuple[int, int]) -> None:
    image = Image.new("RGB", shape, (10, 20, 30))
    tracemalloc.start()
    square = fit_square(image, 224)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (square.reshape(3, -1).T == [10, 20, 30]).all()
    assert peak < 5_000_000


def test_the_digest_is_blake2b_of_size_and_pixels(paint: Callable[..., Image.Image]) -> None:
    image = paint(width=5, height=3)
    content = (5).to_bytes(4, "little") + (3).to_bytes(4, "little") + np.asarray(image).tobytes()
    assert digest_of(image) == hashlib.blake2b(content, digest_size=8).hexdigest()


def test_the_digest_tells_shapes_of_equal_pixels_apart() -> None:
    assert digest_of(Image.new("RGB", (2, 8))) != digest_of(Image.new("RGB", (4, 4)))
