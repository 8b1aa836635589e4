"""`atlas demo --quick`, once, from the installed wheel: the whole way of a newcomer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageColor

from atlas.atlas import Atlas
from atlas.demo import LAYER, PHOTOGRAPHS, QUICK, photographs

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Installed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def done(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the demo wrote, and what it said."""
    out = tmp_path_factory.mktemp("demo") / "my [demo]"
    run = installed("atlas", "demo", "--quick", "--out", str(out))
    assert run.returncode == 0, run.stderr
    return out, run.stdout + run.stderr


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def test_it_writes_an_atlas_and_a_picture_of_each_level_and_says_so(done: tuple[Path, str]) -> None:
    out, said = done
    pictures = [*(f"level-{size:03d}.png" for size in QUICK[0]), "photographs.png"]
    assert sorted(path.name for path in out.iterdir()) == sorted([*pictures, f"{LAYER}.atlas"])
    for picture in pictures:
        assert f"Wrote {out / picture}" in said
        assert pixels(out / picture).std() > 10
    assert re.search(r"Rendering \d+ icons of mixed4c at level 8: .* on this device", said)
    assert f"Look at the pictures in {out}." in said


def test_its_atlas_is_a_real_one(done: tuple[Path, str]) -> None:
    world = Atlas(done[0] / f"{LAYER}.atlas")
    assert world.grids() == QUICK[0]
    assert len(world.xy()) == 10_000
    assert world.provenance["activations"]["kind"] == "embedded"
    assert world.activations.digest == world.provenance["activations"]["digest"]
    layout = world.summary()["layout"]
    assert layout["method"] == "umap"
    assert layout["trustworthiness"] > 0.75
    for size in QUICK[0]:
        level = world.level(size)
        assert level.icons is not None
        assert level.cosine is not None
        assert level.cosine.mean() > 0.5
        icons = np.stack([level.icons[index] for index in range(len(level.grid))]).astype(np.float32)
        # No dead grey icons, and none like another.
        assert icons.std(axis=(1, 2, 3)).min() > 10
        flat = icons.reshape(len(icons), -1)
        apart = np.abs(flat[:, None] - flat[None]).mean(axis=2) + 255 * np.eye(len(flat))
        assert apart.min() > 3


def test_the_places_of_both_photographs_are_marked(done: tuple[Path, str]) -> None:
    marked, plain = (pixels(done[0] / name) for name in ("photographs.png", f"level-{QUICK[0][-1]:03d}.png"))
    for colour in ("#e5484d", "#0090ff"):
        rgb = ImageColor.getrgb(colour)
        assert (marked == rgb).all(axis=2).sum() > 100
        assert (plain == rgb).all(axis=2).sum() < 20


def test_a_second_run_changes_nothing(
    done: tuple[Path, str], installed: Installed, contents: Callable[[Path], dict[str, bytes]]
) -> None:
    out = done[0]
    before = contents(out)
    run = installed("atlas", "demo", "--quick", "--out", str(out))
    assert run.returncode == 0, run.stderr
    assert "Rendering" not in run.stderr
    assert "Laying out" not in run.stderr
    assert contents(out) == before


def test_the_photographs_are_there() -> None:
    assert [path.name for path in photographs()] == list(PHOTOGRAPHS)
    assert all(path.is_file() for path in photographs())
