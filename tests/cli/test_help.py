"""What `atlas --help` teaches."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from atlas import cli
from atlas.pipeline import build
from atlas.render import RenderSettings
from tests.command import ran

if TYPE_CHECKING:
    from collections.abc import Sequence


COMMANDS = ("demo", "models", "collect", "build", "class", "compare", "export", "info", "train", "evaluate", "audit")


def test_help_says_where_to_start_and_names_every_command() -> None:
    text = ran("--help")
    for word in (*COMMANDS, "atlas demo", "atlas build --images FOLDER"):
        assert word in text


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("demo", ("no download", "--quick", "--out", "atlas-demo")),
        ("models", ("layers of one", "[NAME]")),
        ("collect", ("Interrupted?", "goes on where it stopped", "--images", "--per-image", "NAME.acts")),
        ("build", ("only what is missing", "goes on where it stopped", "--grid", "--activations", "NAME.atlas")),
        ("export", ("--png", "--html", "--dzi", "finest", "--labels", "--density")),
        ("info", ("could not be read", "activation store")),
    ],
)
def test_the_help_of_a_command_teaches_it(command: str, words: Sequence[str]) -> None:
    text = " ".join(re.sub(r"[│╭╮╰╯─\s]+", " ", ran(command, "--help")).split())
    for word in words:
        assert word in text or word.strip("[]").lower() in text


def test_nothing_slow_is_loaded_for_help() -> None:
    code = "import sys, atlas.cli; sys.exit(bool({'torch', 'umap', 'zarr', 'sklearn'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_defaults_of_the_command_are_those_of_the_library() -> None:
    command = inspect.signature(cli.build).parameters
    settings = RenderSettings()
    assert command["steps"].default == settings.steps
    assert command["icon_size"].default == settings.size
    assert command["tries"].default == settings.tries
    library = inspect.signature(build).parameters
    for name in ("seed", "icons", "engine", "min_count", "per_image", "workers"):
        assert command[name].default == library[name].default
