"""Icons of a level on disk while it is rendered: however many there are, a tile of them is in memory at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from atlas.errors import AtlasError
from atlas.render import Icons
from atlas.render.icons import FIELDS
from atlas.writing import new_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_SCORES = ("cosine", "target_cosine", "score")


class Tiles:
    """Icons in files of `width` each, the last one shorter; written atomically, so that a stopped rendering goes on.

    Parameters
    ----------
    folder : Path
        Made if absent.
    count, width, size : int
        Icons in all, in a file, and their side in pixels.

    Attributes
    ----------
    cosine, target_cosine, score : array (count,), float32
        As in `Icons`; NaN where there is no icon yet.
    width : array (count,), int32
        As in `Icons`; 0 where there is no icon yet.
    """

    def __init__(self, folder: Path, count: int, width: int, size: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._count, self._width, self._size = folder, count, width, size
        self.cosine, self.target_cosine, self.score = (np.full(count, np.nan, dtype=np.float32) for _ in _SCORES)
        self.width = np.zeros(count, dtype=np.int32)
        self._last: tuple[int, Icons] | None = None

    def __len__(self) -> int:
        return self._count

    @property
    def starts(self) -> range:
        """First icon of every tile."""
        return range(0, self._count, self._width)

    @property
    def images(self) -> _Images:
        """The icons, read when they are asked for."""
        return _Images(self)

    def rows(self, start: int) -> range:
        """Icons of the tile that begins with icon `start`."""
        return range(start, min(start + self._width, self._count))

    def write(self, start: int, icons: Icons) -> None:
        """Keep a tile."""
        with new_file(self._file(start)) as part, part.open("wb") as stream:
            np.savez(stream, **{name: getattr(icons, name) for name in FIELDS})
        self._note(start, icons)

    def read(self, start: int) -> Icons | None:
        """A tile, or None if it is absent or damaged."""
        if self._last is not None and self._last[0] == start:
            return self._last[1]
        file = self._file(start)
        if not file.is_file() or file.is_symlink():
            return None
        try:
            # Opened here: of a damaged file numpy keeps the handle that it opened itself.
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                icons = Icons(*(stored[name] for name in FIELDS))
        except (ValueError, KeyError, OSError, EOFError, BadZipFile):
            # A tile that cannot be read is rendered again.
            return None
        if icons.images.shape != (len(self.rows(start)), self._size, self._size, 3):
            return None
        self._note(start, icons)
        return icons

    def improve(self, rows: NDArray[np.int64], others: Icons) -> NDArray[np.int64]:
        """Put `others` in the places of `rows` where their score is higher; gives the rows that this was so for."""
        better = np.flatnonzero(others.score > self.score[rows])
        for start in np.unique(rows[better] // self._width) * self._width:
            here = better[rows[better] // self._width == start // self._width]
            icons = self.read(int(start))
            if icons is None:
                raise AtlasError(f"{self._file(int(start)).name} has been changed while rendering; build again.")
            self.write(int(start), icons.improved(rows[here] - start, others.take(here.tolist())))
        return rows[better]

    def _note(self, start: int, icons: Icons) -> None:
        rows = self.rows(start)
        for name in (*_SCORES, "width"):
            getattr(self, name)[rows.start : rows.stop] = getattr(icons, name)
        self._last = start, icons

    def _file(self, start: int) -> Path:
        return self._folder / f"tile-{start:06d}.npz"

    def image(self, i: int) -> NDArray[np.uint8]:
        """Icon i."""
        start = i - i % self._width
        icons = self.read(start)
        if icons is None:
            raise AtlasError(f"{self._file(start).name} has been changed while rendering; build again.")
        found: NDArray[np.uint8] = icons.images[i - start]
        return found


class _Images:
    """Icons by number and in order, as an array of them would give them."""

    def __init__(self, tiles: Tiles) -> None:
        self._tiles = tiles

    def __len__(self) -> int:
        return len(self._tiles)

    def __getitem__(self, i: int) -> NDArray[np.uint8]:
        return self._tiles.image(range(len(self))[i])

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self._tiles.image(i) for i in range(len(self)))


def tiles_done(folder: Path) -> int:
    """Tiles that an interrupted rendering has left."""
    return len(list(folder.glob("tile-*.npz"))) if folder.is_dir() else 0
