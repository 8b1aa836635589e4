"""How the `atlas` command ends when something is in the way: one line, a status, no traceback."""

from __future__ import annotations

import errno
import sys
from typing import Any, NoReturn

from typer.core import TyperGroup

from atlas.errors import AtlasError

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class Commands(TyperGroup):
    """Ends a command that the user stopped, or can put right, with one line instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer has its own copy of click in some versions
        """Run a command; an error that the user can put right ends it with status 1, Ctrl-C with 130."""
        try:
            return super().invoke(ctx)
        except AtlasError as error:
            stop(str(error), 1)
        except OSError as error:
            if isinstance(error, BrokenPipeError) or error.strerror is None:
                raise
            if error.errno in _FULL:
                stop(
                    "the disk is full. What is finished is kept; make room, and the same command goes on from there.", 1
                )
            stop(f"{error.strerror}: {error.filename}" if error.filename else error.strerror, 1)
        except KeyboardInterrupt:
            stop("stopped. What is finished is kept; the same command goes on from there.", 130)


def stop(line: str, status: int) -> NoReturn:
    """Print one line on standard error and leave with `status`."""
    from atlas.images.skipped import one_line  # noqa: PLC0415 - not needed while all goes well

    print(f"atlas: {one_line(line)}", file=sys.stderr)  # noqa: T201
    sys.exit(status)
