from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from atlas.images import UnreadableImageError
from atlas.images.decode import PIXEL_LIMIT, decode, picture_to_rgb

if TYPE_CHECKING:
    from collections.abc import Callable


def encoded(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
def test_a_truncated_file_is_refused(kind: str, paint: Callable[..., Image.Image]) -> None:
    content = encoded(paint(width=200, height=150), kind)
    decode(io.BytesIO(content))
    with pytest.raises(UnreadableImageError):
        decode(io.BytesIO(content[: len(content) * 2 // 3]))


def test_a_bomb_is_refused_from_its_header() -> None:
    side = int(PIXEL_LIMIT**0.5) + 1
    with pytest.raises(UnreadableImageError, match="178,956,970 pixels"):
        decode(io.BytesIO(png_that_claims(side, side)))


def test_the_largest_allowed_size_passes_the_header() -> None:
    assert PIXEL_LIMIT == 10 * 17_895_697
    with pytest.raises(UnreadableImageError, match=r"cannot be decoded|truncated"):
        decode(io.BytesIO(png_that_claims(10, PIXEL_LIMIT // 10)))


@pytest.mark.parametrize("limit", [None, 1, 10**12])
def test_settings_of_pillow_change_nothing_and_stay_as_they_were(
    limit: int | None, monkeypatch: pytest.MonkeyPatch, paint: Callable[..., Image.Image]
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    content = encoded(paint(width=200, height=150), "JPEG")
    assert decode(io.BytesIO(content)).size == (200, 150)
    with pytest.raises(UnreadableImageError, match="truncated"):
        decode(io.BytesIO(content[: len(content) // 2]))
    with pytest.raises(UnreadableImageError, match="decompression bomb"):
        decode(io.BytesIO(png_that_claims(30_000, 30_000)))
    assert limit == Image.MAX_IMAGE_PIXELS
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_a_picture_opened_elsewhere_without_a_limit_is_still_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    image = Image.open(io.BytesIO(png_that_claims(30_000, 30_000)))
    with image, pytest.raises(UnreadableImageError, match="decompression bomb"):
        picture_to_rgb(image)


def test_no_warning_of_pillow_gets_out() -> None:
    # 100 million pixels: Pillow alone would warn here.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(UnreadableImageError):
            decode(io.BytesIO(png_that_claims(10_000, 10_000)))
    assert caught == []


def test_a_format_that_would_run_another_program_is_not_read() -> None:
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    with Image.open(io.BytesIO(script)) as image:
        assert image.format == "EPS"
    with pytest.raises(UnreadableImageError, match="format"):
        decode(io.BytesIO(script))


def test_a_float_image_without_finite_values_is_refused() -> None:
    with pytest.raises(UnreadableImageError, match="finite"):
        picture_to_rgb(Image.fromarray(np.full((3, 4), np.nan, np.float32)))


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"]),
    damage=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12),
    keep=st.floats(0, 1),
)
def test_a_damaged_file_gives_an_rgb_image_or_a_reason(kind: str, damage: list[tuple[int, int]], keep: float) -> None:
    content = bytearray(encoded(Image.linear_gradient("L").resize((40, 30)).convert("RGB"), kind))
    for place, value in damage:
        content[place % len(content)] = value
    try:
        image = decode(io.BytesIO(bytes(content[: round(len(content) * keep)])))
    except UnreadableImageError as error:
        assert str(error)  # noqa: PT017
    else:
        assert image.mode == "RGB"


def test_threads_decode_side_by_side_without_mixing_up_the_limits(paint: Callable[..., Image.Image]) -> None:
    contents = [encoded(paint(seed), "PNG") for seed in range(8)]
    before = Image.MAX_IMAGE_PIXELS
    results: dict[int, bytes] = {}

    def work(number: int) -> None:
        for _ in range(5):
            results[number] = decode(io.BytesIO(contents[number])).tobytes()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [results[number] for number in range(8)] == [paint(number).tobytes() for number in range(8)]
    assert before == Image.MAX_IMAGE_PIXELS
