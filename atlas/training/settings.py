"""How a network is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from atlas.errors import AtlasError


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """Settings of `train`. The defaults suit photographs of 64 px on one processor or GPU.

    Attributes
    ----------
    epochs : float
        Passes over the photographs, fractions too. A training that goes on may be given another number: the rest of the
        schedule is stretched or shortened.
    batch_size : int
        Photographs in a step.
    sizes : tuple of int
        Sides in pixels that the photographs are brought to, in equal shares of the training: small first, which is
        cheap and as good in the beginning (progressive resizing).
    evaluation_size : int
        Side in pixels that the network is made for: running statistics are taken, and accuracy is measured, at it. Best
        somewhat above the last training size, because random crops enlarge what they show (Touvron et al., 2019).
    source_size : int
        Side in pixels at which the photographs are kept in memory.
    learning_rate : float
        Highest rate of stochastic gradient descent with Nesterov momentum; rises over `warm_up` of the training, falls
        along a half cosine to zero.
    warm_up : float
        Share of the training.
    momentum, weight_decay : float
        The decay is of convolution and head weights only.
    label_smoothing : float
        Share of the target that is spread over all classes (Szegedy et al., 2015).
    ema_decay : float
        Of the moving average of the weights, a step; the average is what is kept. It starts faster: never slower than
        the number of steps done allows.
    least_crop : float
        Smallest share of a photograph's area that a random crop shows.
    adversarial_radius : float
        L2 length, in units of [0, 1] pixels at 96 px, of a perturbation that each photograph is trained under, found by
        one gradient step; 0 for none. Mild values give cleaner feature visualisations (Engstrom et al., 2019) and
        double the cost.
    half_precision : bool
        Whether to compute in bfloat16 (the weights stay float32).
    compile : bool
        Whether to hand the network to ``torch.compile``.
    seed : int
        Decides initial weights, order and crops.
    """

    epochs: float = 16.0
    batch_size: int = 128
    sizes: tuple[int, ...] = (64, 80, 96)
    evaluation_size: int = 96
    source_size: int = 64
    learning_rate: float = 0.1
    warm_up: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-5
    label_smoothing: float = 0.1
    ema_decay: float = 0.998
    least_crop: float = 0.35
    adversarial_radius: float = 0.0
    half_precision: bool = True
    compile: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "evaluation_size", "source_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise AtlasError(f"The training setting {name} is {getattr(self, name)}; it must be above 0.")
        if not self.sizes or min(self.sizes) < 32 or self.evaluation_size < 32:
            raise AtlasError(f"Training sizes are {self.sizes}; give sides of 32 pixels or more, small ones first.")
        for name in ("warm_up", "momentum", "weight_decay", "label_smoothing", "ema_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise AtlasError(f"The training setting {name} is {getattr(self, name)}; it must be in [0, 1).")
        if not 0 < self.least_crop <= 1:
            raise AtlasError(f"The training setting least_crop is {self.least_crop}; it must be above 0, at most 1.")
        if self.adversarial_radius < 0:
            raise AtlasError(f"adversarial_radius is {self.adversarial_radius}; it must be 0 or more.")

    def provenance(self) -> dict[str, Any]:
        """The settings as plain values, for records."""
        return asdict(self) | {"sizes": list(self.sizes)}
