"""What an activation contributes to every class, by one forward-mode product."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel

from atlas.activations.smoothing import SmoothPooling
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from torch import Tensor

    from atlas.models.vision import VisionModel

MAX_DUALS = 256
"""Dual maps in one pass of the rest of the network: bounds memory when an image has many positions."""


def attribute(
    model: VisionModel, images: Tensor, layer: str, rows: Tensor, cols: Tensor, *, smooth_pooling: bool = False
) -> Tensor:
    """Attribution of single activations to every class.

    attr_c = h_xy . d logit_c / d h_xy, where h_xy is the activation vector at one position (Carter et al.
    2019). It is the directional derivative of the logits along h_xy, so one forward-mode product gives all
    classes. Positions are not averaged.

    Parameters
    ----------
    model : VisionModel
        The network.
    images : Tensor, shape (B, 3, H, W)
        Values in [0, 1].
    layer : str
        Layer of the activations.
    rows, cols : Tensor of int64, shape (B,) or (B, k)
        Positions in the layer's map, one or k per image.
    smooth_pooling : bool
        Max-pools after the layer pass their derivative on to all that a window holds (`SmoothPooling`), which makes
        attributions less noisy, and hides behaviour that the network has: its own pools go by the largest value alone.

    Returns
    -------
    Tensor, shape (B, K) or (B, k, K)
        In units of the logits.

    Raises
    ------
    AtlasError
        The part of the network after `layer` cannot be differentiated in forward mode, or the
        logits do not depend on the layer.
    """
    return Attributor(model, layer, smooth_pooling=smooth_pooling)(images, rows, cols).attributions


class Attributed(NamedTuple):
    """What one pass gives for n positions.

    Attributes
    ----------
    vectors : Tensor (n, C)
        Activations at the positions.
    attributions : Tensor (n, K)
        What each contributes to every class.
    logits : Tensor (n, K)
        Logits of its image.
    """

    vectors: Tensor
    attributions: Tensor
    logits: Tensor


class Attributor:
    """`attribute` for many batches of one layer.

    With several positions per image the part before the layer runs once per image where the network allows
    it. A connection around the layer carries one map per image and does not fit the enlarged batch: then, and
    from then on, the images themselves are repeated.

    Parameters
    ----------
    model : VisionModel
        The network.
    layer : str
        Layer of the activations.
    smooth_pooling : bool
        See `attribute`.
    """

    def __init__(self, model: VisionModel, layer: str, *, smooth_pooling: bool = False) -> None:
        self.model = model
        self._pooling = SmoothPooling if smooth_pooling else nullcontext
        self.layer = model.layer(layer).name
        self._repeat_images = False

    def __call__(self, images: Tensor, rows: Tensor, cols: Tensor) -> Attributed:
        """From one pass: vectors at the positions, their attributions, and the logits; see `attribute`."""
        per_image = rows.numel() // max(1, len(images))
        which = torch.arange(len(images), device=images.device).repeat_interleave(per_image)
        flat_rows, flat_cols = rows.reshape(-1).to(images.device), cols.reshape(-1).to(images.device)
        parts = [
            self._group(images, which[part], flat_rows[part], flat_cols[part])
            for part in (slice(start, start + MAX_DUALS) for start in range(0, len(which), MAX_DUALS))
        ]
        return Attributed(*(torch.cat(halves).reshape(*rows.shape, -1) for halves in zip(*parts, strict=True)))

    def _group(self, images: Tensor, which: Tensor, rows: Tensor, cols: Tensor) -> Attributed:
        first, last = int(which[0]), int(which[-1])
        images, which = images[first : last + 1], which - first
        if len(which) == len(images):
            return self._product(images, None, rows, cols)
        if not self._repeat_images:
            try:
                return self._product(images, which, rows, cols)
            except torch.cuda.OutOfMemoryError:
                raise
            except RuntimeError:
                self._repeat_images = True
        return self._product(images.index_select(0, which), None, rows, cols)

    def _product(self, images: Tensor, which: Tensor | None, rows: Tensor, cols: Tensor) -> Attributed:
        seen: list[Tensor] = []

        def perturb(h: Tensor) -> Tensor:
            if which is not None:
                h = h.index_select(0, which)
            at = torch.arange(len(h), device=h.device)
            tangent = torch.zeros_like(h)
            seen.append(h[at, :, rows, cols])
            tangent[at, :, rows, cols] = seen[-1]
            return _make_dual(h, tangent)

        # Only the plain form of attention has a forward derivative.
        with (
            torch.inference_mode(mode=False),
            torch.no_grad(),
            forward_ad.dual_level(),
            sdpa_kernel(SDPBackend.MATH),
            self._pooling(),
        ):
            try:
                logits = self.model.logits_with(images, self.layer, perturb)
            except NotImplementedError as error:
                reason = str(error).splitlines()[0] if str(error) else "an operation has no forward derivative"
                raise AtlasError(
                    f"{self.model.name} cannot be differentiated in forward mode after {self.layer} "
                    f"({reason}); collect with attributions=False."
                ) from error
            if which is not None and len(logits) != len(which):
                raise RuntimeError("the network folded the enlarged batch")
            value, change = forward_ad.unpack_dual(logits)  # type: ignore[no-untyped-call]
            if change is None:
                raise AtlasError(
                    f"The logits of {self.model.name} do not depend on {self.layer}, or the path is detached;"
                    " choose another layer, or attributions=False."
                )
            return Attributed(seen[-1], change.detach().clone(), value.detach().clone())


def _make_dual(primal: Tensor, tangent: Tensor) -> Tensor:
    # The first dual tensor makes torch import a module that uses its own deprecated torch.jit.script.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.script` is", category=FutureWarning)
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.script` is", category=DeprecationWarning)
        dual: Tensor = forward_ad.make_dual(primal, tangent)  # type: ignore[no-untyped-call]
    return dual
