"""lucent as a reference engine: its optimisation, parameterisation and random views, on our network and objective.

lucent is an optional dependency, chooses its device when it is imported and draws from the global random generators:
it is imported here alone, and only when it is asked for.
"""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from atlas.errors import AtlasError
from atlas.render.global_random import seeded_globals
from atlas.render.icons import Icons, achieved_cosine, eight_bits
from atlas.render.objective import centre, dot_cosine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from atlas.models import VisionModel
    from atlas.render.settings import RenderSettings


def render_with_lucent(
    model: VisionModel,
    layer: str,
    targets: NDArray[np.float32],
    *,
    settings: RenderSettings,
    means: NDArray[np.float32] | None = None,
    keys: Sequence[int] | None = None,
    seed: int = 0,
    objective: Callable[[Tensor, Tensor], Tensor] | None = None,
    progress: Callable[[int, int], None] | None = None,
    fixed_image_size: int | None = None,
) -> Icons:
    """Feature visualisations by ``lucent.optvis.render.render_vis``, one icon after the other.

    The network, with its true normalisation, the objective, the number of steps and tries and the learning rate are
    ours; start, image parameterisation, random views and the (constant) learning-rate schedule are lucent's. Of
    `settings`, `bandwidth`, `redirect_steps`, `robustness` and `tile` have no effect.

    Parameters
    ----------
    model, layer, targets, means, keys, seed, objective
        As in `atlas.render.render`.
    settings : RenderSettings
        Size, steps, learning rate, power and tries.
    progress : callable, optional
        Called with (icons done, all icons) after every icon.
    fixed_image_size : int, optional
        Side that lucent brings each random view to; by default the size of the icon. lucent's default views pad an
        icon by 12 px on every side first, so that with ``settings.size + 24`` the network sees it at its own scale.

    Raises
    ------
    AtlasError
        lucent is not installed, or has chosen another device than the model's.
    """
    means = targets if means is None else means
    keys = range(len(targets)) if keys is None else keys
    score = objective or dot_cosine(settings.power)
    device = _lucent_device()
    if device != model.device:
        raise AtlasError(f"lucent renders on {device}, {model.name} is on {model.device}; load it there.")
    icons = []
    for i, key in enumerate(keys):
        goal, mean = (
            torch.tensor(vectors[i : i + 1], dtype=torch.float32, device=device) for vectors in (targets, means)
        )
        tries = []
        for attempt in range(settings.tries):
            with seeded_globals([seed, key, attempt]):
                image, scores = _optimise(model, layer, goal, settings, score, fixed_image_size or settings.size)
            pixels = eight_bits(image)
            cosine, target_cosine = achieved_cosine(model, layer, pixels, mean, goal)
            tries.append(
                Icons(
                    images=pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy(),
                    cosine=cosine.cpu().numpy(),
                    target_cosine=target_cosine.cpu().numpy(),
                    score=np.array([np.mean(scores[-max(1, settings.steps // 16) :])], dtype=np.float32),
                )
            )
        icons.append(Icons.best(tries))
        if progress is not None:
            progress(i + 1, len(keys))
    return Icons.concatenate(icons)


def preprocessed(model: VisionModel) -> nn.Module:
    """The network for lucent: with its preprocessing, named so that lucent adds none, and free to be hooked."""
    return _Preprocessed(model)


class _Preprocessed(nn.Module):
    """The network with its preprocessing: lucent guesses preprocessing by the name of the class."""

    def __init__(self, model: VisionModel) -> None:
        super().__init__()
        self.network = _copy_sharing_weights(model.module)
        self._preprocess, self._dtype = model.preprocess, model.dtype

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(self._preprocess(images.to(self._dtype)))
        return logits


def _copy_sharing_weights(module: nn.Module) -> nn.Module:
    # lucent leaves its hooks behind: they go with this copy.
    return copy.deepcopy(module, {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())})


def _optimise(
    model: VisionModel,
    layer: str,
    goal: Tensor,
    settings: RenderSettings,
    score: Callable[[Tensor, Tensor], Tensor],
    fixed_image_size: int,
) -> tuple[Tensor, list[float]]:
    """One icon (1, 3, S, S) in [0, 1] and the score of every step."""
    from lucent.optvis import param, render  # noqa: PLC0415 - see the module's docstring

    # lucent joins the names of nested modules with underscores.
    name = f"network_{layer.replace('.', '_')}"
    scores: list[float] = []

    def loss(layers: Callable[[str], Tensor]) -> Tensor:
        value = score(centre(layers(name)).float(), goal).sum()
        scores.append(value.item())
        return -value

    images: list[NDArray[np.float32]] = render.render_vis(
        preprocessed(model),
        loss,
        lambda: param.image(settings.size),
        optimizer=lambda params: torch.optim.Adam(params, lr=settings.learning_rate),
        thresholds=(settings.steps,),
        preprocess=False,
        progress=False,
        show_image=False,
        fixed_image_size=fixed_image_size,
    )
    if len(scores) < settings.steps:
        # lucent takes an interrupt for the end of this one icon.
        raise KeyboardInterrupt
    return torch.from_numpy(images[-1]).permute(0, 3, 1, 2).to(goal.device), scores


def _lucent_device() -> torch.device:
    try:
        # The kornia that lucent needs compiles functions at import in a way that newer versions of torch warn about.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r".*torch\.jit\.script.* is deprecated")
            from lucent.optvis import render  # noqa: F401, PLC0415 - the whole import under the filter
            from lucent.optvis.param import spatial  # noqa: PLC0415
    except ImportError as error:
        raise AtlasError(
            "Rendering with lucent needs lucent; install it with pip install 'activation-atlas[lucent]'."
        ) from error
    device: torch.device = spatial.device
    return device
