"""The renderer: many icons in one batched optimisation, each independent of the others."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from atlas.errors import AtlasError
from atlas.render.batch import Batch, Job
from atlas.render.crew import Post, work
from atlas.render.devices import gpus_like, replicas
from atlas.render.icons import Icons
from atlas.render.lucent import render_with_lucent
from atlas.render.networks import AnyNetwork, TrunkNetwork, has_trunk
from atlas.render.objective import dot_cosine
from atlas.render.rescue import APPROACH, expected_cosine, rescue
from atlas.render.settings import RenderSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from numpy.typing import NDArray

    from atlas.models import VisionModel
    from atlas.render.networks import Network


#: What `render` can optimise with: this module, or lucent as the reference.
ENGINES = ("atlas", "lucent")


def render(
    model: VisionModel,
    layer: str,
    targets: NDArray[np.float32],
    *,
    means: NDArray[np.float32] | None = None,
    keys: Sequence[int] | None = None,
    seed: int = 0,
    settings: RenderSettings | None = None,
    objective: Callable[[Tensor, Tensor], Tensor] | None = None,
    progress: Callable[[int, int], None] | None = None,
    engine: str = "atlas",
    first_try: int = 0,
) -> Icons:
    """Feature visualisations of activation vectors.

    Parameters
    ----------
    model : VisionModel
        The network; in float32 for results that other machines can come close to.
    layer : str
        Layer whose centre position is optimised.
    targets : array (M, C)
        Directions to optimise for, usually `whiten`-ed means.
    means : array (M, C), optional
        What `Icons.cosine` compares with, by default the targets themselves; where rescues begin, see `rescue`.
    keys : sequence of int, optional
        A number for each icon that, with `seed`, decides its random stream. By default 0 … M - 1. An icon depends on
        its target, key, seed and the settings, and on nothing that is rendered beside it.
    objective : callable, optional
        (activations (B, C), targets (B, C)) → scores (B,); by default `dot_cosine`.
    progress : callable, optional
        Called with (icons done, all icons), whole steps counted as fractions rounded down.
    engine : str
        "atlas", or "lucent": one icon after the other by lucent's own optimisation, the reference to compare with
        (see `render_with_lucent`).
    first_try : int
        Number of the first try; another number is another start.

    Raises
    ------
    AtlasError
        The layer is unknown or has another number of channels; targets, means and keys are not equally many; numbers
        that are not finite; a negative seed or key; an unknown engine, or lucent is not installed.
    """
    settings = settings or RenderSettings()
    targets = np.asarray(targets, dtype=np.float32)
    means = targets if means is None else np.asarray(means, dtype=np.float32)
    keys = range(len(targets)) if keys is None else keys
    _check(model, layer, targets, means, keys, seed, engine)

    def run(rows: NDArray[np.int64], number: int, some: RenderSettings, *, rescuing: bool = False) -> Icons:
        tiles = render_tiles(
            model,
            layer,
            targets[rows],
            means=None if means is targets else means[rows],
            keys=[keys[row] for row in rows],
            seed=seed,
            settings=some,
            objective=objective,
            progress=None if rescuing else progress,
            engine=engine,
            first_try=number,
            rescuing=rescuing,
        )
        return Icons.concatenate([Icons.empty(some.size), *(icons for _, icons in tiles)])

    icons = run(np.arange(len(targets)), first_try, settings)
    if engine != "atlas":
        return icons
    again = replace(settings, tries=1)
    expected = None if means is targets else expected_cosine(means, targets)
    return rescue(icons, lambda rows, n: run(rows, first_try + n, again, rescuing=True), settings, expected)


def render_tiles(
    model: VisionModel,
    layer: str,
    targets: NDArray[np.float32],
    *,
    means: NDArray[np.float32] | None = None,
    keys: Sequence[int] | None = None,
    seed: int = 0,
    settings: RenderSettings | None = None,
    objective: Callable[[Tensor, Tensor], Tensor] | None = None,
    progress: Callable[[int, int], None] | None = None,
    engine: str = "atlas",
    first_try: int = 0,
    rescuing: bool = False,
    sketch: Callable[[Sequence[int], NDArray[np.uint8]], None] | None = None,
) -> Generator[tuple[slice, Icons], None, None]:
    """Like `render`, a tile at a time and without rescues: yields (which icons, the icons) as soon as they are done.

    Tries are numbered from `first_try`; another number is another start. When `rescuing`, goals begin at the means and
    reach the targets after the first `APPROACH` of the steps. `sketch` is called now and then with rows of
    unfinished icons and how they look by now, (n, S, S, 3).
    """
    settings = settings or RenderSettings()
    targets = np.ascontiguousarray(targets, dtype=np.float32)
    approach = min(int(APPROACH * settings.steps), settings.steps - 1) if rescuing and means is not None else 0
    means = targets if means is None else np.ascontiguousarray(means, dtype=np.float32)
    keys = range(len(targets)) if keys is None else keys
    _check(model, layer, targets, means, keys, seed, engine)
    score = objective or dot_cosine(settings.power)
    if engine == "lucent":
        yield from _lucent_tiles(model, layer, targets, means, keys, seed, settings, score, progress)
        return
    total, width = len(targets), settings.tile_on(model.device)
    jobs = [
        Job(row, attempt, (seed, int(keys[row]), attempt), targets[row], means[row], approach)
        for row in range(total)
        for attempt in range(first_try, first_try + settings.tries)
    ]
    posts = _posts(model, layer, settings, score, -(-len(jobs) // width))
    # Icons are handed out in order; what is finished before its turn waits here.
    tries: list[list[tuple[int, Icons]]] = [[] for _ in range(total)]
    steps, start, tile = 0, 0, min(width, total)
    with closing(work(jobs, posts, width, sketch=sketch is not None)) as reports:
        for report in reports:
            steps += report.steps
            if sketch is not None and report.sketches:
                sketch([job.row for job, _ in report.sketches], np.stack([image for _, image in report.sketches]))
            for job, icon in report.finished:
                tries[job.row].append((job.attempt, icon))
            if progress is not None:
                progress(min(total, total * steps // (len(jobs) * settings.steps)), total)
            while start < total and all(len(tries[row]) == settings.tries for row in range(start, start + tile)):
                best = [
                    Icons.best([icon for _, icon in sorted(tries[row], key=_attempt)])
                    for row in range(start, start + tile)
                ]
                for row in range(start, start + tile):
                    tries[row] = []
                yield slice(start, start + tile), Icons.concatenate(best)
                start += tile
                tile = min(width, total - start)
    if start < total:
        raise RuntimeError(f"{total - start} of {total} icons were lost.")


def lanes_on(model: VisionModel, layer: str) -> int:
    """Batches that are optimised at once: one a thread of a processor, where the network is run by hand; one a GPU."""
    return _threads(model, layer) if model.device.type == "cpu" else len(gpus_like(model.device))


def _threads(model: VisionModel, layer: str) -> int:
    return torch.get_num_threads() if has_trunk(model, layer) else 1


def arithmetic(model: VisionModel, layer: str, settings: RenderSettings) -> dict[str, Any]:
    """What changes icons by rounding only, for records: "wanted_tile", its width, and "precision" of the network.

    The width is the one asked for: where memory runs out, batches are narrower, see `Icons.width`.
    """
    dtype = settings.precision_on(model.device) if has_trunk(model, layer) else model.dtype
    return {"wanted_tile": settings.tile_on(model.device), "precision": str(dtype).removeprefix("torch.")}


def _attempt(numbered: tuple[int, Icons]) -> int:
    return numbered[0]


def _posts(
    model: VisionModel, layer: str, settings: RenderSettings, score: Callable[[Tensor, Tensor], Tensor], batches: int
) -> list[Post]:
    """Workers for so many batches, on all devices by turns."""
    copies = replicas(model)
    lanes = _threads(model, layer) if model.device.type == "cpu" else 1
    # A lane has one thread, also when it is the only one: products of float32 matrices are summed in another order on
    # two, and an icon must not depend on how many others there are.
    threads = torch.get_num_threads() if lanes == 1 else 1
    posts = []
    for one in copies[: max(1, batches)]:
        network: Network = AnyNetwork(one, layer, score)
        if has_trunk(one, layer):
            network = TrunkNetwork(one, layer, settings.size, score, settings.precision_on(one.device))
        batch = partial(Batch, network, settings, bandwidth=settings.bandwidth_for(one), device=one.device)
        posts.append(Post(threads, batch))
    return [post for _ in range(lanes) for post in posts][: max(1, batches)]


def _check(
    model: VisionModel,
    layer: str,
    targets: NDArray[np.float32],
    means: NDArray[np.float32],
    keys: Sequence[int],
    seed: int,
    engine: str,
) -> None:
    channels = model.layer(layer).channels
    if targets.ndim != 2 or targets.shape[1] != channels:
        raise AtlasError(f"Targets of shape {targets.shape} do not fit {layer}: they must be (icons, {channels}).")
    if means.shape != targets.shape or len(keys) != len(targets):
        raise AtlasError(
            f"There are {len(targets)} targets but {len(means)} means and {len(keys)} keys; give one of each an icon."
        )
    if not np.isfinite(targets).all() or not np.isfinite(means).all():
        raise AtlasError("Some targets or means hold numbers that are not finite; leave these icons out.")
    if seed < 0 or min(keys, default=0) < 0:
        raise AtlasError("The seed and the keys of icons decide random numbers; give whole numbers from 0 on.")
    if engine not in ENGINES:
        raise AtlasError(f"There is no render engine {engine!r}; there are {', '.join(ENGINES)}.")


def _lucent_tiles(
    model: VisionModel,
    layer: str,
    targets: NDArray[np.float32],
    means: NDArray[np.float32],
    keys: Sequence[int],
    seed: int,
    settings: RenderSettings,
    objective: Callable[[Tensor, Tensor], Tensor],
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[slice, Icons]]:
    for i, key in enumerate(keys):
        one = slice(i, i + 1)
        icons = render_with_lucent(
            model,
            layer,
            targets[one],
            settings=settings,
            means=means[one],
            keys=[int(key)],
            seed=seed,
            objective=objective,
        )
        if progress is not None:
            progress(i + 1, len(keys))
        yield one, icons
