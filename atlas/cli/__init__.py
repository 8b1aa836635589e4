"""The `atlas` command."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from atlas.cli.app import app
from atlas.cli.auditing import audit
from atlas.cli.classes import class_, compare
from atlas.cli.exporting import export
from atlas.cli.looking import info, models
from atlas.cli.making import build, collect, demo
from atlas.cli.planted import planted
from atlas.cli.training import evaluate, train

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "app",
    "audit",
    "build",
    "class_",
    "collect",
    "compare",
    "demo",
    "evaluate",
    "export",
    "info",
    "main",
    "models",
    "planted",
    "train",
]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; errors that the user can put right are one line, status 1; 130 when it was stopped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal cannot show is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    app(args=None if arguments is None else list(arguments))
