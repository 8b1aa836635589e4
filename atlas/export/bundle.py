"""The viewer's front end, as the build left it in the package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from atlas.errors import AtlasError

_STATIC: Final = Path(__file__).resolve().parents[1] / "widgets" / "static"


def bundle_file(name: str) -> Path:
    """Path of ``viewer.js`` or ``viewer.css``.

    Raises
    ------
    AtlasError
        The installation lacks it.
    """
    path = _STATIC / name
    if not path.is_file():
        raise AtlasError("This installation lacks the viewer; install it again: pip install --force-reinstall .")
    return path
