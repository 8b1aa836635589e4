"""Where the files that ship with the product lie: the same call in a wheel and in an editable install."""

from __future__ import annotations

from pathlib import Path

from atlas.errors import AtlasError

_PACKAGE = Path(__file__).resolve().parent


def asset(name: str) -> Path:
    """Path of the shipped file or folder `name`.

    A wheel carries the assets inside the package; a checkout keeps them beside it.

    Raises
    ------
    AtlasError
        The installation lacks it.
    """
    for folder in (_PACKAGE / "assets", _PACKAGE.parent / "assets"):
        if (folder / name).exists():
            return folder / name
    raise AtlasError(f"This installation lacks the shipped file {name!r}; install activation-atlas again.")
