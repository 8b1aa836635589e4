"""Photographs, a store and an atlas of two levels, for commands to work on; not to be changed by a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.command import QUICK, RENDER, ran

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pictures under names that need care: few enough for a layout without UMAP."""
    folder = tmp_path_factory.mktemp("cli") / "my 'new' photos"
    folder.mkdir()
    rng = np.random.Generator(np.random.Philox(11))
    names = ("plain", "[red]x[red]", 'quo"te', "it's", ":smile:", "a b", "UPPER", "ünï")
    for name in names:
        colours = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(colours).resize((64, 64), Image.Resampling.BICUBIC).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="session")
def store(photographs: Path) -> Path:
    out = photographs.with_name("shop's photos.acts")
    ran("collect", "--images", photographs, "--out", out, *QUICK)
    return out


@pytest.fixture(scope="session")
def built(store: Path) -> Path:
    out = store.with_name("two levels.atlas")
    ran("build", "--activations", store, "--out", out, "--grid", 1, "--grid", 3, *RENDER)
    return out
