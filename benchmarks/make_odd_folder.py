"""Make a folder of photographs mixed with 15 odd but good files and 15 bad ones.

    python benchmarks/make_odd_folder.py --mosaics DIR --out DIR [--count 1000]

Every picture in the mosaics folder is cut into squares of 64 pixels, one photograph each. The photographs go
to ``OUT/<name of the mosaic>/NNN.jpg``. ``bad.txt`` beside OUT lists the ids of the bad files, one a line,
sorted: a report on the folder has to name exactly these. Needs a file system with links, pipes and free
choice of names (Linux, macOS).
"""

from __future__ import annotations

import argparse
import io
import os
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 64


def make_folder(mosaics: Path, out: Path, count: int) -> list[str]:
    """Write the folder and the list of bad files.

    Parameters
    ----------
    mosaics : Path
        Folder of mosaics.
    out : Path
        Folder to make; must not exist.
    count : int
        Photographs in all, the same number (rounded up) from each mosaic.

    Returns
    -------
    list of str
        Ids of the bad files, sorted.
    """
    out.mkdir(parents=True)
    files = sorted(path for path in mosaics.iterdir() if path.is_file())
    photographs = _unpack(files, out, count)
    _write_odd(out, photographs)
    _write_bad(out, photographs)
    bad = sorted([*BAD_FILES, "folder.jpg", "plants/back"])
    (out.parent / "bad.txt").write_text("".join(f"{name}\n" for name in bad), encoding="utf-8")
    return bad


def _unpack(files: list[Path], out: Path, count: int) -> list[Image.Image]:
    each = -(-count // len(files))
    kept: list[Image.Image] = []
    written = 0
    for file in files:
        with Image.open(file) as mosaic:
            picture = mosaic.convert("RGB")
        columns = picture.width // SIDE
        (out / file.stem).mkdir()
        for number in range(min(each, count - written)):
            top, left = SIDE * (number // columns), SIDE * (number % columns)
            photograph = picture.crop((left, top, left + SIDE, top + SIDE))
            photograph.save(out / file.stem / f"{number:03d}.jpg", quality=95)
            written += 1
            if len(kept) < 15:
                kept.append(photograph)
        if written == count:
            break
    return kept


def _write_odd(out: Path, photographs: list[Image.Image]) -> None:
    picture = iter(photographs * 15)
    (out / "folder.jpg").mkdir()
    next(picture).save(out / "folder.jpg" / "UPPER.JPG")
    next(picture).resize((1, 1)).save(out / "1x1.png")
    next(picture).resize((9000, 12)).save(out / "wide.png")
    next(picture).convert("CMYK").save(out / "cmyk.jpg")
    grey = np.asarray(next(picture).convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save(out / "16bit.png")
    next(picture).quantize(16).save(out / "palette.png", transparency=0)
    frames = [next(picture) for _ in range(3)]
    frames[0].save(out / "animated.gif", save_all=True, append_images=frames[1:])
    next(picture).save(out / "wrong.txt", format="JPEG")
    next(picture).save(out / """it's "quoted" & <b>bold<b> [red].jpg""")
    next(picture).save(out / "two\nlines.jpg")
    _save_with_odd_bytes(next(picture), out)
    clear = next(picture)
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    clear.save(out / "transparent.webp")
    exif = Image.Exif()
    exif[0x0112] = 6
    next(picture).save(out / "turned.jpeg", exif=exif)
    next(picture).convert("1").save(out / "one-bit.tif")
    Image.fromarray(np.asarray(next(picture).convert("L"), np.float32) / 255).save(out / "float.tiff")


def _save_with_odd_bytes(picture: Image.Image, out: Path) -> None:
    content = io.BytesIO()
    picture.save(content, format="JPEG")
    try:
        (out / os.fsdecode(b"caf\xe9.jpg")).write_bytes(content.getvalue())
    except OSError:  # macOS takes only UTF-8
        (out / "caf\u00e9.jpg").write_bytes(content.getvalue())


BAD_FILES = (
    "bomb.png",
    "broken.tif",
    "cut.gif",
    "cut.jpg",
    "cut.png",
    "dangling.jpg",
    "empty.jpg",
    "loop.jpg",
    "noise.webp",
    "page.png",
    "pipe.jpg",
    "plants/archive.jpeg",
    "text.jpg",
)


def _write_bad(out: Path, photographs: list[Image.Image]) -> None:
    plants = out / "plants"
    plants.mkdir()
    for kind in ("gif", "jpg", "png"):
        photographs[0].resize((256, 256)).save(out / f"cut.{kind}")
        whole = (out / f"cut.{kind}").read_bytes()
        (out / f"cut.{kind}").write_bytes(whole[: len(whole) // 2])
    (out / "bomb.png").write_bytes(_png_that_claims(30_000, 30_000))
    (out / "broken.tif").write_bytes(b"II*\x00" + struct.pack("<I", 1_000_000) + bytes(100))
    (out / "empty.jpg").touch()
    (out / "text.jpg").write_text("This is a note, not a photograph.\n", encoding="utf-8")
    (out / "page.png").write_text("<!doctype html><title>404 Not Found</title>\n", encoding="utf-8")
    (out / "noise.webp").write_bytes(np.random.Generator(np.random.Philox(0)).bytes(4096))
    with zipfile.ZipFile(plants / "archive.jpeg", "w") as archive:
        archive.writestr("photo.jpg", b"not here")
    (out / "dangling.jpg").symlink_to("nowhere.jpg")
    (out / "loop.jpg").symlink_to("loop.jpg")
    (plants / "back").symlink_to("..", target_is_directory=True)
    os.mkfifo(out / "pipe.jpg")


def _png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mosaics", type=Path, required=True, help="folder of mosaics of 64-pixel photographs")
    parser.add_argument("--out", type=Path, required=True, help="folder to make; must not exist")
    parser.add_argument("--count", type=int, default=1000, help="photographs (default 1000)")
    arguments = parser.parse_args()
    if arguments.out.exists():
        sys.exit(f"{arguments.out} exists already: name another folder")
    bad = make_folder(arguments.mosaics, arguments.out, arguments.count)
    print(f"{arguments.out}: {arguments.count} photographs, 15 odd files, {len(bad)} bad ones")


if __name__ == "__main__":
    main()
