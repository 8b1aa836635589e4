"""Everything that decides an icon besides its target and its seed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

import torch

from atlas.errors import AtlasError
from atlas.render.precision import fast_precision
from atlas.render.transforms import Robustness
from atlas.render.width import default_tile

if TYPE_CHECKING:
    from atlas.models import VisionModel

_WHOLE = ("size", "steps", "tries", "tile", "rescues", "redirect_steps")
_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """Everything that decides an icon besides its target and its seed.

    Attributes
    ----------
    size : int
        Side of the icon in pixels, at least 32: what the deepest layers need.
    steps : int
        Optimisation steps. The published recipe takes 512 at a constant rate of 0.05. With a larger rate that falls at
        the end, 128 reach the cosine of 256, and neighbouring icons are no more alike (``benchmarks/starts.py``); more
        add contrast and fine detail.
    learning_rate : float
        Adam's, on the spectrum. It falls linearly to a tenth over the last quarter, which settles fine texture.
    power : float
        How much purity counts in the objective, see `dot_cosine`.
    tries : int
        Independent starts of each icon; the one with the best score, averaged over its last steps, is kept.
    rescues : int
        Further starts, at most, of an icon that ends `stuck`, see `rescue`.
    rescue_below : float
        An icon is stuck whose target cosine ends below this share of the one that the cell's own mean has. Of 991 icons
        of mixed4c none ended below 0.9; of 906 of mixed5b nine in ten ended above 0.5, the others mostly at 0.2.
    settle : bool
        End an icon early whose score has stopped rising, see `Settling`, and put a waiting one in its place. Off: as
        many steps fewer for all icons do no worse (``benchmarks/starts.py``).
    ridge : float
        Ridge of the whitening, see `whiten`. Not used by `render` itself, which takes finished targets.
    bandwidth : float or None
        Highest spatial frequency of the icon in cycles a pixel; None takes the network's own.
    redirect_steps : int
        First steps in which gradients pass through inactive ReLUs.
    robustness : Robustness
        The random views.
    tile : int or None
        Icons optimised together; None takes 16 on a processor, on a GPU 8 to 256 by its free memory. Always that many
        (a last tile is filled up), because the same arithmetic in another shape rounds differently and many steps
        amplify that. On one processor, icons of equal width are equal to the bit. Another width, which a batch also
        gets when memory runs out, changes pixels; the mean achieved cosine differs by less than 0.02 in either
        precision (tested with 17 icons of mixed3b).
    precision : str or None
        "float32" or "bfloat16": what InceptionV1 is optimised through; None takes bfloat16 where the device multiplies
        it faster. The mean achieved cosine differs by less than 0.02 between the two, in the same test. Icons are
        judged in float32 always. Other networks are used in the type they have.
    graphs : bool
        Record an optimisation step as a CUDA graph and replay it, on a GPU and with the default objective, see
        `Replayed`. The kernels are the same, so no icon changes, and no digest or record tells.
    """

    size: int = 80
    steps: int = 128
    learning_rate: float = 0.1
    power: float = 4.0
    tries: int = 1
    rescues: int = 2
    rescue_below: float = 0.5
    settle: bool = False
    ridge: float = 1.0
    bandwidth: float | None = None
    redirect_steps: int = 16
    robustness: Robustness = field(default_factory=Robustness)
    tile: int | None = None
    precision: str | None = None
    graphs: bool = True

    def __post_init__(self) -> None:
        least = {
            "size": 32,
            "steps": 1,
            "tries": 1,
            "tile": 1,
            "rescues": 0,
            "rescue_below": 0,
            "redirect_steps": 0,
            "power": 0,
            "ridge": 0,
        }
        for name, smallest in least.items():
            value = getattr(self, name)
            if value is not None and not smallest <= value < inf:
                raise AtlasError(f"The render setting {name} is {value}; it must be at least {smallest}.")
            if name in _WHOLE and value is not None and value != int(value):
                raise AtlasError(f"The render setting {name} is {value}; it must be a whole number.")
        if not 0 < self.learning_rate < inf:
            raise AtlasError(f"The render setting learning_rate is {self.learning_rate}; it must be finite, above 0.")
        if self.bandwidth is not None and not 0 < self.bandwidth <= 0.5:
            raise AtlasError(f"The render setting bandwidth is {self.bandwidth}; it must be above 0, and 0.5 at most.")

        if self.precision not in (None, *_PRECISIONS):
            raise AtlasError(
                f"The render setting precision is {self.precision!r}; it must be {' or '.join(_PRECISIONS)}."
            )

    def precision_on(self, device: torch.device) -> torch.dtype:
        """What InceptionV1 is optimised through on `device`."""
        return fast_precision(device) if self.precision is None else _PRECISIONS[self.precision]

    def tile_on(self, device: torch.device) -> int:
        """Icons optimised together on `device`."""
        return self.tile or default_tile(device, self.size)

    def bandwidth_for(self, model: VisionModel) -> float:
        """Highest spatial frequency, in cycles a pixel, of icons of `model`."""
        return model.bandwidth if self.bandwidth is None else self.bandwidth

    def provenance(self) -> dict[str, Any]:
        """The settings that decide icons as plain values, for records and digests."""
        return {name: value for name, value in asdict(self).items() if name != "graphs"}
