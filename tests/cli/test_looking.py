"""Commands that show something: networks, pictures, what a folder holds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from atlas.activations import open_activations, write_activations
from tests.command import ran, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_models_are_listed_and_so_are_the_layers_of_one() -> None:
    listed = ran("models")
    for word in ("inceptionv1-tiny", "inceptionv1", "googlenet", "no download", "atlas models NAME"):
        assert word in listed
    layers = ran("models", "inceptionv1-tiny")
    assert re.search(r"mixed4c\s+512\s+16", layers)
    assert re.search(r"mixed5b\s+1024\s+32", layers)
    assert "200 classes, images of 96 px" in layers


@pytest.mark.parametrize(
    ("options", "check"),
    [
        (["--level", "1", "--icon-size", "100"], lambda picture: picture.width < 200),
        (["--background", "transparent", "--density"], lambda picture: picture.mode == "RGBA"),
        (["--title", "[b]old[/b] & new"], lambda picture: picture.info["Title"] == "[b]old[/b] & new"),
    ],
)
def test_export_passes_its_options_on(
    built: Path, tmp_path: Path, options: list[str], check: Callable[[Image.Image], bool]
) -> None:
    ran("export", built, "--png", tmp_path / "x.png", *options)
    with Image.open(tmp_path / "x.png") as picture:
        picture.load()
        assert check(picture)


def test_export_writes_pages_and_deep_zoom_images(built: Path, tmp_path: Path) -> None:
    places = [tmp_path / "x.html", tmp_path / "page", tmp_path / "deep"]
    said = ran("export", built, "--html", places[0], "--folder", places[1], "--dzi", places[2], "--title", "<b>")
    assert said.count("Wrote") == 3
    for page in (places[0], places[1] / "index.html"):
        assert "<title>&lt;b&gt;</title>" in page.read_text(encoding="utf-8")
    assert (places[2] / "atlas.dzi").is_file()


def test_info_says_what_an_atlas_holds(built: Path, store: Path) -> None:
    said = ran("info", built)
    assert re.search(r"network\s+inceptionv1-tiny \(weights [0-9a-f]{12}\)", said)
    assert "images       8 of 8 from my 'new' photos" in said
    assert f"activations  store ../{store.name}" in said or f"activations  store {store.name}" in said
    assert re.search(r"conv2d1\s+1\s+1\s+\d", said)
    assert "conv2d1: 8 activations, 0 all zero" in said


def test_info_says_what_a_store_holds(store: Path) -> None:
    said = ran("info", store)
    assert "8 images" in said
    assert "conv2d1: 8 x 64" in said
    assert "Interrupted" not in said


def test_info_says_that_a_collection_was_interrupted(store: Path, tmp_path: Path) -> None:
    write_activations(open_activations(store), tmp_path / "half.acts")
    header = tmp_path / "half.acts" / "acts.json"
    header.write_text(json.dumps(json.loads(header.read_text()) | {"complete": False}))
    assert "Interrupted: the `atlas collect` that made it goes on" in ran("info", tmp_path / "half.acts")
    assert "collect again to complete" in refused("build", "--activations", tmp_path / "half.acts")


def test_a_picture_of_a_name_that_is_no_text_is_written(built: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    command = [sys.executable, "-m", "atlas.cli", "export", str(built), "--png", str(tmp_path / name)]
    done = subprocess.run(
        command, capture_output=True, check=True, env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"}
    )
    assert rb"caf\udce9.png" in done.stdout
    assert (tmp_path / name).is_file()
