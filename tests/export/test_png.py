"""A level as a picture: icons in their places, nothing else touched, and bounded memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from atlas.errors import AtlasError
from atlas.export import Marker, render_level, write_png
from atlas.export.board import MAX_PIXELS, Background, plan_board
from atlas.export.png import density_sides

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def rng() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(7))


def icons(count: int, side: int) -> NDArray[np.uint8]:
    return rng().integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def flat(side: int, colour: tuple[int, int, int] = (200, 30, 30)) -> Callable[[int], NDArray[np.uint8]]:
    return lambda _: np.full((side, side, 3), colour, dtype=np.uint8)


@pytest.mark.parametrize("size", [16, 80])
def test_icons_keep_their_own_pixels_and_empty_cells_stay_blank(size: int) -> None:
    cells = np.array([0, 5, 8])
    set_ = icons(3, size)
    picture = np.asarray(render_level(3, cells, set_.__getitem__, icon_px=size)).copy()
    board = plan_board(3, size, title=False, footer=False)
    for cell, icon in zip(cells, set_, strict=True):
        left, top = board.corner(int(cell))
        left, top = left + board.gap // 2, top + board.gap // 2
        assert np.array_equal(picture[top : top + size, left : left + size], icon)
        picture[top : top + size, left : left + size] = 255
    assert (picture == 255).all()


def test_icons_of_another_size_are_resampled_with_their_mean_kept() -> None:
    icon = icons(1, 96)[0]
    picture = np.asarray(render_level(1, np.array([0]), lambda _: icon, icon_px=24))
    board = plan_board(1, 24, title=False, footer=False)
    left, top = board.corner(0)
    small = picture[top : top + 24, left : left + 24].astype(float)
    assert np.abs(small.mean(axis=(0, 1)) - icon.mean(axis=(0, 1))).max() < 2
    assert small.std() < 0.5 * icon.std(), "fine noise averages out instead of aliasing"


@pytest.mark.parametrize(
    ("background", "mode", "corner"),
    [
        ("white", "RGB", (255, 255, 255)),
        ("#101214", "RGB", (16, 18, 20)),
        ("hsl(0, 100%, 50%)", "RGB", (255, 0, 0)),
        ("transparent", "RGBA", (255, 255, 255, 0)),
        ("#00000080", "RGBA", (0, 0, 0, 128)),
    ],
)
def test_the_background_is_the_colour_asked_for(background: str, mode: str, corner: tuple[int, ...]) -> None:
    picture = render_level(2, np.array([3]), flat(20), icon_px=20, background=background)
    assert picture.mode == mode
    assert picture.getpixel((0, 0)) == corner
    board = plan_board(2, 20, title=False, footer=False)
    left, top = board.corner(3)
    assert picture.getpixel((left + 10, top + 10)) == ((200, 30, 30, 255) if mode == "RGBA" else (200, 30, 30))


@given(counts=st.lists(st.integers(0, 10**9), max_size=60), icon_px=st.integers(16, 384))
def test_density_sizes_are_bounded_and_follow_the_counts(counts: list[int], icon_px: int) -> None:
    density = np.array(counts, dtype=np.int64)
    sides = density_sides(density, icon_px)
    assert len(sides) == len(counts)
    assert ((sides >= min(12, icon_px)) & (sides >= 0.4 * icon_px - 0.5) & (sides <= icon_px)).all()
    order = np.argsort(density, kind="stable")
    assert (np.diff(sides[order]) >= 0).all()


def test_density_makes_area_proportional_to_the_count() -> None:
    density = np.array([25] + [100] * 19)
    sides = density_sides(density, 80)
    assert sides.tolist() == [40] + [80] * 19
    picture = np.asarray(render_level(5, np.arange(20), flat(80), density=density))
    board = plan_board(5, 80, title=False, footer=False)
    left, top = board.corner(0)
    cell = picture[top : top + board.pitch, left : left + board.pitch]
    assert (cell != 255).any(axis=2).sum() == 40 * 40


def test_title_footer_labels_and_markers_change_what_they_should() -> None:
    cells = np.arange(16)

    def draw(**settings: object) -> NDArray[np.uint8]:
        return np.asarray(render_level(4, cells, flat(64), icon_px=64, **settings))  # type: ignore[arg-type]

    plain = draw()
    titled = draw(title="mixed4c", footer="20,000 activations")
    board = plan_board(4, 64, title=True, footer=True)
    assert titled.shape[:2] == board.size[::-1]
    assert titled[: board.top].min() < 60
    assert titled[board.top + board.side + board.margin // 2 :].min() < 120
    cells_of_titled = titled[board.top : board.top + board.side]
    assert np.array_equal(cells_of_titled, plain[board.margin : board.margin + board.side])
    for changed in (draw(labels=["wok"] * 16), draw(markers=[Marker(0.5, 0.5, "here")])):
        assert changed.shape == plain.shape
        assert 0.002 < (changed != plain).any(axis=2).mean() < 0.2


@pytest.mark.parametrize("background", ["white", "black", "#7fb3d5", "#888888", "navy", "yellow"])
def test_type_stands_out_from_any_background(background: str) -> None:
    ground = Background.parse(background)

    def luminance(colour: tuple[int, ...]) -> float:
        channels = np.array(colour[:3]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    for ink, floor in ((ground.ink, 4.0), (ground.quiet_ink, 2.5)):
        low, high = sorted((luminance(ink), luminance(ground.rgba)))
        assert (high + 0.05) / (low + 0.05) >= floor


def test_an_empty_level_is_a_blank_picture() -> None:
    none = np.array([], dtype=np.int64)
    picture = render_level(4, none, flat(80), labels=[], density=none, markers=[])
    assert np.asarray(picture).min() == 255


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"icon_px": 15}, "choose from 16 to 384"),
        ({"icon_px": 385}, "choose from 16 to 384"),
        ({"background": "blurple"}, '"blurple" is no colour'),
        ({"cells": np.array([4])}, "has 0 to 3"),
        ({"cells": np.array([-1])}, "has 0 to 3"),
        ({"cells": np.array([0.5])}, "whole numbers"),
        ({"density": np.array([1, 2])}, "2 values of density for 1 cells"),
        ({"labels": []}, "0 values of labels for 1 cells"),
        ({"icon": lambda _: np.zeros((8, 9, 3), np.uint8)}, r"uint8 \(S, S, 3\)"),
        ({"level_size": 0, "cells": np.array([], dtype=np.int64)}, "choose 1 or more"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(change: dict[str, object], message: str) -> None:
    settings = {"level_size": 2, "cells": np.array([0]), "icon": flat(20), **change}
    with pytest.raises(AtlasError, match=message) as caught:
        render_level(**settings)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_an_absurdly_large_picture_names_the_icon_size_that_works() -> None:
    with pytest.raises(AtlasError, match="icon_px=181 is the largest that works"):
        render_level(160, np.array([0]), flat(80), icon_px=384)
    for size, fits in ((181, True), (182, False)):
        width = 160 * (size + round(0.025 * size))
        assert ((width + 2 * round(0.03 * width)) ** 2 <= MAX_PIXELS) == fits
    with pytest.raises(AtlasError, match="choose a coarser level"):
        render_level(3000, np.array([0]), flat(80), icon_px=16)


def test_a_written_picture_comes_back_with_its_title(tmp_path: Path) -> None:
    picture = render_level(3, np.arange(9), icons(9, 32).__getitem__, icon_px=32, title="Crème brûlée: mixed4c")
    write_png(picture, tmp_path / "level.png")
    with Image.open(tmp_path / "level.png") as read:
        assert read.format == "PNG"
        assert read.info["Title"] == "Crème brûlée: mixed4c"
        assert read.info["Software"] == "activation-atlas"
        assert np.array_equal(np.asarray(read), np.asarray(picture))
    assert str(tmp_path).encode() not in (tmp_path / "level.png").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["level.png"]


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    picture = render_level(2, np.array([0]), flat(20), icon_px=20)
    write_png(picture, tmp_path / "level.png")
    before = (tmp_path / "level.png").read_bytes()
    unwritable = Image.new("CMYK", (4, 4))
    with pytest.raises(AtlasError, match=r"level\.png cannot be written"):
        write_png(unwritable, tmp_path / "level.png")
    assert (tmp_path / "level.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["level.png"]
    with pytest.raises(AtlasError, match="cannot be written"):
        write_png(picture, tmp_path / "absent" / "level.png")
    with pytest.raises(AtlasError, match=r"ends in \.png"):
        write_png(picture, tmp_path / "level.jpg")


ROOT = Path(__file__).parents[2]

FULL_SIZE = """
import pathlib, sys
import numpy as np
from atlas.export import Marker, render_level, write_png
from tests.memory import most

ramp = np.linspace(0, 255, 80).astype(np.uint8)
base = np.stack([*np.meshgrid(ramp, ramp), np.full((80, 80), 128, np.uint8)], axis=2)

def draw(size):
    return render_level(
        size, np.arange(size**2), lambda row: np.roll(base, row, axis=0),
        labels=[f"class {row // 1280}" for row in range(size**2)], markers=[Marker(0.5, 0.5, "here")], title="All",
    )

picture = draw(40)
drawn = most()
write_png(picture, pathlib.Path(sys.argv[1]))
print(picture.width * picture.height * 4, most() - drawn)
picture = draw(160)
print(*picture.size, most())
"""


def test_the_finest_level_at_full_size_stays_well_under_4_gb(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_SIZE, str(tmp_path / "level.png")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    held, added_by_writing, width, height, peak = map(int, done.stdout.split())
    assert added_by_writing < held / 2, "writing holds no second copy"
    assert min(width, height) >= 160 * 80
    assert peak < 1.5 * 2**30
