"""Statistics of the audit, against formulas written out, scipy, and simulation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from atlas.audit.findings import Outcome, compare, judge
from atlas.audit.statistics import (
    detectable,
    holm,
    mcnemar,
    mean_interval,
    paired_interval,
    power,
    power_against_all,
    wilson,
)
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@given(st.integers(1, 400), st.data())
def test_wilson_is_the_score_interval_of_scipy(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    found = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert wilson(hits, n) == pytest.approx((found.low, found.high), abs=1e-12)


def test_wilson_of_a_textbook_case_and_of_nothing() -> None:
    # Newcombe (1998), table I, method 3.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(AtlasError, match="21 of 20"):
        wilson(21, 20)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test_of_the_discordant_pairs(patch_only: int, control_only: int) -> None:
    n = patch_only + control_only
    reference = stats.binomtest(patch_only, n, 0.5).pvalue if n else 1.0
    assert mcnemar(patch_only, control_only) == pytest.approx(reference, rel=1e-9)


def test_mcnemar_of_thousands_of_images_does_not_underflow() -> None:
    assert 0 <= mcnemar(3000, 0) < 1e-300
    assert mcnemar(1500, 1500) == 1.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_rejects_exactly_what_the_step_down_procedure_rejects(p: list[float]) -> None:
    corrected = holm(p)
    for alpha in (0.01, 0.05, 0.2):
        rejected = set()
        for rank, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
            if min(1.0, p[index] * (len(p) - rank)) > alpha:
                break
            rejected.add(index)
        assert {i for i, value in enumerate(corrected) if value <= alpha} == rejected


def test_the_paired_interval_is_walds_after_one_more_image_of_each_discordant_kind() -> None:
    said = np.array([1.0] * 6 + [-1.0] * 2 + [0.0] * 17 + [1.0, -1.0])
    half = stats.norm.ppf(0.975) * said.std() / math.sqrt(len(said))
    assert paired_interval(6, 2, 25) == pytest.approx((said.mean() - half, said.mean() + half))
    low, high = paired_interval(4, 0, 25)
    assert low < 0 < high, "four discordant images are no evidence: McNemar's p is 0.125"
    assert paired_interval(0, 8, 8)[0] == -1
    with pytest.raises(AtlasError, match="6 and 5 of 10"):
        paired_interval(6, 5, 10)


@pytest.mark.parametrize("n", [22, 27, 99])
def test_the_paired_interval_covers_the_truth_and_seldom_claims_more_than_it(n: int) -> None:
    counts = np.array([(up, down) for up in range(n + 1) for down in range(n + 1 - up)])
    ends = np.array([paired_interval(int(up), int(down), n) for up, down in counts])
    split = np.column_stack([counts, n - counts.sum(axis=1)])
    for up, down in ((0.1, 0.02), (0.05, 0.05), (0.3, 0.05), (0.2, 0.2), (0.1, 0.3), (0.1, 0.0), (0.5, 0.02)):
        chance = stats.multinomial.pmf(split, n, [up, down, 1 - up - down])
        truth = up - down
        above, below = chance[ends[:, 0] > truth + 1e-12].sum(), chance[ends[:, 1] < truth - 1e-12].sum()
        # Exact, no simulation. 2.5 % claimed of either end; the one nearer to zero is what a finding rests on.
        assert (above if truth > 0 else below) <= 0.03
        assert above + below <= 0.07


def pooled_differences(rng: np.random.Generator, n: int, base: float, lift: float) -> NDArray[np.float64]:
    """Five patches against a control each, on photographs of which some flip easily and most do not."""
    ease = rng.beta(base, 1 - base, n)
    patch, control = rng.random((2, 5, n)) < ease
    return np.asarray((patch | (rng.random((5, n)) < lift)).mean(axis=0) - control.mean(axis=0))


@pytest.mark.parametrize("n", [22, 27, 60])
@pytest.mark.parametrize(("base", "lift"), [(0.05, 0.0), (0.1, 0.0), (0.3, 0.0), (0.1, 0.2)])
def test_each_end_of_the_interval_of_all_patches_misses_the_truth_no_more_often_than_it_says(
    n: int, base: float, lift: float
) -> None:
    rng = np.random.Generator(np.random.Philox(9))
    ends = np.array([mean_interval(pooled_differences(rng, n, base, lift)) for _ in range(2000)])
    truth = lift * (1 - base)
    # Three standard errors of 2,000 trials are one point.
    assert (ends[:, 0] > truth).mean() <= 0.035
    assert (ends[:, 1] < truth).mean() <= 0.035


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=40))
def test_the_interval_of_a_mean_is_that_of_scipy_within_what_is_possible(values: list[int]) -> None:
    given_values = np.array(values) / 5
    low, high = mean_interval(given_values)
    if len(set(values)) > 1:
        reference = stats.ttest_1samp(given_values, 0).confidence_interval(0.95)
        assert (low, high) == pytest.approx((max(-1, reference.low), min(1, reference.high)), abs=1e-9)
    assert -1 <= low <= high <= 1


def test_a_claim_that_needs_both_test_and_interval_is_false_in_at_most_one_of_twenty_audits() -> None:
    rng = np.random.Generator(np.random.Philox(6))
    claimed = 0
    for _ in range(300):
        # Five patches that do nothing that their controls do not do: 20 % of 50 images each.
        patch, control = rng.random((2, 5, 50)) < 0.2
        own, others = ([Outcome(flips, np.zeros(50, dtype=bool), 0) for flips in arm] for arm in (patch, control))
        differences = compare(own, [{"noise": other} for other in others])
        reports = judge(list("abcde"), own, differences, "held out", 0.25)
        claimed += any(report.verdict == "found" for report in reports)
    assert claimed <= 15


def test_images_that_all_say_the_same_leave_room_for_those_not_seen() -> None:
    most = wilson(0, 50)[1]
    assert mean_interval(np.zeros(50), least=0.0) == (0.0, most)
    assert mean_interval(np.zeros(50)) == (-most, most)
    assert mean_interval(np.ones(50)) == pytest.approx((1 - 2 * most, 1.0))
    assert mean_interval(np.ones(1)) == (-1.0, 1.0)


def test_what_is_no_number_of_images_and_no_share_is_refused() -> None:
    for refused in (
        lambda: mcnemar(-1, 3),
        lambda: paired_interval(-1, 3, 10),
        lambda: mean_interval(np.array([0.1, np.nan])),
        lambda: holm([0.1, float("nan")]),
        lambda: holm([1.2]),
    ):
        with pytest.raises(AtlasError):
            refused()


def test_the_interval_of_a_share_may_be_asked_for_with_another_confidence() -> None:
    found = stats.binomtest(7, 40).proportion_ci(0.999, method="wilson")
    assert wilson(7, 40, 0.001) == pytest.approx((found.low, found.high))


@pytest.mark.parametrize(("difference", "control_only", "n"), [(0.3, 0.05, 40), (0.15, 0.1, 120), (0.9, 0.0, 8)])
def test_power_is_what_simulation_finds(difference: float, control_only: float, n: int) -> None:
    rng = np.random.Generator(np.random.Philox(7))
    shares = [control_only, 1 - 2 * control_only - difference, control_only + difference]
    counts = rng.multinomial(n, shares, size=4000)
    found = np.mean([b > a and mcnemar(int(b), int(a)) <= 0.05 for a, _, b in counts])
    assert power(difference, control_only, n, 0.05) == pytest.approx(found, abs=0.025)


def test_detectable_is_the_smallest_difference_to_all_controls_with_enough_power() -> None:
    for n, control_only in ((20, (0.0,)), (60, (0.05, 0.0)), (300, (0.1, 0.02, 0.05))):
        least = detectable(n, control_only, 0.01)
        assert least is not None
        below = power_against_all(least - 0.01, control_only, n, 0.01)
        assert power_against_all(least, control_only, n, 0.01) >= 0.8 > below
    assert detectable(5, (0.0,), 0.05) is None, "five images cannot reach p < 0.05"
    assert detectable(0, (0.0,), 0.05) is None


def test_the_smallest_p_value_of_six_images_is_one_in_thirty_two() -> None:
    assert mcnemar(6, 0) == 2 / 64
    assert math.isclose(power(1.0, 0.0, 6, 0.05), 1.0)
