"""From predictions to findings: flip rates, differences to the controls, verdicts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from atlas.audit.statistics import detectable, holm, mcnemar, paired_interval, power_against_all, wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

Verdict = Literal["found", "not found", "not enough images"]
Way = Literal["held out", "best"]
#: How a flip is counted: at one size and position, chosen on other photographs; or at any of them.
WAYS: tuple[Way, ...] = ("held out", "best")
ALPHA = 0.05
#: Chance to find a difference that matters, below which its absence says nothing.
POWER = 0.8


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
        Difference of flip rates and its 95 % interval (Bonett and Price).
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

    def __str__(self) -> str:
        points, word = _percent(abs(self.mean)), "less" if self.mean < 0 else "more"
        return f"{points} point{'' if points == '1' else 's'} {word} [{_signed(self.low)}, {_signed(self.high)}]"


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
        Smallest difference to every control that so many photographs find with 80 % power; None when they find none.
    smallest : float
        The smallest difference that matters.
    power : float
        Least chance that a difference of `smallest` to every control is found.
    rules_out : float or None
        A difference to all controls that is ruled out, because the patch alone flips too few; None where it is not.
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
        flips = f"Flips {_percent(self.rate)} % [{_percent(self.low)}, {_percent(self.high)}]"
        all_of = f"all of {', '.join(self.controls)}"
        wanted = f"a difference of {_percent(self.smallest)} points to every control"
        # Rounded down: it is the least chance.
        chance = math.floor(100 * self.power)
        power = (
            f"would find {wanted} with a chance of at least {chance} %" if chance else f"are too few to find {wanted}"
        )
        if self.verdict == "not found" and self.rules_out is not None:
            power += "; they rule it out"
        return (
            f"{self.patch}: {self.verdict}. {flips} of {self.images} photographs, {self.difference} than "
            f"{self.hardest}, the hardest control; p = {self.p_value:.2g} against {all_of}. "
            f"So many photographs {power}."
        )


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def _signed(share: float) -> str:
    return f"{100 * share:+.0f}" if round(100 * share) else "0"


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


def compare(patches: Sequence[Outcome], controls: Sequence[Mapping[str, Outcome]]) -> list[dict[str, Difference]]:
    """Differences of every patch to each of its controls, corrected for the number of patches.

    Parameters
    ----------
    patches : sequence of Outcome
        One a patch.
    controls : sequence of mapping
        Of each patch, the outcomes of its controls by kind.
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
            pairs = _discordant(patch, control)
            low, high = paired_interval(*pairs, len(patch.flips))
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
    zero. Otherwise "not found", if the sample would have found a difference of `smallest` to every control with a
    chance of 80 % at least, or if it rules one out: the share of photographs that the patch alone flips is an upper
    bound of the difference to a control, and for one of them its interval, widened for all controls and patches
    (Bonferroni), ends below `smallest`.

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
        alpha = ALPHA / len(names)
        only = tuple(d.control_only / max(1, n) for d in some.values())
        chance = power_against_all(smallest, only, n, alpha)
        most = min(wilson(d.patch_only, n, alpha / len(some))[1] for d in some.values())
        found = p < ALPHA and all(d.low > 0 for d in some.values())
        enough = most < smallest or chance >= POWER
        verdict: Verdict = "found" if found else "not found" if enough else "not enough images"
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
                detectable=detectable(n, only, alpha, POWER),
                smallest=smallest,
                power=chance,
                rules_out=smallest if most < smallest else None,
            )
        )
    return reports


def _discordant(patch: Outcome, control: Outcome) -> tuple[int, int]:
    return int((patch.flips & ~control.flips).sum()), int((control.flips & ~patch.flips).sum())
