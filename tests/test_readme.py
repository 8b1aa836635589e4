"""What the README tells people to type works as it stands."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from atlas import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
#: Languages whose blocks are run; any other one would go unchecked.
RUN = {"bash", "python"}


def commands() -> list[list[str]]:
    """Every command line, split as a shell does, without comments."""
    lines = [line for language, block in FENCES if language == "bash" for line in block.splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def python_blocks() -> list[str]:
    return [block for language, block in FENCES if language == "python"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 60 photographs of a kind."""
    home = tmp_path_factory.mktemp("readme")
    (home / "photographs").mkdir()
    rng = np.random.Generator(np.random.Philox(2))
    for number in range(60):
        colours = rng.integers(0, 256, (rng.integers(2, 9), rng.integers(2, 9), 3), dtype=np.uint8)
        picture = Image.fromarray(colours).resize((64, 64), Image.Resampling.BICUBIC)
        picture.save(home / "photographs" / f"{number:02}.jpg")
    return home


@pytest.fixture(autouse=True)
def _there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        yield


def test_every_block_is_of_a_language_that_is_run() -> None:
    assert {language for language, _ in FENCES} == RUN


def test_every_command_is_one_of_make_or_atlas_and_understood() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    group = get_command(cli.app)
    assert commands()
    for program, *arguments in commands():
        if program == "make":
            assert set(arguments) <= targets
        else:
            assert program == "atlas"
            command = group.commands[arguments[0]]  # type: ignore[attr-defined]
            assert command.make_context(f"atlas {arguments[0]}", arguments[1:])


def test_every_command_named_in_the_text_exists() -> None:
    group = get_command(cli.app)
    text = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    spans = [span.split() for span in re.findall(r"`([^`\n]+)`", text)]
    options = {option for command in [group, *group.commands.values()] for p in command.params for option in p.opts}  # type: ignore[attr-defined]
    for words in spans:
        if words[0] == "atlas" and len(words) > 1 and not words[1].startswith("-"):
            assert words[1] in group.commands  # type: ignore[attr-defined]
        for word in words:
            assert not word.startswith("--") or word in options | {"--help"}


def test_the_commands_run_one_after_the_other() -> None:
    cheap = ["--steps", "1", "--icon-size", "32", "--workers", "0"]
    ran = set()
    for program, *arguments in commands():
        # `make` and the demo have tests of their own.
        if program == "atlas" and arguments[0] != "demo":
            given = arguments + (cheap if arguments[0] == "build" else [])
            given += cheap[:4] if arguments[0] == "class" or (arguments[0] == "compare" and len(arguments) > 2) else []
            given += ["--grid", "2"] if arguments[0] == "build" and "--grid" not in arguments else []
            done = CliRunner().invoke(cli.app, given)
            assert done.exit_code == 0, done.stderr
            ran.add(arguments[0])
    assert ran >= {"build", "export", "info"}
    for words in commands():
        for before, name in itertools.pairwise(words):
            assert before not in ("--png", "--out") or Path(name).exists()


@pytest.mark.parametrize("number", range(len(python_blocks())))
def test_a_python_block_runs_as_it_stands(number: int) -> None:
    exec(compile(python_blocks()[number], f"README.md, block {number}", "exec"), {"__name__": "readme"})  # noqa: S102


def test_every_file_that_is_linked_exists() -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", README)
    for target in targets:
        assert target.startswith("https://") or (ROOT / target).exists(), target
