"""Whether the attributions of a layer tell classes apart: measured while activations are collected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from atlas.models.depth import is_early

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

#: Labels are printed from this agreement on, corrected for chance (Cohen's kappa): one in ten says more than a guess.
LEAST_KAPPA = 0.1


@dataclass(frozen=True)
class LabelMeaning:
    """What the class labels of a layer are worth.

    Attributes
    ----------
    layer : str
        Name of the layer.
    rows : int
        Activations it was measured on; 0 where the store does not say, and the name of the layer decides.
    agreement : float or None
        Share of activations whose top attributed class is the network's prediction for their image.
    chance : float or None
        The same if predictions were dealt out at random among the activations.
    explained : float or None
        Share of the predicted class's logit that attributions explain, summed over the map, as estimated from the
        positions sampled. Logits and attributions are taken relative to their mean over classes. 1 where they add up
        to the logit.
    """

    layer: str
    rows: int = 0
    agreement: float | None = None
    chance: float | None = None
    explained: float | None = None

    def record(self) -> dict[str, Any]:
        """Figures as plain values, under the name of the layer what `label_meaning` reads."""
        return {name: getattr(self, name) for name in ("rows", "agreement", "chance", "explained")}

    @property
    def kappa(self) -> float | None:
        """Agreement beyond chance (Cohen's kappa): 0 is a guess, 1 always right; None where it was not measured."""
        if self.agreement is None or self.chance is None or self.chance >= 1:
            return None
        return (self.agreement - self.chance) / (1 - self.chance)

    @property
    def informative(self) -> bool:
        """Whether labels carry information, so that it is worth printing them."""
        if self.rows:
            return self.kappa is not None and self.kappa >= LEAST_KAPPA
        return not is_early(self.layer)

    @property
    def note(self) -> str | None:
        """A sentence on why there are no labels; None where they mean something."""
        if self.informative:
            return None
        if not self.rows:
            return f"Class labels mean little at {self.layer}, so early in the network."
        return (
            f"Class labels mean little at {self.layer}: the class that an activation adds most to is what the network "
            f"predicts for {_percent(self.agreement)} of them, and would be for {_percent(self.chance)} by chance."
        )


def _percent(share: float | None) -> str:
    return f"{100 * (share or 0):.2g} %"


class MeaningSums:
    """Sums from which `LabelMeaning` is computed; they can be put away as JSON and taken up again exactly.

    Parameters
    ----------
    n_classes : int
        Columns of the attributions.
    """

    def __init__(self, n_classes: int) -> None:
        self._agreeing = 0
        self._top = np.zeros(n_classes, dtype=np.int64)
        self._predicted = np.zeros(n_classes, dtype=np.int64)
        self._attributed = 0.0
        self._margin = 0.0

    def add(self, attributions: NDArray[Any], logits: NDArray[Any], map_size: tuple[int, int]) -> None:
        """Add activations.

        Parameters
        ----------
        attributions : array (n, K)
            Of each activation.
        logits : array (n, K)
            Of its image.
        map_size : (int, int)
            Height and width of the layer's map.
        """
        attributions, logits = (np.asarray(values, dtype=np.float64) for values in (attributions, logits))
        top, predicted = attributions.argmax(axis=1), logits.argmax(axis=1)
        self._agreeing += int((top == predicted).sum())
        self._top += np.bincount(top, minlength=len(self._top))
        self._predicted += np.bincount(predicted, minlength=len(self._top))
        rows = np.arange(len(top))
        positions = map_size[0] * map_size[1]
        self._attributed += positions * float((attributions[rows, predicted] - attributions.mean(axis=1)).sum())
        self._margin += float((logits[rows, predicted] - logits.mean(axis=1)).sum())

    def record(self) -> dict[str, Any]:
        """As plain values for a store's provenance."""
        rows = int(self._top.sum())
        squares = float(self._top.astype(np.float64) @ self._predicted.astype(np.float64))
        return {
            "rows": rows,
            "agreement": self._agreeing / rows if rows else None,
            "chance": squares / rows**2 if rows else None,
            "explained": self._attributed / self._margin if self._margin > 0 else None,
            "sums": {
                "agreeing": self._agreeing,
                "attributed": self._attributed,
                "margin": self._margin,
                # On one line each: a list would take one a class.
                "top": " ".join(map(str, self._top.tolist())),
                "predicted": " ".join(map(str, self._predicted.tolist())),
            },
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Take up what `record` gave."""
        sums = record["sums"]
        top, predicted = (np.array(sums[name].split(), dtype=np.int64) for name in ("top", "predicted"))
        taken = cls(len(top))
        taken._top, taken._predicted = top, predicted
        taken._agreeing, taken._attributed, taken._margin = sums["agreeing"], sums["attributed"], sums["margin"]
        return taken


def label_meaning(layer: str, measured: Mapping[str, Any] | None) -> LabelMeaning:
    """Read what was measured of a layer, from the provenance of its activations; None where nothing was.

    Figures that are not of the expected form count as not measured.
    """
    found = measured.get(layer) if isinstance(measured, dict) else None
    if not isinstance(found, dict) or not isinstance(found.get("rows"), int):
        return LabelMeaning(layer)
    figures = {name: found.get(name) for name in ("agreement", "chance", "explained")}
    good = {name: float(value) for name, value in figures.items() if isinstance(value, int | float)}
    if found["rows"] < 1 or not {"agreement", "chance"} <= set(good):
        return LabelMeaning(layer)
    return LabelMeaning(layer, found["rows"], good["agreement"], good["chance"], good.get("explained"))
