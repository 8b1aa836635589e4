"""The icons of a level: rendered, resumably, tile by tile, or real patches instead."""

from __future__ import annotations

import hashlib
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F

from atlas.errors import AtlasError
from atlas.images import UnreadableImageError
from atlas.images.fit import digest_of
from atlas.models.depth import is_early
from atlas.patches import crop_patch
from atlas.render import Icons, RenderSettings, expected_cosine, lanes_on, render, render_tiles, stuck, whiten
from atlas.tiles import Tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.activations import Activations
    from atlas.grid import Level
    from atlas.images import ImageSource
    from atlas.models import VisionModel


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
) -> Tiles:
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
    Tiles
        In the order of ``level.cell``, still in `partial`.

    Raises
    ------
    AtlasError
        See `render`.
    """
    targets = level.mean if is_early(layer) else whiten(level.mean, moment, settings.ridge)
    keys = icon_keys(layer, level)
    tiles = Tiles(partial, len(level), settings.tile_on(model.device), settings.size)

    def run(
        rows: NDArray[np.int64],
        tick: Callable[[int, int], None] | None,
        **other: Any,  # noqa: ANN401
    ) -> Generator[Icons, None, None]:
        finished = render_tiles(
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
        # Closed whatever happens to the icons, a full disk for one: no worker may go on for nobody.
        with closing(finished):
            for _, icons in finished:
                yield icons

    missing, done = _missing(tiles, watch, lambda done: progress(done, len(level)))
    # Only the last tile may be short, so that those that are missing come back as they are cut here.
    rows = np.concatenate([np.arange(0), *(np.asarray(tiles.rows(start)) for start in missing)])
    rendering = run(
        rows,
        lambda more, _total: progress(done + more, len(level)),
        settings=settings,
        sketch=None if watch is None else lambda some, images: watch(rows[list(some)].tolist(), images),
    )
    with closing(rendering) as finished:
        for start, icons in zip(missing, finished, strict=True):
            tiles.write(start, icons)
            if watch is not None:
                watch(tiles.rows(start), icons.images)
    if engine != "atlas":
        return tiles
    # Rescues come last and together: the few icons that need one fill a tile, instead of one tile each.
    again, expected = replace(settings, tries=1), expected_cosine(level.mean, targets)
    for attempt in range(settings.tries, settings.tries + settings.rescues):
        left = stuck(tiles.target_cosine, settings, expected)
        if not len(left):
            break
        with closing(run(left, None, settings=again, first_try=attempt, rescuing=True)) as finished:
            for icons in finished:
                tiles.improve(left[: len(icons)], icons)
                left = left[len(icons) :]
    return tiles


def _missing(
    tiles: Tiles,
    watch: Callable[[Sequence[int], NDArray[np.uint8]], None] | None,
    progress: Callable[[int], None],
) -> tuple[list[int], int]:
    """Where tiles start that are not there yet, and how many icons are, which are shown and reported."""
    missing, done = [], 0
    for start in tiles.starts:
        icons = tiles.read(start)
        if icons is None:
            missing.append(start)
            continue
        done += len(icons)
        if watch is not None:
            watch(tiles.rows(start), icons.images)
        progress(done)
    return missing, done


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
