"""Any torch vision network as the rest of the product sees it: layers by name, activations, logits."""

from __future__ import annotations

import difflib
import itertools
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from atlas.errors import AtlasError
from atlas.models.weights import state_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from atlas.models.labels import Labels


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """A layer an atlas can be made of.

    Attributes
    ----------
    name : str
        Name of the submodule whose output is meant.
    channels : int
        Length of an activation vector.
    stride : float
        Input pixels from one position of the map to the next: side of the input by side of the map.
    """

    name: str
    channels: int
    stride: float


class _StopForward(Exception):  # noqa: N818 - not an error: it ends a forward pass early
    """The last wanted layer has been seen; nothing after it needs to run."""


class VisionModel:
    """A frozen network in evaluation mode, with named layers.

    Parameters
    ----------
    module : torch.nn.Module
        Takes preprocessed images (B, 3, H, W), gives logits (B, K).
    name : str
        Shown to people and kept in provenance.
    preprocess : callable
        Images in [0, 1] → what the module takes. Differentiable.
    input_size : int
        Side, in pixels, that images are brought to.
    labels : Labels or None
        Names of the K outputs.
    layer_names : sequence of str or None
        The layers to list; None lists every submodule with a map as output.
    bandwidth : float
        Highest spatial frequency, in cycles a pixel, of the photographs the network was trained on: 0.5 for sharp
        ones, less for small photographs that were enlarged. What lies above it the network never learned to ignore,
        and rendering leaves it out.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        name: str,
        preprocess: Callable[[Tensor], Tensor],
        input_size: int,
        labels: Labels | None = None,
        layer_names: Sequence[str] | None = None,
        bandwidth: float = 0.5,
    ) -> None:
        # Channels last is the layout that convolutions are fast in, on processors and on GPUs.
        self.module = module.eval().requires_grad_(requires_grad=False).to(memory_format=torch.channels_last)
        self.name = name
        self.preprocess = preprocess
        self.input_size = input_size
        self.labels = labels
        self.bandwidth = bandwidth
        self.digest = state_digest(self.module.state_dict())
        self._layer_names = layer_names
        self._layers: tuple[LayerInfo, ...] | None = None
        self._n_classes: int | None = None

    def __repr__(self) -> str:
        return f"<VisionModel {self.name}: {self.n_classes} classes, {self.input_size} px, {len(self.layers())} layers>"

    @cached_property
    def input_digest(self) -> str:
        """Digest of what preprocessing makes of a fixed picture: weights alone do not decide a network's answers."""
        # Values that every floating type holds exactly, and a rounded result: the same on every device.
        ramp = (torch.arange(3 * 8 * 8) / 256).reshape(1, 3, 8, 8).to(self.device, self.dtype)
        with torch.no_grad():
            return state_digest({"ramp": (self.preprocess(ramp).float().cpu() * 64).round()})

    @property
    def device(self) -> torch.device:
        """Device of the parameters."""
        return next((p.device for p in self.module.parameters()), torch.device("cpu"))

    @property
    def dtype(self) -> torch.dtype:
        """Floating type of the parameters."""
        return next((p.dtype for p in self.module.parameters()), torch.float32)

    @property
    def n_classes(self) -> int:
        """Number of logits."""
        self.layers()
        assert self._n_classes is not None  # noqa: S101 - `layers` has set it
        return self._n_classes

    def layers(self) -> tuple[LayerInfo, ...]:
        """Every listed layer, in the order in which the forward pass reaches them.

        Found by one forward pass of a grey image; the result is kept.

        Raises
        ------
        AtlasError
            The network does not run on one image of `input_size`, or does not give logits (B, K).
        """
        if self._layers is None:
            self._layers = tuple(self._probe())
        return self._layers

    def _probe(self) -> list[LayerInfo]:
        shapes: dict[str, tuple[int, ...]] = {}

        def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
            def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:  # noqa: ANN401 - torch's hook signature
                if isinstance(output, Tensor) and output.ndim == 4:
                    shapes.setdefault(name, tuple(output.shape))

            return hook

        wanted = self._layer_names or [name for name, _ in self.module.named_modules() if name]
        grey = torch.full((1, 3, self.input_size, self.input_size), 0.5, device=self.device, dtype=self.dtype)
        with ExitStack() as hooks, torch.no_grad():
            for name in wanted:
                hooks.enter_context(self.module.get_submodule(name).register_forward_hook(note(name)))
            try:
                logits = self.module(self.preprocess(grey))
            except (RuntimeError, ValueError) as error:
                reason = str(error).splitlines()[0]
                raise AtlasError(
                    f"{self.name} does not run on one {self.input_size} px image ({reason}); "
                    "give wrap_model the right input_size and preprocess."
                ) from error
        if not isinstance(logits, Tensor) or logits.ndim != 2:
            raise AtlasError(f"{self.name} must give logits of shape (B, K); wrap it in a module that does.")
        self._n_classes = int(logits.shape[1])
        if self.labels is not None and len(self.labels) != self._n_classes:
            raise AtlasError(f"{self.name} has {self._n_classes} classes, but {len(self.labels)} labels were given.")
        return [LayerInfo(name, shape[1], self.input_size / shape[2]) for name, shape in shapes.items()]

    def layer(self, name: str) -> LayerInfo:
        """The layer called `name`.

        Raises
        ------
        AtlasError
            There is none; the message lists the nearest names.
        """
        by_name = {layer.name: layer for layer in self.layers()}
        if name in by_name:
            return by_name[name]
        near = difflib.get_close_matches(name, by_name, n=5, cutoff=0.4) or list(by_name)[-5:]
        raise AtlasError(f"{self.name} has no layer {name!r}; the nearest names are {', '.join(near)}.")

    def activations(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Outputs of `layers` for images in [0, 1]; nothing after the last of them runs.

        Of a module that the forward pass calls several times, the first call counts.

        Parameters
        ----------
        images : Tensor
            (B, 3, H, W), values in [0, 1].
        layers : sequence of str
            Layer names.

        Returns
        -------
        dict of str to Tensor
            (B, C, h, w) of each layer. Gradients flow back to `images`.

        Raises
        ------
        AtlasError
            A layer is unknown, or was not reached.
        """
        found: dict[str, Tensor] = {}

        def keep(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
            def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:  # noqa: ANN401
                if name in found:
                    return
                if len(found) + 1 == len(set(layers)):
                    found[name] = output
                    raise _StopForward
                # The network runs on, and may overwrite this output in place (an in-place ReLU, a sum).
                found[name] = output.clone()

            return hook

        with self._hooks({name: keep(name) for name in layers}):
            try:
                self.module(self.preprocess(images))
            except _StopForward:
                return found
        missing = [name for name in layers if name not in found]
        raise AtlasError(f"{self.name} ran without reaching {', '.join(missing)}; choose a layer of its forward pass.")

    def logits(self, images: Tensor) -> Tensor:
        """Logits (B, K) of images (B, 3, H, W) in [0, 1]."""
        logits: Tensor = self.module(self.preprocess(images))
        return logits

    def logits_with(self, images: Tensor, layer: str, edit: Callable[[Tensor], Tensor]) -> Tensor:
        """Logits of `images` when the output h of `layer` is replaced by ``edit(h)``.

        Differentiable in reverse and in forward mode; the part before the layer runs as it is. Of a module that the
        forward pass calls several times, the first call counts, as in `activations`.
        """
        calls = itertools.count()

        def replace(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:  # noqa: ANN401
            return edit(output) if next(calls) == 0 else output

        with self._hooks({layer: replace}):
            return self.logits(images)

    @contextmanager
    def _hooks(self, hooks: dict[str, Callable[..., Any]]) -> Iterator[None]:
        with ExitStack() as stack:
            for name, hook in hooks.items():
                module = self.module.get_submodule(self.layer(name).name)
                stack.enter_context(module.register_forward_hook(hook))
            yield

    def to(self, device: str | torch.device | None = None, dtype: torch.dtype | None = None) -> VisionModel:
        """Move the network; returns self.

        Raises
        ------
        AtlasError
            There is no such device here.
        """
        try:
            self.module.to(device=device, dtype=dtype)
        # An AssertionError is what a torch built without CUDA raises.
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise AtlasError(f"{self.name} cannot be put on device {device} ({reason}); choose another.") from error
        return self
