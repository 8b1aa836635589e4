"""Progress of long calls: a bar with the time left, in a terminal and in a notebook."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from tqdm.auto import tqdm

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray


class Progress(Protocol):
    """What long calls report to: how far a stage is, and lines for people."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Report that `done` of `total` units of `stage` are finished."""

    def note(self, line: str) -> None:
        """Say one line: what will be done, what it will cost, what was found."""


@runtime_checkable
class Watcher(Progress, Protocol):
    """What wants to see an atlas grow, besides its progress."""

    def changed(self, folder: Path) -> None:
        """Hear that the atlas in `folder` has another layer, level or set of icons."""

    def icons(self, layer: str, size: int, rows: Sequence[int], images: NDArray[np.uint8]) -> None:
        """See icons (n, S, S, 3) of a level, by their rows among its cells, finished or on their way."""


class Silent:
    """Reports nothing."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Ignore."""

    def note(self, line: str) -> None:
        """Ignore."""


class Bars:
    """One bar a stage, on standard error, and lines above; a context manager that closes the last bar."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._stage, self._quiet = "", False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Move the bar of `stage`; a new stage closes the bar of the one before."""
        if stage != self._stage:
            self.close()
            # Off a terminal a bar would fill a log with half-finished lines: there, one line when a stage ends.
            quiet = not sys.stderr.isatty() and not _in_kernel()
            self._bar = tqdm(total=total, desc=stage, dynamic_ncols=True, disable=quiet)
            self._stage, self._quiet = stage, quiet
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        self._bar.n = done

    def note(self, line: str) -> None:
        """Print a line above the bar."""
        self.close()
        # Notebooks show what goes to standard error as if it were one.
        place = sys.stdout if _in_kernel() else sys.stderr
        print(line, file=place, flush=True)

    def close(self) -> None:
        """Finish the present bar."""
        if self._bar is not None:
            self._bar.close()
            if self._quiet:
                print(f"{self._stage}: {self._bar.n:,} of {self._bar.total:,}", file=sys.stderr, flush=True)  # noqa: T201
        self._bar, self._stage = None, ""


def _in_kernel() -> bool:
    return "ipykernel" in sys.modules
