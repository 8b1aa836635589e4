"""Feature visualisation of any objective, in the protocol that lucid and lucent share.

An objective is a callable that is given T and returns a loss to minimise, where ``T("mixed4c")`` are that layer's
activations; a parameterisation is a callable that returns parameters and a function of nothing to images. Those of
lucent work as they are; nothing here needs lucent.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch import Tensor

from atlas.errors import AtlasError
from atlas.render.global_random import seeded_globals
from atlas.render.icons import eight_bits
from atlas.render.parameterisation import spectrum_scale, start_spectrum, to_image
from atlas.render.redirected_relu import RedirectedReLU
from atlas.render.transforms import Robustness, warp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from atlas.models import VisionModel

    #: T → scalar loss.
    Objective: TypeAlias = Callable[[Callable[[str], Tensor]], Tensor]
    #: () → (parameters, () → images (B, 3, S, S) in [0, 1]).
    Parameterisation: TypeAlias = Callable[[], tuple[Iterable[Tensor], Callable[[], Tensor]]]


def render_objective(
    model: VisionModel,
    objective: Objective,
    *,
    parameterisation: Parameterisation | None = None,
    steps: int = 512,
    size: int = 80,
    batch: int = 1,
    seed: int = 0,
    robustness: Robustness | None = None,
    learning_rate: float = 0.05,
    transforms: Sequence[Callable[[Tensor], Tensor]] | None = None,
    redirect_steps: int = 16,
) -> NDArray[np.uint8]:
    """Images that minimise an objective.

    Only what the objective asks for runs: the network up to the last layer that it names.

    Parameters
    ----------
    model : VisionModel
        The network.
    objective : callable
        T → scalar loss. ``T(layer)`` gives the activations (B, C, h, w) of a layer, whose nested name may be written
        with dots (``layer3.0.conv1``) or, as in lucent, with underscores; ``T("input")`` the images (B, 3, S, S) in
        [0, 1] before any random view; ``T("labels")`` the logits (B, K).
    parameterisation : callable, optional
        () → (parameters, function of nothing that gives images (B, 3, S, S) in [0, 1]); by default ours, the one that
        `render` uses. ``lambda: lucent.optvis.param.image(80, batch=4)`` is lucent's.
    steps : int
        Optimisation steps, by Adam.
    size, batch : int
        Side, in pixels, and number of the images of our own parameterisation; not used with another.
    seed : int
        Start and random views follow from it. Code that is handed in may draw from the global generators of torch and
        NumPy: they are seeded meanwhile, and put back.
    robustness : Robustness, optional
        Our random views, each image with its own.
    learning_rate : float
        Adam's, constant.
    transforms : sequence of callable, optional
        Images → images, applied in order instead of our random views; an empty sequence for none. What they give goes
        into the network at the size it has.
    redirect_steps : int
        First steps in which gradients pass through inactive ReLUs.

    Returns
    -------
    array (B, S, S, 3), uint8
        The images.

    Raises
    ------
    AtlasError
        An unknown layer; a loss that is no scalar, or does not depend on the images; images that are not square, for
        which there are no random views of ours.
    """
    with seeded_globals([seed]):
        start = parameterisation or (lambda: _own_parameterisation(model, size, batch, seed))
        parameters, image = start()
        view = _own_views(robustness or Robustness(), steps, seed) if transforms is None else _composed(transforms)
        optimiser = torch.optim.Adam(parameters, lr=learning_rate)
        layers = _Layers(model)
        for step in range(steps):
            optimiser.zero_grad()
            with RedirectedReLU() if step < redirect_steps else nullcontext():
                images = image()
                layers.look_at(images, view(images, step))
                loss = objective(layers)
            _differentiate(loss)
            optimiser.step()
        with torch.no_grad():
            pixels = eight_bits(image().clamp(0, 1))
    return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()


class _Layers:
    """T of the protocol: activations by layer name. What was asked for once is computed together from then on."""

    def __init__(self, model: VisionModel) -> None:
        self._model = model
        self._wanted: list[str] = []
        # lucent joins the names of nested modules with underscores.
        self._names = {layer.name.replace(".", "_"): layer.name for layer in model.layers()}

    def look_at(self, images: Tensor, seen: Tensor) -> None:
        self._images, self._seen = images, seen.to(self._model.dtype)
        self._logits: Tensor | None = None
        self._found = self._model.activations(self._seen, self._wanted) if self._wanted else {}

    def __call__(self, name: str) -> Tensor:
        if name == "input":
            return self._images
        if name == "labels":
            if self._logits is None:
                self._logits = self._model.logits(self._seen).float()
            return self._logits
        layer = self._names.get(name, name)
        if layer not in self._found:
            self._found |= self._model.activations(self._seen, [layer])
            self._wanted.append(layer)
        return self._found[layer].float()


def _own_parameterisation(
    model: VisionModel, size: int, batch: int, seed: int
) -> tuple[list[Tensor], Callable[[], Tensor]]:
    starts = np.stack([start_spectrum(_generator(seed, i, 0), size) for i in range(batch)])
    spectrum = torch.from_numpy(starts).to(model.device).requires_grad_()
    scale = spectrum_scale(size, model.bandwidth).to(model.device)
    return [spectrum], lambda: to_image(spectrum, scale)


def _own_views(robustness: Robustness, steps: int, seed: int) -> Callable[[Tensor, int], Tensor]:
    maps: list[Tensor] = []

    def view(images: Tensor, step: int) -> Tensor:
        if not maps:
            height, width = images.shape[2:]
            if height != width:
                raise AtlasError(
                    f"Our random views need square images, not {height} x {width}; give transforms=[…], or [] for none."
                )
            draws = [robustness.draw(_generator(seed, i, 1), steps, height) for i in range(len(images))]
            maps.append(torch.from_numpy(np.stack(draws, axis=1)).to(images.device))
        return warp(images, maps[0][step])

    return view


def _composed(transforms: Sequence[Callable[[Tensor], Tensor]]) -> Callable[[Tensor, int], Tensor]:
    def view(images: Tensor, _step: int) -> Tensor:
        for transform in transforms:
            images = transform(images)
        return images

    return view


def _differentiate(loss: Tensor) -> None:
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        shape = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise AtlasError(f"The objective must return a scalar tensor, the loss to minimise, not {shape}.")
    if not loss.requires_grad:
        raise AtlasError("The loss does not depend on the images; ask T for a layer, T('input') or T('labels').")
    loss.backward()  # type: ignore[no-untyped-call]


def _generator(seed: int, image: int, purpose: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, image, purpose])))
