"""The command that a figure came from, for its record."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def command() -> str:
    """The running command line, of paths only the names: where folders lie says nothing to others."""
    spec = sys.modules["__main__"].__spec__
    name = Path(sys.argv[0]).stem if spec is None else spec.name.removesuffix(".__main__")
    return shlex.join(["python", "-m", name, *(Path(one).name if "/" in one else one for one in sys.argv[1:])])
