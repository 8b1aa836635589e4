"""Sprite sheets: every icon comes back from where it was put, close to what it was."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from atlas.blocks import block_order
from atlas.errors import AtlasError
from atlas.sprites import SHEET_PX, SheetGeometry, SheetReader, write_sheets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SIDE = 80
BRIGHTNESS = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def flat_icons(count: int, side: int = SIDE) -> NDArray[np.uint8]:
    colours = rng().integers(0, 256, (count, 1, 1, 3), dtype=np.uint8)
    return np.broadcast_to(colours, (count, side, side, 3)).copy()


def natural_icons(count: int) -> NDArray[np.uint8]:
    """Noise with the spectrum of photographs, most of it in brightness."""
    down, across = np.meshgrid(np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE), indexing="ij")
    scale = 1 / np.maximum(np.hypot(down, across), 1 / SIDE) ** 1.3
    spectrum = rng().normal(size=(2, count, 3, *scale.shape))
    planes = np.fft.irfft2((spectrum[0] + 1j * spectrum[1]) * scale, (SIDE, SIDE))
    planes /= planes.std(axis=(2, 3), keepdims=True)
    mix = np.array([[1, 0.3, 0.1], [1, 0, -0.2], [1, -0.3, 0.1]])
    icons: NDArray[np.uint8] = (255 / (1 + np.exp(-np.einsum("ij,mjhw->mhwi", mix, planes)))).astype(np.uint8)
    return icons


def noise_icons(count: int) -> NDArray[np.uint8]:
    """Grey noise with coarse colour noise, the hardest thing that still survives halved colour."""
    grey = rng(1).integers(40, 216, (count, SIDE, SIDE, 1))
    tint = rng(2).integers(-40, 40, (count, SIDE // 8, SIDE // 8, 3)).repeat(8, axis=1).repeat(8, axis=2)
    return (grey + tint).astype(np.uint8)


def decibels(error: NDArray[np.float64]) -> float:
    """Peak signal-to-noise ratio for an error on the scale of 0 to 255."""
    return float(10 * np.log10(255**2 / np.mean(error**2)))


def read_all(reader: SheetReader) -> NDArray[np.uint8]:
    return np.stack([reader[index] for index in range(len(reader))])


@given(icon_px=st.integers(1, 1020), index=st.integers(0, 100_000), step=st.integers(1, 300))
def test_icons_lie_inside_their_sheet_and_never_overlap(icon_px: int, index: int, step: int) -> None:
    geometry = SheetGeometry(icon_px)
    first, second = geometry.place(index), geometry.place(index + step)
    for _, top, left in (first, second):
        assert 0 <= top <= SHEET_PX - icon_px
        assert 0 <= left <= SHEET_PX - icon_px
    assert second > first, "sheets, rows and columns follow the order of the icons"
    apart = max(abs(first[1] - second[1]), abs(first[2] - second[2]))
    assert first[0] != second[0] or apart >= icon_px
    assert geometry.sheets(index + 1) == first[0] + 1


@pytest.mark.parametrize(("side", "count"), [(80, 1), (80, 144), (80, 145), (16, 40), (33, 7), (384, 5), (1020, 2)])
def test_a_lossless_set_comes_back_exactly(tmp_path: Path, side: int, count: int) -> None:
    icons = rng().integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    names = write_sheets(tmp_path, icons, side, quality=None)
    assert names == sorted(path.name for path in tmp_path.iterdir())
    assert np.array_equal(read_all(SheetReader(tmp_path, side, count)), icons)


@given(size=st.integers(1, 60), share=st.floats(0.05, 1), icon_px=st.sampled_from([80, 96, 250, 500]))
def test_squares_of_the_grid_share_sheets(size: int, share: float, icon_px: int) -> None:
    cell = np.flatnonzero(rng(size).random(size * size) < share)
    order = block_order(cell, size, icon_px)
    assert np.array_equal(np.sort(order), np.arange(len(cell)))
    side = SheetGeometry(icon_px).per_side
    squares = [(c // size // side, c % size // side) for c in cell[order].tolist()]
    assert squares == sorted(squares), "a square is done before the next begins"
    if share == 1 and size % side == 0:
        sheets = [SheetGeometry(icon_px).place(i)[0] for i in range(len(cell))]
        assert len(set(zip(squares, sheets, strict=True))) == (size // side) ** 2


def test_the_order_of_the_front_end_is_this_one() -> None:
    # widgets/tests/cells.test.ts has the same cells and the same order.
    assert block_order(np.array([0, 2, 3, 5, 6, 8, 11, 14]), 4, 500).tolist() == [0, 3, 1, 2, 4, 5, 6, 7]


def test_icons_laid_in_another_order_come_back_by_their_number(tmp_path: Path) -> None:
    icons = flat_icons(12 * 12)
    order = block_order(np.arange(144), 12, 250)
    write_sheets(tmp_path, icons[order], SIDE, quality=None)
    assert np.array_equal(read_all(SheetReader(tmp_path, SIDE, 144, order=order)), icons)


def test_icons_may_come_from_a_generator(tmp_path: Path) -> None:
    icons = flat_icons(150)
    names = write_sheets(tmp_path, (icon for icon in icons), SIDE)
    assert names == ["icons-000.webp", "icons-001.webp"]
    for name in names:
        with Image.open(tmp_path / name) as sheet:
            assert (sheet.format, sheet.size) == ("WEBP", (1024, 1024))


def test_lossy_sheets_keep_brightness_closely_and_colour_roughly(tmp_path: Path) -> None:
    for icons in (natural_icons(60), noise_icons(60)):
        write_sheets(tmp_path, icons, SIDE)
        error = read_all(SheetReader(tmp_path, SIDE, len(icons))).astype(float) - icons
        assert min(decibels(icon @ BRIGHTNESS) for icon in error) > 42
        assert min(map(decibels, error)) > 31


@pytest.mark.parametrize("side", [80, 75, 64])
def test_neighbours_do_not_bleed_into_each_other(tmp_path: Path, side: int) -> None:
    icons = flat_icons(SheetGeometry(side).per_sheet, side)
    write_sheets(tmp_path, icons, side)
    error = np.abs(read_all(SheetReader(tmp_path, side, len(icons))).astype(int) - icons)
    border = np.concatenate(
        [error[:, edge].ravel() for edge in (0, -1)] + [error[:, :, edge].ravel() for edge in (0, -1)]
    )
    assert np.percentile(border, 99) <= 6


def test_a_shorter_set_leaves_no_sheet_of_the_longer_one(tmp_path: Path) -> None:
    write_sheets(tmp_path, flat_icons(300), SIDE)
    assert write_sheets(tmp_path, flat_icons(3), SIDE) == ["icons-000.webp"]
    assert [path.name for path in tmp_path.iterdir()] == ["icons-000.webp"]
    assert write_sheets(tmp_path, flat_icons(0), SIDE) == []
    assert list(tmp_path.iterdir()) == []


def test_a_failure_half_way_leaves_the_earlier_sheets(tmp_path: Path) -> None:
    write_sheets(tmp_path, flat_icons(2), SIDE)
    before = (tmp_path / "icons-000.webp").read_bytes()

    def broken() -> Iterator[NDArray[np.uint8]]:
        yield from natural_icons(144)
        yield np.zeros((SIDE, SIDE), np.uint8)

    with pytest.raises(AtlasError, match="icon 144 is uint8"):
        write_sheets(tmp_path, broken(), SIDE)
    assert [path.name for path in tmp_path.iterdir()] == ["icons-000.webp"]
    assert (tmp_path / "icons-000.webp").read_bytes() == before


def test_float_icons_and_impossible_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match="float32"):
        write_sheets(tmp_path, np.zeros((1, 8, 8, 3), np.float32), 8)
    with pytest.raises(AtlasError, match="1 to 1020"):
        write_sheets(tmp_path, flat_icons(1), 1021)
    with pytest.raises(AtlasError, match="quality is 0"):
        write_sheets(tmp_path, flat_icons(1), SIDE, quality=0)


def test_an_index_outside_the_level_is_an_index_error(tmp_path: Path) -> None:
    write_sheets(tmp_path, flat_icons(3), SIDE)
    reader = SheetReader(tmp_path, SIDE, 3)
    assert len(reader) == 3
    for index in (3, -1):
        with pytest.raises(IndexError):
            reader[index]


def test_changing_a_returned_icon_does_not_change_the_atlas(tmp_path: Path) -> None:
    write_sheets(tmp_path, flat_icons(1), SIDE)
    reader = SheetReader(tmp_path, SIDE, 1)
    before = reader[0].copy()
    reader[0][:] = 0
    assert np.array_equal(reader[0], before)


def test_a_missing_sheet_is_named_when_the_level_is_opened(tmp_path: Path) -> None:
    write_sheets(tmp_path, flat_icons(200), SIDE)
    (tmp_path / "icons-001.webp").unlink()
    with pytest.raises(AtlasError, match=r"icons-001\.webp is missing"):
        SheetReader(tmp_path, SIDE, 200)


def test_a_linked_sheet_is_refused(tmp_path: Path) -> None:
    inside, outside = tmp_path / "level", tmp_path / "elsewhere"
    write_sheets(outside, flat_icons(1), SIDE)
    inside.mkdir()
    (inside / "icons-000.webp").symlink_to(outside / "icons-000.webp")
    with pytest.raises(AtlasError, match="is a link"):
        SheetReader(inside, SIDE, 1)


def webp(width: int, height: int, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "WEBP", **options)
    return buffer.getvalue()


def animation() -> bytes:
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (SHEET_PX, SHEET_PX), colour) for colour in ("red", "blue")]
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (SHEET_PX, SHEET_PX)).save(buffer, "PNG")
    return buffer.getvalue()


def widened() -> bytes:
    """A sheet whose header promises 16383 x 16383 pixels."""
    data = bytearray(webp(SHEET_PX, SHEET_PX))
    struct.pack_into("<HH", data, 26, 16383, 16383)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        png(),
        webp(1024, 1000),
        webp(2048, 1024, lossless=True),
        animation(),
        widened(),
        webp(1024, 1024) + bytes(7 << 20),
    ],
    ids=["empty", "text", "png", "short", "wide", "animated", "widened", "padded"],
)
def test_a_file_that_is_no_sheet_is_refused_before_it_is_decoded(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "icons-000.webp").write_bytes(data)
    reader = SheetReader(tmp_path, SIDE, 1)
    with pytest.raises(AtlasError, match="is not a sheet of 1024 x 1024"):
        reader[0]


@pytest.mark.parametrize("quality", [95, None])
def test_a_damaged_sheet_is_named(tmp_path: Path, quality: int | None) -> None:
    write_sheets(tmp_path, noise_icons(100), SIDE, quality=quality)
    path = tmp_path / "icons-000.webp"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(AtlasError, match=r"icons-000\.webp is damaged"):
        SheetReader(tmp_path, SIDE, 100)[0]


@given(junk=st.binary(max_size=64), at=st.integers(12, 400))
def test_any_change_to_a_header_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int
) -> None:
    folder = tmp_path_factory.mktemp("junk")
    data = bytearray(SHEET)
    data[at : at + len(junk)] = junk
    (folder / "icons-000.webp").write_bytes(data)
    try:
        assert SheetReader(folder, SIDE, 1)[0].shape == (SIDE, SIDE, 3)
    except AtlasError as error:
        assert "icons-000.webp" in str(error)  # noqa: PT017


SHEET = webp(SHEET_PX, SHEET_PX)


def test_no_more_sheets_than_allowed_stay_in_memory(tmp_path: Path) -> None:
    count = SheetGeometry(384).per_sheet * 5
    write_sheets(tmp_path, flat_icons(count, 384), 384)
    reader = SheetReader(tmp_path, 384, count, cached=2)
    first = reader[0]
    (tmp_path / "icons-000.webp").unlink()
    assert np.array_equal(reader[0], first)
    for index in (4, 8):
        reader[index]
    with pytest.raises(AtlasError, match="missing"):
        reader[0]
