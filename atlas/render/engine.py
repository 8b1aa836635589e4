"""The renderer: many icons in one batched optimisation, each independent of the others."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from atlas.errors import AtlasError
from atlas.render.icons import Icons, achieved_cosine, eight_bits
from atlas.render.lucent import render_with_lucent
from atlas.render.objective import centre, dot_cosine
from atlas.render.parameterisation import spectrum_scale, start_spectrum, to_image
from atlas.render.redirected_relu import RedirectedReLU
from atlas.render.transforms import Robustness, warp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from atlas.models import VisionModel


#: What `render` can optimise with: this module, or lucent as the reference.
ENGINES = ("atlas", "lucent")


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """Everything that decides an icon besides its target and its seed.

    Attributes
    ----------
    size : int
        Side of the icon in pixels, at least 32: what the deepest layers need.
    steps : int
        Optimisation steps. The published recipe takes 512 at a constant rate of 0.05; with a larger rate that falls at
        the end, half as many and fewer reach the same cosine (measured by ``benchmarks/steps.py``).
    learning_rate : float
        Adam's, on the spectrum. It falls linearly to a tenth over the last quarter, which settles fine texture.
    power : float
        How much purity counts in the objective, see `dot_cosine`.
    tries : int
        Independent starts of each icon; the one with the best score, averaged over its last steps, is kept.
    ridge : float
        Ridge of the whitening, see `whiten`. Not used by `render` itself, which takes finished targets.
    bandwidth : float or None
        Highest spatial frequency of the icon in cycles a pixel; None takes the network's own.
    redirect_steps : int
        First steps in which gradients pass through inactive ReLUs.
    robustness : Robustness
        The random views.
    tile : int or None
        Icons optimised together; None takes 8 on a processor, 64 on a GPU. Always that many (a last tile is filled
        up), because the same arithmetic in another shape rounds differently and many steps amplify that.
    """

    size: int = 80
    steps: int = 256
    learning_rate: float = 0.1
    power: float = 4.0
    tries: int = 1
    ridge: float = 1.0
    bandwidth: float | None = None
    redirect_steps: int = 16
    robustness: Robustness = field(default_factory=Robustness)
    tile: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("size", 32), ("steps", 1), ("tries", 1), ("tile", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise AtlasError(f"The render setting {name} is {value}; it must be at least {least}.")

    def tile_on(self, device: torch.device) -> int:
        """Icons optimised together on `device`."""
        return self.tile or (8 if device.type == "cpu" else 64)

    def provenance(self) -> dict[str, Any]:
        """The settings as plain values, for records and digests."""
        return asdict(self)


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

    Raises
    ------
    AtlasError
        The layer is unknown or has another number of channels; targets, means and keys are not equally many; an unknown
        engine, or lucent is not installed.
    """
    parts = list(
        render_tiles(
            model,
            layer,
            targets,
            means=means,
            keys=keys,
            seed=seed,
            settings=settings,
            objective=objective,
            progress=progress,
            engine=engine,
        )
    )
    if not parts:
        size, nothing = (settings or RenderSettings()).size, np.zeros(0, dtype=np.float32)
        return Icons(np.zeros((0, size, size, 3), dtype=np.uint8), nothing, nothing, nothing)
    return Icons.concatenate([icons for _, icons in parts])


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
) -> Iterator[tuple[slice, Icons]]:
    """Like `render`, a tile at a time: yields (which icons, the icons) as soon as they are done."""
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

            draws = [_draw((*stream, attempt), settings) for stream in streams]
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
    scale = spectrum_scale(settings.size, settings.bandwidth or model.bandwidth).to(device)
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
