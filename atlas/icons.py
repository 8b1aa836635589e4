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
from atlas.render import Icons, RenderSettings, render, rescue, whiten

if TYPE_CHECKING:
    from collections.abc import Callable
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
    """Measure what an icon will take here, from a few steps of one tile; the quickest, the first ones warm up."""
    width = settings.tile_on(model.device)
    target = np.ones((width, model.layer(layer).channels), dtype=np.float32)
    stamps: list[float] = []
    few = replace(settings, steps=6, redirect_steps=0, tries=1, rescues=0)

    def stamp(_done: int, _total: int) -> None:
        if model.device.type == "cuda":
            torch.cuda.synchronize(model.device)
        stamps.append(time.perf_counter())

    render(model, layer, target, settings=few, progress=stamp)
    return float(np.diff(stamps).min()) / width * settings.steps * settings.tries


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
) -> Icons:
    """Render every cell of a level.

    Parameters
    ----------
    moment : array (C, C)
        Second moment of the layer's activations, for whitening.
    partial : Path
        Folder that keeps finished tiles: an interrupted call goes on from it. Removed by the caller.

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
    parts = [Icons.empty(settings.size)]

    def run(rows: Any, first_try: int, some: RenderSettings, tick: Callable[[int, int], None] | None) -> Icons:  # noqa: ANN401
        return render(
            model,
            layer,
            targets[rows],
            means=level.mean[rows],
            keys=np.asarray(keys, dtype=object)[rows].tolist(),
            seed=seed,
            settings=some,
            engine=engine,
            progress=tick,
            first_try=first_try,
        )

    for start in range(0, len(level), width):
        rows = slice(start, min(start + width, len(level)))
        file = partial / f"tile-{start:06d}.npz"
        icons = _load(file, rows.stop - rows.start, settings.size)
        if icons is None:

            def tick(done: int, _total: int, start: int = start) -> None:
                progress(start + done, len(level))

            icons = run(rows, 0, replace(settings, rescues=0), tick)
            _save(file, icons)
        parts.append(icons)
        progress(rows.stop, len(level))
    # Rescues come last and together: the few icons that need one fill a tile, instead of one tile each.
    again = replace(settings, tries=1, rescues=0)
    rendered = Icons.concatenate(parts)
    return rendered if engine != "atlas" else rescue(rendered, lambda some, n: run(some, n, again, None), settings)


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
