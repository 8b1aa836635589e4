"""The `atlas` command as a person runs it: what it says, and how it ends."""

from __future__ import annotations

from typing import Any

from typer.testing import CliRunner

from atlas import cli

#: The cheapest layer of the embedded network, one position a photograph, few steps: seconds for a whole atlas.
QUICK = ["--layer", "conv2d1", "--per-image", "1", "--workers", "0", "--device", "cpu"]
RENDER = ["--steps", "1", "--icon-size", "32"]


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments], prog_name="atlas")


def ran(*arguments: Any) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    return str(result.stdout)


def refused(*arguments: Any) -> str:
    """The one line that a command which cannot be done says."""
    result = run(*arguments)
    assert result.exit_code == 1, (result.stdout, result.stderr)
    assert isinstance(result.exception, SystemExit)
    *before, line = result.stderr.splitlines()
    assert not [text for text in before if text.startswith(("Traceback", "atlas:"))]
    assert line.startswith("atlas: ")
    return str(line)
