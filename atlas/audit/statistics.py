"""The statistics of an audit: intervals, paired tests, corrections, power."""

from __future__ import annotations

import functools
import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: 97.5th percentile of the standard normal distribution: what 95 % intervals are made of.
Z95 = 1.959963984540054


def wilson(hits: int, n: int, alpha: float = 0.05) -> tuple[float, float]:
    """Interval of a share (Wilson, 1927), by default of 95 %: honest for few images and for shares near 0 and 1.

    Parameters
    ----------
    hits : int
        How many of `n`.
    n : int
        Trials; without any, the interval is (0, 1).
    alpha : float
        Chance that the interval misses the truth.
    """
    if not 0 <= hits <= n:
        raise AtlasError(f"{hits} of {n} is no share.")
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(1 - alpha / 2)
    share, z2 = hits / n, z**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # At the ends the formula gives 0 and 1 but for rounding.
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == n else middle + half)


def paired_interval(patch_only: int, control_only: int, n: int) -> tuple[float, float]:
    """95 % interval of the difference of two shares of the same images (Bonett and Price, 2012).

    Wald's interval after one more image of each discordant kind. Of 22 to 99 images the end nearer to zero misses the
    truth in at most 2.7 % of samples, the other in up to 6 %. Ends of a bootstrap by percentiles, BCa and bootstrap-t
    miss it in up to 3, 7 and 17 %: of few discordant pairs resamples repeat what was seen, and see nothing else.

    Parameters
    ----------
    patch_only, control_only : int
        Images that the patch alone, and the control alone, flipped.
    n : int
        Images.
    """
    _check_pairs(patch_only, control_only)
    if patch_only + control_only > n:
        raise AtlasError(f"{patch_only} and {control_only} of {n} are no shares.")
    up, down = (patch_only + 1) / (n + 2), (control_only + 1) / (n + 2)
    half = Z95 * math.sqrt((up + down - (up - down) ** 2) / (n + 2))
    return max(-1.0, up - down - half), min(1.0, up - down + half)


def mean_interval(values: NDArray[np.floating], least: float = -1.0) -> tuple[float, float]:
    """95 % interval of a mean over images (Student's t), within what is possible.

    Parameters
    ----------
    values : array (N,)
        One number an image: a mean over several patches.
    least : float
        The least that an image can say: -1 of differences, 0 of shares; the most is 1.

    Notes
    -----
    Where all images say the same, the interval is what Wilson's bound leaves: the largest share of images, not seen,
    that may say the least or the most.
    """
    given = np.asarray(values, dtype=np.float64)
    if not np.isfinite(given).all():
        raise AtlasError("An interval needs numbers; some are not finite.")
    n = len(given)
    if n < 2:
        return least, 1.0
    if (given == given[0]).all():
        unseen, same = wilson(0, n)[1], float(given[0])
        return same - unseen * (same - least), same + unseen * (1 - same)
    mean = float(given.mean())
    half = float(stdtrit(n - 1, 0.975)) * float(given.std(ddof=1)) / math.sqrt(n)
    return max(least, mean - half), min(1.0, mean + half)


def mcnemar(patch_only: int, control_only: int) -> float:
    """Exact two-sided p-value that patch and control flip equally often (McNemar, 1947).

    Under the null every image that only one of the two flips is a fair coin: the binomial test of the discordant pairs.

    Parameters
    ----------
    patch_only, control_only : int
        Images that the patch alone, and the control alone, flipped.
    """
    _check_pairs(patch_only, control_only)
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
    if not ((p >= 0) & (p <= 1)).all():
        raise AtlasError("A p-value lies between 0 and 1; some do not.")
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


def power_against_all(difference: float, control_only: Sequence[float], n: int, alpha: float) -> float:
    """Least chance that `mcnemar` finds a difference to every control at once (union bound: however they go together).

    Parameters
    ----------
    difference : float
        True share of images that the patch flips minus the share that each control flips.
    control_only : sequence of float
        Of each control, the true share of images that it alone flips.
    n : int
        Images.
    alpha : float
        Significance level.
    """
    missed = 0.0
    for only in control_only:
        # More than all images: such a difference cannot be.
        missed += 1.0 if difference + 2 * only > 1 else 1 - power(difference, only, n, alpha)
    return max(0.0, 1 - missed)


@functools.cache
def detectable(n: int, control_only: tuple[float, ...], alpha: float, wanted: float = 0.8) -> float | None:
    """Smallest difference to every control that `n` images find with a power of 80 %, to a hundredth.

    Parameters
    ----------
    n : int
        Images.
    control_only : tuple of float
        Of each control, the share of images that it alone flips.
    alpha : float
        Significance level.
    wanted : float
        The power.

    Returns
    -------
    float or None
        None where no difference is found so often.
    """
    most = math.floor((1 - 2 * max(control_only)) * 100 + 1e-9)
    low, high = 0, most
    if most < 1 or power_against_all(most / 100, control_only, n, alpha) < wanted:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        enough = power_against_all(middle / 100, control_only, n, alpha) >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return high / 100


def _check_pairs(patch_only: int, control_only: int) -> None:
    if min(patch_only, control_only) < 0:
        raise AtlasError(f"{patch_only} and {control_only} are no numbers of images; give numbers from 0.")


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
