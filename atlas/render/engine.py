"""The renderer: many icons in one batched optimisation, each independent of the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from atlas.errors import AtlasError
from atlas.render.icons import Icons, achieved_cosine, eight_bits
from atlas.render.lucent import render_with_lucent
from atlas.render.objective import centre, dot_cosine
from atlas.render.parameterisation import spectrum_scale, start_spectrum, to_image
from atlas.render.redirected_relu import RedirectedReLU
from atlas.render.rescue import rescue
from atlas.render.settings import RenderSettings
from atlas.render.transforms import warp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from atlas.models import VisionModel


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
        What `Icons.cosine` compares with; by default the targets themselves.
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
        The layer is unknown or has another number of channels; targets, means and keys are not equally many; an unknown
        engine, or lucent is not installed.
    """
    settings = settings or RenderSettings()
    targets = np.asarray(targets, dtype=np.float32)
    means = targets if means is None else np.asarray(means, dtype=np.float32)
    keys = range(len(targets)) if keys is None else keys
    _check(model, layer, targets, means, keys, engine)

    def run(rows: NDArray[np.int64], number: int, some: RenderSettings) -> Icons:
        tiles = render_tiles(
            model,
            layer,
            targets[rows],
            means=means[rows],
            keys=[keys[row] for row in rows],
            seed=seed,
            settings=some,
            objective=objective,
            progress=progress if number == first_try else None,
            engine=engine,
            first_try=number,
        )
        return Icons.concatenate([Icons.empty(some.size), *(icons for _, icons in tiles)])

    icons = run(np.arange(len(targets)), first_try, settings)
    if engine != "atlas":
        return icons
    return rescue(icons, lambda rows, number: run(rows, first_try + number, replace(settings, tries=1)), settings)


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
) -> Iterator[tuple[slice, Icons]]:
    """Like `render`, a tile at a time and without rescues: yields (which icons, the icons) as soon as they are done.

    Tries are numbered from `first_try`; another number is another start.
    """
    settings = settings or RenderSettings()
    targets = np.ascontiguousarray(targets, dtype=np.float32)
    means = targets if means is None else np.ascontiguousarray(means, dtype=np.float32)
    keys = range(len(targets)) if keys is None else keys
    _check(model, layer, targets, means, keys, engine)
    score = objective or dot_cosine(settings.power)
    if engine == "lucent":
        yield from _lucent_tiles(model, layer, targets, means, keys, seed, settings, score, progress)
        return
    total, width = len(targets), settings.tile_on(model.device)
    for start in range(0, total, width):
        rows = slice(start, min(start + width, total))

        streams = [(seed, int(keys[i])) for i in range(rows.start, rows.stop)]
        tries = []
        for attempt in range(settings.tries):

            def tick(step: int, rows: slice = rows, attempt: int = attempt) -> None:
                if progress is not None:
                    share = (attempt + step / settings.steps) / settings.tries
                    progress(rows.start + int(share * (rows.stop - rows.start)), total)

            draws = [_draw((*stream, first_try + attempt), settings) for stream in streams]
            tries.append(_render_tile(model, layer, targets[rows], means[rows], draws, settings, score, tick))
        yield rows, Icons.best(tries)


def _check(
    model: VisionModel,
    layer: str,
    targets: NDArray[np.float32],
    means: NDArray[np.float32],
    keys: Sequence[int],
    engine: str,
) -> None:
    channels = model.layer(layer).channels
    if targets.ndim != 2 or targets.shape[1] != channels:
        raise AtlasError(f"Targets of shape {targets.shape} do not fit {layer}: they must be (icons, {channels}).")
    if means.shape != targets.shape or len(keys) != len(targets):
        raise AtlasError(
            f"There are {len(targets)} targets but {len(means)} means and {len(keys)} keys; give one of each an icon."
        )
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


def _render_tile(
    model: VisionModel,
    layer: str,
    targets: NDArray[np.float32],
    means: NDArray[np.float32],
    draws: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
    settings: RenderSettings,
    objective: Callable[[Tensor, Tensor], Tensor],
    tick: Callable[[int], None],
) -> Icons:
    device, n = model.device, len(targets)
    width = settings.tile_on(device)
    # A short last tile is filled up with its first icon, so that every tile has one shape.
    rows = np.concatenate([np.arange(n), np.zeros(width - n, dtype=np.intp)])
    goal = torch.from_numpy(targets[rows]).to(device)
    starts, maps = zip(*(draws[row] for row in rows), strict=True)
    views = torch.from_numpy(np.stack(maps, axis=1)).to(device)
    spectrum = torch.from_numpy(np.stack(starts)).to(device).requires_grad_()
    scale = spectrum_scale(settings.size, settings.bandwidth_for(model)).to(device)
    optimiser = torch.optim.Adam([spectrum], lr=settings.learning_rate)
    last_steps = max(1, settings.steps // 16)
    mean_score = torch.zeros(width, device=device)
    for step in range(settings.steps):
        optimiser.param_groups[0]["lr"] = settings.learning_rate * _schedule(step / settings.steps)
        seen = warp(to_image(spectrum, scale), views[step]).to(model.dtype, memory_format=torch.channels_last)
        if step < settings.redirect_steps:
            with RedirectedReLU():
                scores = objective(centre(model.activations(seen, [layer])[layer]).float(), goal)
        else:
            scores = objective(centre(model.activations(seen, [layer])[layer]).float(), goal)
        # The sum over the batch: no image's gradient holds anything of another's.
        (spectrum.grad,) = torch.autograd.grad(-scores.sum(), spectrum)
        optimiser.step()
        if step >= settings.steps - last_steps:
            mean_score += scores.detach() / last_steps
        tick(step + 1)
    pixels = eight_bits(to_image(spectrum, scale))
    cosine, target_cosine = achieved_cosine(model, layer, pixels, torch.from_numpy(means[rows]).to(device), goal)
    return Icons(
        images=pixels[:n].permute(0, 2, 3, 1).contiguous().cpu().numpy(),
        cosine=cosine[:n].cpu().numpy(),
        target_cosine=target_cosine[:n].cpu().numpy(),
        score=mean_score[:n].cpu().numpy(),
    )


def _draw(stream: tuple[int, int, int], settings: RenderSettings) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    # One Philox stream an icon and try. The counter starts at zero whatever else is rendered.
    seed, key, attempt = stream
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, key, attempt])))
    start = start_spectrum(rng, settings.size)
    return start, settings.robustness.draw(rng, settings.steps, settings.size)


def _schedule(progress: float) -> float:
    return min(1.0, 0.1 + 3.6 * (1 - progress))
