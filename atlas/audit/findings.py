"""From predictions to findings: flip rates, differences to the controls, verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from atlas.audit.statistics import detectable, holm, mcnemar, paired_interval, power, wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

Verdict = Literal["found", "not found", "not enough images"]
Way = Literal["held out", "best"]
#: How a flip is counted: at one size and position, chosen on other photographs; or at any of them.
WAYS: tuple[Way, ...] = ("held out", "best")
ALPHA = 0.05


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one arm did, counted one way.

    Attributes
    ----------
    flips, others : bool arrays (n,)
        Whether each reported photograph became the target class, and whether it became anything else.
    placement : int or None
        Chosen placement; None for the best of each photograph.
    """

    flips: NDArray[np.bool_]
    others: NDArray[np.bool_]
    placement: int | None

    @property
    def rate(self) -> float:
        """Share of the photographs that became the target class."""
        return float(self.flips.mean()) if len(self.flips) else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval (Wilson)."""
        return wilson(int(self.flips.sum()), len(self.flips))


@dataclass(frozen=True)
class Difference:
    """Patch minus one control, over the same photographs.

    Attributes
    ----------
    mean, low, high : float
        Difference of flip rates and its 95 % interval, bootstrapped over photographs.
    patch_only, control_only : int
        Photographs that the patch alone, and the control alone, flipped.
    p_value : float
        Exact, two-sided (McNemar).
    corrected : float
        The same after Holm's correction for the patches tried.
    """

    mean: float
    low: float
    high: float
    patch_only: int
    control_only: int
    p_value: float
    corrected: float


@dataclass(frozen=True)
class Report:
    """What can be said of one patch.

    Attributes
    ----------
    patch : str
        Its name.
    verdict : {"found", "not found", "not enough images"}
        "found": more flips than with every control, by interval and by test, corrected for all patches tried.
    way : str
        How flips were counted, see `WAYS`.
    rate, low, high : float
        Share of the photographs that the patch flips, and its 95 % interval (Wilson).
    hardest : str
        The control that comes nearest to the patch.
    controls : tuple of str
        All that the patch was compared with.
    difference : Difference
        To that control.
    p_value : float
        For the claim against all controls: the largest of theirs, corrected (Holm) for the patches tried.
    images : int
        Photographs reported on.
    detectable : float or None
        Smallest difference to the hardest control alone that so many photographs find with 80 % power; None when they
        find none. To be found against all controls takes more.
    rules_out : float or None
        A difference that is ruled out, because the patch alone flips too few; None where it is not.
    """

    patch: str
    verdict: Verdict
    way: Way
    rate: float
    low: float
    high: float
    hardest: str
    controls: tuple[str, ...]
    difference: Difference
    p_value: float
    images: int
    detectable: float | None
    smallest: float
    power: float
    rules_out: float | None

    def __str__(self) -> str:
        d = self.difference
        shown = f"would show {self.detectable or 0:.0%} more than that one with power 80%"
        power = "too few to show any" if self.detectable is None else shown
        if self.detectable is not None and self.power > 0:
            power += f", and {self.smallest:.0%} more than all of them with {self.power:.0%} at least"
        if self.verdict == "not found" and self.rules_out is not None:
            power += f"; they rule out {self.rules_out:.0%}"
        all_of = f"all of {', '.join(self.controls)}"
        beyond = f"{d.mean:+.0%} [{d.low:+.0%}, {d.high:+.0%}] more than {self.hardest}, the hardest control"
        flips = f"Flips {self.rate:.0%} [{self.low:.0%}, {self.high:.0%}]"
        return (
            f"{self.patch}: {self.verdict}. {flips}, {beyond}; p = {self.p_value:.2g} against {all_of}. "
            f"{self.images} photographs: {power}."
        )


def outcome(
    predicted: NDArray[np.int32],
    source: int,
    target: int,
    way: Way,
    choosing: NDArray[np.intp],
    rest: NDArray[np.intp],
    preferred: Sequence[int] = (),
) -> Outcome:
    """Count the flips of an arm.

    Parameters
    ----------
    predicted : int32 array (N, P)
        Class of every photograph at every placement.
    source, target : int
        The classes.
    way : {"held out", "best"}
        "held out": the placement with most flips on the photographs `choosing`, reported on `rest`. "best": any
        placement, on all photographs.
    choosing, rest : int arrays
        The two halves.
    preferred : sequence of int
        All placements, in the order that decides among those that flip equally many; by default as they are numbered.
    """
    hit, other = predicted == target, (predicted != target) & (predicted != source)
    if way == "best":
        flips = hit.any(axis=1)
        return Outcome(flips, other.any(axis=1) & ~flips, None)
    counts = hit[choosing].sum(axis=0)
    placement = max(preferred or range(len(counts)), key=lambda at: counts[at])
    return Outcome(hit[rest, placement], other[rest, placement], placement)


def compare(
    patches: Sequence[Outcome], controls: Sequence[Mapping[str, Outcome]], seed: int
) -> list[dict[str, Difference]]:
    """Differences of every patch to each of its controls, corrected for the number of patches.

    Parameters
    ----------
    patches : sequence of Outcome
        One a patch.
    controls : sequence of mapping
        Of each patch, the outcomes of its controls by kind.
    seed : int
        Decides the resamples.
    """
    kinds = list(dict.fromkeys(kind for some in controls for kind in some))
    corrected: dict[str, dict[int, float]] = {}
    p_values = [
        {kind: mcnemar(*_discordant(patch, control)) for kind, control in some.items()}
        for patch, some in zip(patches, controls, strict=True)
    ]
    for kind in kinds:
        having = [i for i, some in enumerate(p_values) if kind in some]
        values = holm([p_values[i][kind] for i in having])
        corrected[kind] = dict(zip(having, values.tolist(), strict=True))
    result = []
    for i, (patch, some) in enumerate(zip(patches, controls, strict=True)):
        found = {}
        for kind, control in some.items():
            low, high = paired_interval(patch.flips.astype(float) - control.flips, seed)
            pairs = _discordant(patch, control)
            mean = patch.rate - control.rate
            found[kind] = Difference(mean, low, high, *pairs, p_values[i][kind], corrected[kind][i])
        result.append(found)
    return result


def judge(
    names: Sequence[str],
    outcomes: Sequence[Outcome],
    differences: Sequence[Mapping[str, Difference]],
    way: Way,
    smallest: float,
) -> list[Report]:
    """Say of every patch what the evidence allows.

    A claim is that a patch beats all its controls, so its p-value is the largest of theirs (an intersection-union test,
    Berger, 1982); these are corrected for the number of patches (Holm). "found" wants that, and every interval above
    zero. Otherwise "not found", if the sample would have shown a difference of `smallest` to the hardest control alone
    with 80 % power, or if it rules one out: the share of photographs that the patch alone flips is an upper bound of
    the difference, and its interval ends below `smallest`.

    Parameters
    ----------
    names : sequence of str
        Of the patches.
    outcomes, differences
        Of each patch, and to each of its controls.
    smallest : float
        The smallest difference of flip rates that one would care about.
    """
    p_values = holm([max(d.p_value if d.mean > 0 else 1.0 for d in some.values()) for some in differences])
    reports = []
    for name, result, some, p in zip(names, outcomes, differences, p_values.tolist(), strict=True):
        hardest = min(some, key=lambda kind: some[kind].mean)
        n = len(result.flips)
        # The first step of Holm's procedure is the strictest.
        least = detectable(n, some[hardest].control_only / max(1, n), ALPHA / len(names))
        found = p < ALPHA and all(d.low > 0 for d in some.values())
        ruled_out = wilson(some[hardest].patch_only, n)[1] < smallest
        enough = ruled_out or (least is not None and least <= smallest)
        verdict: Verdict = "found" if found else "not found" if enough else "not enough images"
        chance = _power_against_all(smallest, [d.control_only for d in some.values()], n, ALPHA / len(names))
        reports.append(
            Report(
                patch=name,
                verdict=verdict,
                way=way,
                rate=result.rate,
                low=result.interval[0],
                high=result.interval[1],
                hardest=hardest,
                controls=tuple(some),
                difference=some[hardest],
                p_value=p,
                images=n,
                detectable=least,
                smallest=smallest,
                power=chance,
                rules_out=smallest if ruled_out else None,
            )
        )
    return reports


def _power_against_all(difference: float, control_only: Sequence[int], n: int, alpha: float) -> float:
    """Least chance to find a difference to every control at once."""
    missed = 0.0
    for only in control_only:
        share = only / max(1, n)
        # More than all photographs: such a difference cannot be.
        missed += 1.0 if difference + 2 * share > 1 else 1 - power(difference, share, n, alpha)
    return max(0.0, 1 - missed)


def _discordant(patch: Outcome, control: Outcome) -> tuple[int, int]:
    return int((patch.flips & ~control.flips).sum()), int((control.flips & ~patch.flips).sum())
