"""Errors as sentences for the view: what is wrong and what to do, but not where on this machine things lie."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from atlas.errors import AtlasError
from atlas.manifest import FILE

if TYPE_CHECKING:
    from atlas.reader import AtlasReader

#: An absolute path without blanks, of POSIX or Windows; what it says is its last part.
_PATH: Final = re.compile(r"(?<![\w.…:/\\])(?:[A-Za-z]:[/\\]|/|\\\\)(?:[^\s/\\'\":;,]+[/\\])+(?=[^\s/\\'\":;,])")


def sentence(error: BaseException, world: AtlasReader) -> str:
    """What a view of `world` is told of an error, in one line."""
    if not (world.path / FILE).is_file():
        return f"{world.path.name} is not on the disk any more; build it again, or open it where it is now."
    if isinstance(error, OSError) and error.filename is not None:
        text = f"{Path(str(error.filename)).name}: {error.strerror}"
    else:
        text = (str(error).strip() or type(error).__name__).partition("\n")[0]
        text = text if isinstance(error, AtlasError) else f"{type(error).__name__}: {text}"
    # Folders whose names hold blanks are known only if they are the atlas's own, or the user's.
    for folder in {world.path.absolute(), world.path.resolve(), world.path}:
        text = text.replace(str(folder), world.path.name)
    for folder in {world.path.absolute().parent, world.path.resolve().parent, Path.cwd(), Path.home()}:
        if folder != folder.parent:
            text = text.replace(f"{folder}/", "").replace(f"{folder}\\", "")
    return _PATH.sub("", text)
