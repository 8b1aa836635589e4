from __future__ import annotations

import re
import zlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from atlas.images import open_images

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ROWS, COLUMNS = np.mgrid[0:32, 0:48]
RGB = np.stack([ROWS * 8, COLUMNS * 5, 255 - ROWS * 4], axis=-1).astype(np.uint8)
GREY = (COLUMNS * 5).astype(np.uint8)
ALPHA = (ROWS * 8).astype(np.uint8)


def grey3(values: NDArray[Any]) -> NDArray[Any]:
    return np.stack([values] * 3, axis=-1)


def on_white(rgb: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    share = alpha[..., None].astype(float) / 255
    return rgb * share + 255 * (1 - share)


def save(image: Image.Image | NDArray[Any], kind: str, **options: Any) -> bytes:
    stream = BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, kind, **options)
    return stream.getvalue()


def exif(orientation: int) -> Image.Exif:
    data = Image.Exif()
    data[0x0112] = orientation
    return data


# What each returns: the file, what must come out, and by how much each value may differ.
Case = tuple[bytes, "NDArray[Any]", float]


def rgb() -> Case:
    return save(RGB, "PNG"), RGB, 0


def grey() -> Case:
    return save(GREY, "PNG"), grey3(GREY), 0


def one_bit() -> Case:
    bits = GREY > 100
    return save(Image.fromarray(bits), "TIFF"), grey3(bits * 255), 0


def palette_image() -> tuple[Image.Image, NDArray[Any], NDArray[Any]]:
    index = (COLUMNS // 12).astype(np.uint8)
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]], np.uint8)
    image = Image.fromarray(index).convert("P")
    image.putdata(index.ravel().tolist())
    image.putpalette(colours.ravel().tolist())
    return image, index, colours[index]


def palette() -> Case:
    image, _, colours = palette_image()
    return save(image, "PNG"), colours, 0


def palette_transparent() -> Case:
    image, index, colours = palette_image()
    alphas = np.array([0, 255, 128, 255], np.uint8)
    return save(image, "PNG", transparency=alphas.tobytes()), on_white(colours, alphas[index]), 1


def rgb_transparent() -> Case:
    colours = palette_image()[2]
    expected = np.where((colours == [0, 255, 0]).all(-1, keepdims=True), 255, colours)
    return save(colours, "PNG", transparency=(0, 255, 0)), expected, 0


def rgba() -> Case:
    return save(np.dstack([RGB, ALPHA]), "PNG"), on_white(RGB, ALPHA), 1


def grey_alpha() -> Case:
    image = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(ALPHA)])
    return save(image, "PNG"), on_white(grey3(GREY), ALPHA), 1


def cmyk() -> Case:
    # Pillow writes Adobe's marker and inverted values, as Photoshop does.
    inks = np.dstack([255 - RGB, np.zeros_like(GREY)])
    return save(Image.fromarray(inks, "CMYK"), "JPEG", quality=100, subsampling=0), RGB, 4


def ycbcr() -> Case:
    return save(Image.fromarray(RGB).convert("YCbCr"), "TIFF"), RGB, 3


def lab() -> Case:
    colours = np.array([[200, 100, 50], [60, 150, 90], [80, 90, 160], [127, 127, 127]], np.uint8)
    # sRGB to XYZ relative to D50 (Bradford; Lindbloom) to CIE Lab; TIFF stores a and b signed.
    linear = ((colours / 255 + 0.055) / 1.055) ** 2.4
    xyz_of_rgb = [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
    x, y, z = np.cbrt(linear @ np.transpose(xyz_of_rgb) / [0.96422, 1, 0.82521]).T
    codes = np.stack([(116 * y - 16) * 2.55, 500 * (x - y), 200 * (y - z)], axis=-1)
    image = Image.frombytes("LAB", (4, 1), codes.round().astype(np.int16).astype(np.uint8).tobytes())
    return save(image, "TIFF"), colours[None], 4


LEVELS = (COLUMNS * 1394 + ROWS).astype(np.uint16)


def deep_png() -> Case:
    return save(LEVELS, "PNG"), grey3(LEVELS / 257), 0.5


def deep_tiff() -> Case:
    return save(LEVELS, "TIFF"), grey3(LEVELS / 257), 0.5


def deep_transparent() -> Case:
    levels = np.where(COLUMNS < 10, 1000, 40000).astype(np.uint16)
    png = save(levels, "PNG")
    # Pillow cannot write this chunk for 16 bits: put it in front of the pixels by hand.
    chunk = b"tRNS" + (1000).to_bytes(2, "big")
    at = png.index(b"IDAT") - 4
    png = png[:at] + (2).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + png[at:]
    return png, grey3(np.where(COLUMNS < 10, 255, 40000 / 257)), 0.5


def integer() -> Case:
    values = (COLUMNS * 1_000_000 - 7_000_000).astype(np.int32)
    return save(values, "TIFF"), grey3(COLUMNS / 47 * 255), 0.5


def float_unit() -> Case:
    values = (COLUMNS / 94).astype(np.float32)
    return save(values, "TIFF"), grey3(values * 255), 0.5


def float_other() -> Case:
    values = (COLUMNS * 10.0 - 100).astype(np.float32)
    expected = (COLUMNS / 47 * 255).astype(float)
    values[0, 5], values[0, 6], values[0, 7] = np.nan, np.inf, -np.inf
    expected[0, 5:8] = 0
    return save(values, "TIFF"), grey3(expected), 0.5


def turned() -> Case:
    # Orientation 6: the camera was held so that the picture has to be turned clockwise to stand upright.
    return save(np.rot90(RGB), "PNG", exif=exif(6)), RGB, 0


def damaged_exif() -> Case:
    return save(RGB, "PNG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff junk"), RGB, 0


def animated(kind: str, **options: Any) -> Case:
    frames = [Image.fromarray(colour + np.zeros_like(RGB)) for colour in (np.uint8(40), np.uint8(200))]
    content = save(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    with Image.open(BytesIO(content)) as image:
        assert getattr(image, "n_frames", 1) == 2
    return content, np.full_like(RGB, 40), 1


def huge() -> Case:
    small = Image.fromarray(RGB).resize((300, 200))
    large = small.resize((3072, 2048))
    return save(large, "JPEG", quality=95), np.asarray(small.resize((1536, 1024))), 12


def wrong_ending() -> Case:
    return save(RGB, "JPEG", quality=100, subsampling=0), RGB, 3


CASES: dict[str, Callable[[], Case]] = {
    "RGB": rgb,
    "grey": grey,
    "1-bit": one_bit,
    "palette": palette,
    "palette with transparency": palette_transparent,
    "RGB with a transparent colour": rgb_transparent,
    "RGBA": rgba,
    "grey with alpha": grey_alpha,
    "CMYK JPEG": cmyk,
    "YCbCr TIFF": ycbcr,
    "Lab TIFF": lab,
    "16-bit grey PNG": deep_png,
    "16-bit grey TIFF": deep_tiff,
    "16-bit grey with a transparent level": deep_transparent,
    "32-bit integer TIFF": integer,
    "float TIFF in [0, 1]": float_unit,
    "float TIFF with other values": float_other,
    "EXIF orientation": turned,
    "damaged EXIF data": damaged_exif,
    "animated GIF": lambda: animated("GIF"),
    "animated PNG": lambda: animated("PNG"),
    "animated WebP": lambda: animated("WEBP", lossless=True),
    "multi-page TIFF": lambda: animated("TIFF"),
    "huge JPEG": huge,
    "wrong file ending": wrong_ending,
}


@pytest.mark.parametrize("kind", CASES)
def test_each_kind_comes_out_as_the_documentation_says(kind: str, tmp_path: Path) -> None:
    content, expected, tolerance = CASES[kind]()
    (tmp_path / "image.txt").write_bytes(content)
    image = open_images(tmp_path).load(0)
    assert image.mode == "RGB"
    assert image.size == (expected.shape[1], expected.shape[0])
    difference = np.abs(np.asarray(image).astype(float) - expected)
    assert difference.max() <= tolerance + 1e-9


def test_every_row_of_the_documentation_has_a_case_and_every_case_a_row() -> None:
    text = (Path(__file__).parents[2] / "docs" / "images.md").read_text(encoding="utf-8")
    table = text.split("| Kind | What happens |")[1].split("\n\n")[0]
    rows = [match for match in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE) if not match.startswith("-")]
    assert rows == list(CASES)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "undo"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, 1)),
        (7, lambda a: a[::-1, ::-1].transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a, -1)),
    ],
)
def test_all_eight_orientations_are_undone(
    kind: str, orientation: int, undo: Callable[[NDArray[Any]], NDArray[Any]], tmp_path: Path
) -> None:
    stored = np.ascontiguousarray(undo(RGB))
    settings: dict[str, dict[str, Any]] = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}
    (tmp_path / "photo.jpg").write_bytes(save(stored, kind, exif=exif(orientation), **settings.get(kind, {})))
    image = np.asarray(open_images(tmp_path).load(0)).astype(float)
    assert image.shape == RGB.shape
    assert np.abs(image - RGB).max() <= 4
