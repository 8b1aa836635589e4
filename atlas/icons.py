"""The icons of a level: rendered, resumably, tile by tile, or real patches instead."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import torch
from torch.nn import functional as F

from atlas.errors import AtlasError
from atlas.images import UnreadableImageError
from atlas.images.fit import digest_of
from atlas.models.depth import is_early
from atlas.patches import crop_patch
from atlas.render import Icons, RenderSettings, lanes_on, render, render_tiles, rescue, whiten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.activations import Activations
    from atlas.grid import Level
    from atlas.images import ImageSource
    from atlas.models import VisionModel

_FIELDS = ("images", "cosine", "target_cosine", "score")


def icon_keys(layer: str, level: Level) -> list[int]:
    """One number a cell that decides its random stream: of the layer, the grid size and the cell alone."""
    return [
        int.from_bytes(hashlib.blake2b(f"{layer}/{level.size}/{cell}".encode(), digest_size=8).digest(), "little")
        for cell in level.cell
    ]


def seconds_per_icon(model: VisionModel, layer: str, settings: RenderSettings) -> float:
    """Measure what an icon will take here, from a few steps of as many tiles as run at once; the first ones warm up."""
    width, lanes = settings.tile_on(model.device), lanes_on(model, layer)
    target = np.ones((width * lanes, model.layer(layer).channels), dtype=np.float32)
    stamps: list[float] = []
    few = replace(settings, steps=6, redirect_steps=0, tries=1, rescues=0)

    def stamp(_done: int, _total: int) -> None:
        if model.device.type == "cuda":
            torch.cuda.synchronize(model.device)
        stamps.append(time.perf_counter())

    render(model, layer, target, settings=few, progress=stamp)
    # One stamp a step of a batch.
    warm = stamps[len(stamps) // 3 :]
    return (warm[-1] - warm[0]) / (len(warm) - 1) / width * settings.steps * settings.tries


def tiles_done(partial: Path) -> int:
    """Tiles that an interrupted rendering has left."""
    return len(list(partial.glob("tile-*.npz"))) if partial.is_dir() else 0


def render_icons(
    model: VisionModel,
    layer: str,
    level: Level,
    moment: NDArray[np.float64],
    settings: RenderSettings,
    *,
    seed: int,
    engine: str,
    partial: Path,
    progress: Callable[[int, int], None],
    watch: Callable[[Sequence[int], NDArray[np.uint8]], None] | None = None,
) -> Icons:
    """Render every cell of a level.

    Parameters
    ----------
    moment : array (C, C)
        Second moment of the layer's activations, for whitening.
    partial : Path
        Folder that keeps finished tiles: an interrupted call goes on from it. Removed by the caller.
    watch : callable, optional
        Called with rows of the level and their icons (n, S, S, 3), unfinished ones too, sharper each time.

    Returns
    -------
    Icons
        In the order of ``level.cell``.

    Raises
    ------
    AtlasError
        See `render`.
    """
    targets = level.mean if is_early(layer) else whiten(level.mean, moment, settings.ridge)
    keys = icon_keys(layer, level)
    partial.mkdir(parents=True, exist_ok=True)
    width = settings.tile_on(model.device)

    def run(rows: NDArray[np.int64], tick: Callable[[int, int], None] | None, **other: Any) -> Iterator[Icons]:  # noqa: ANN401
        tiles = render_tiles(
            model,
            layer,
            targets[rows],
            means=level.mean[rows],
            keys=[keys[row] for row in rows],
            seed=seed,
            engine=engine,
            progress=tick,
            **other,
        )
        return (icons for _, icons in tiles)

    starts = range(0, len(level), width)
    files = {start: partial / f"tile-{start:06d}.npz" for start in starts}
    parts: dict[int, Icons] = {}
    done = 0
    for start in starts:
        count = min(width, len(level) - start)
        icons = _load(files[start], count, settings.size)
        if icons is not None:
            parts[start] = icons
            done += count
            if watch is not None:
                watch(range(start, start + count), icons.images)
            progress(done, len(level))
    # Only the last tile may be short, so that those that are missing come back as they are cut here.
    missing = [start for start in starts if start not in parts]
    rows = np.concatenate([np.arange(start, min(start + width, len(level))) for start in missing] or [np.arange(0)])
    tiles = run(
        rows,
        lambda more, _total: progress(done + more, len(level)),
        settings=settings,
        sketch=None if watch is None else lambda some, images: watch(rows[list(some)].tolist(), images),
    )
    for start, icons in zip(missing, tiles, strict=True):
        _save(files[start], icons)
        parts[start] = icons
        if watch is not None:
            watch(range(start, start + len(icons)), icons.images)
    rendered = Icons.concatenate([Icons.empty(settings.size), *(parts[start] for start in starts)])
    if engine != "atlas":
        return rendered
    # Rescues come last and together: the few icons that need one fill a tile, instead of one tile each.
    again = replace(settings, tries=1)
    return rescue(
        rendered, lambda some, n: Icons.concatenate(list(run(some, None, settings=again, first_try=n))), settings
    )


def medoid_icons(
    model: VisionModel, layer: str, level: Level, acts: Activations, source: ImageSource, size: int
) -> Icons:
    """Real patches: of each cell, the image part under the member nearest to the mean.

    The cosine given is that member's own, to the mean.

    Raises
    ------
    AtlasError
        An image is not in `source` any more or cannot be read.
    """
    rows = acts[layer]
    index = {source.image_id(i): i for i in range(len(source))}
    side = model.input_size
    images, cosines = [], []
    for mean, row in zip(level.mean, level.nearest[:, 0], strict=True):
        name = acts.image_ids[rows.image[row]]
        if name not in index:
            raise AtlasError(f"Image {name!r} is not among the images given; give those that were collected from.")
        try:
            image = source.load(index[name])
        except UnreadableImageError as error:
            raise AtlasError(f"Image {name!r} cannot be read any more ({error}); build with rendered icons.") from error
        if acts.image_digests[rows.image[row]] not in ("", digest_of(image)):
            raise AtlasError(f"Image {name!r} is not the one that was collected from; its content differs.")
        shown = crop_patch(image, rows.position[row], rows.map_size, side, size)
        images.append(np.asarray(shown))
        vector = torch.from_numpy(np.asarray(rows.vectors[int(row) : int(row) + 1], dtype=np.float32)[0])
        cosines.append(float(F.cosine_similarity(vector, torch.from_numpy(mean), dim=0)))
    cosine = np.asarray(cosines, dtype=np.float32)
    shape = (len(level), size, size, 3)
    return Icons(np.asarray(images, dtype=np.uint8).reshape(shape), cosine, cosine.copy(), cosine.copy())


def _save(file: Path, icons: Icons) -> None:
    part = file.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as stream:
        np.savez(stream, **{name: getattr(icons, name) for name in _FIELDS})
    part.replace(file)


def _load(file: Path, count: int, size: int) -> Icons | None:
    if not file.is_file() or file.is_symlink():
        return None
    try:
        # Opened here: of a damaged file numpy keeps the handle that it opened itself.
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            icons = Icons(*(stored[name] for name in _FIELDS))
    except (ValueError, KeyError, OSError, EOFError, BadZipFile):
        # A tile that cannot be read is rendered again.
        return None
    return icons if icons.images.shape == (count, size, size, 3) else None
