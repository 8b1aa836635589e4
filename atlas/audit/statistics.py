"""The statistics of an audit: intervals, paired tests, corrections, power. NumPy only."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: 97.5th percentile of the standard normal distribution: what 95 % intervals are made of.
Z95 = 1.959963984540054
_RESAMPLES = 10_000


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927): honest for few images and for shares near 0 and 1.

    Parameters
    ----------
    hits : int
        How many of `n`.
    n : int
        Trials; without any, the interval is (0, 1).
    """
    if not 0 <= hits <= n:
        raise AtlasError(f"{hits} of {n} is no share.")
    if n == 0:
        return 0.0, 1.0
    share, z2 = hits / n, Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # At the ends the formula gives 0 and 1 but for rounding.
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == n else middle + half)


def paired_interval(difference: NDArray[np.floating], seed: int, least: float = -1.0) -> tuple[float, float]:
    """95 % interval of a mean over images, by bootstrap over the images (percentile; Efron and Tibshirani, 1993).

    Parameters
    ----------
    difference : array (N,)
        One number an image: what was seen with the patch minus what was seen with the control.
    seed : int
        Decides the 10,000 resamples.
    least : float
        The least that an image can say: -1 of differences, 0 of shares; the most is 1.

    Notes
    -----
    Where all images say the same, resamples do too; the interval is then what Wilson's bound leaves: the largest share
    of images, not seen, that may say the least or the most.
    """
    values, counts = np.unique(np.asarray(difference, dtype=np.float64), return_counts=True)
    n = int(counts.sum())
    if n == 0:
        return least, 1.0
    if len(values) == 1:
        unseen, same = wilson(0, n)[1], float(values[0])
        return same - unseen * (same - least), same + unseen * (1 - same)
    rng = np.random.Generator(np.random.Philox(seed))
    # Drawing n images with replacement draws how often each distinct value comes: the same, and quick.
    means = rng.multinomial(n, counts / n, size=_RESAMPLES) @ values / n
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def mcnemar(patch_only: int, control_only: int) -> float:
    """Exact two-sided p-value that patch and control flip equally often (McNemar, 1947).

    Under the null every image that only one of the two flips is a fair coin: the binomial test of the discordant pairs.

    Parameters
    ----------
    patch_only, control_only : int
        Images that the patch alone, and the control alone, flipped.
    """
    n, least = patch_only + control_only, min(patch_only, control_only)
    below = sum(math.comb(n, k) for k in range(least + 1))
    # Two sides, unless both are the whole; as integers, because 2**-n underflows for thousands of images.
    p: float = min(1.0, 2 * below / 2**n)
    return p


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
    """p-values corrected for having been tried together (Holm, 1979): the chance of any false claim stays below alpha.

    Parameters
    ----------
    p_values : sequence of float
        One a claim.

    Returns
    -------
    array
        Corrected, in the same order; compare with alpha as they are.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    scaled = np.minimum(1.0, p[order] * (len(p) - np.arange(len(p))))
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(scaled)
    return corrected


def power(difference: float, control_only: float, n: int, alpha: float) -> float:
    """Chance that `mcnemar` finds a difference.

    Parameters
    ----------
    difference : float
        True share of images that the patch flips minus the share that the control flips.
    control_only : float
        True share of images that the control alone flips; the patch alone flips that and `difference` more.
    n : int
        Images.
    alpha : float
        Significance level.
    """
    patch_only = control_only + difference
    discordant = patch_only + control_only
    if discordant > 1 + 1e-12:
        raise AtlasError(f"A difference of {difference} beside {control_only} the other way is more than all images.")
    if discordant <= 0 or n == 0:
        return 0.0
    total = 0.0
    for pairs, weight in enumerate(_binomial(n, min(1.0, discordant))):
        # A finding is one in the patch's favour: the test is two-sided, its use is not.
        if weight > 1e-12 and (most := _most_against(pairs, alpha)) >= 0:
            total += weight * float(_binomial(pairs, control_only / discordant)[: most + 1].sum())
    return total


@functools.cache
def detectable(n: int, control_only: float, alpha: float, wanted: float = 0.8) -> float | None:
    """Smallest difference that `n` images find with a power of 80 %, to a hundredth; None where there is none.

    Parameters
    ----------
    n : int
        Images.
    control_only : float
        Share of images that the control alone flips.
    alpha : float
        Significance level.
    wanted : float
        The power.
    """
    most = math.floor((1 - 2 * control_only) * 100 + 1e-9)
    low, high = 0, most
    if most < 1 or power(most / 100, control_only, n, alpha) < wanted:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle / 100, control_only, n, alpha) >= wanted else (middle, high)
    return high / 100


@functools.cache
def _most_against(pairs: int, alpha: float) -> int:
    """Discordant pairs against the patch that `mcnemar` still calls significant; -1 where even none is not."""
    below, most = 0, -1
    for k in range((pairs + 1) // 2):
        below += math.comb(pairs, k)
        if 2 * below / 2**pairs > alpha:
            break
        most = k
    return most


def _binomial(n: int, share: float) -> NDArray[np.float64]:
    """Probabilities of 0 … n hits."""
    k = np.arange(n + 1)
    if share <= 0 or share >= 1:
        certain: NDArray[np.float64] = (k == (n if share >= 1 else 0)).astype(np.float64)
        return certain
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    logs = factorials[n] - factorials[k] - factorials[n - k]
    probabilities: NDArray[np.float64] = np.exp(logs + k * math.log(share) + (n - k) * math.log1p(-share))
    return probabilities
