"""Statistics of the audit, against formulas written out, scipy, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from atlas.audit.findings import Outcome, compare, judge
from atlas.audit.statistics import detectable, holm, mcnemar, paired_interval, power, wilson
from atlas.errors import AtlasError


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


def test_the_paired_interval_is_that_of_scipys_bootstrap() -> None:
    rng = np.random.Generator(np.random.Philox(4))
    difference = rng.choice([-1.0, 0.0, 1.0], 80, p=[0.1, 0.5, 0.4])
    reference = stats.bootstrap((difference,), np.mean, n_resamples=10_000, method="percentile", rng=rng)
    low, high = paired_interval(difference, seed=0)
    assert low == pytest.approx(reference.confidence_interval.low, abs=0.02)
    assert high == pytest.approx(reference.confidence_interval.high, abs=0.02)
    assert paired_interval(difference, seed=0) == (low, high)


@pytest.mark.parametrize("shares", [(0.05, 0.65, 0.3), (0.2, 0.6, 0.2)])
def test_the_paired_interval_covers_the_truth_about_as_often_as_it_says(shares: tuple[float, float, float]) -> None:
    rng = np.random.Generator(np.random.Philox(5))
    truth = shares[2] - shares[0]
    covered = 0
    for trial in range(300):
        low, high = paired_interval(rng.choice([-1.0, 0.0, 1.0], 60, p=shares), seed=trial)
        covered += low <= truth <= high
    # 95 % claimed; three standard errors of 300 trials are 3.8 points, and the percentile bootstrap is a little short.
    assert 0.90 <= covered / 300 <= 0.99


def test_a_claim_that_needs_both_test_and_interval_is_false_in_at_most_one_of_twenty_audits() -> None:
    rng = np.random.Generator(np.random.Philox(6))
    claimed = 0
    for _ in range(300):
        # Five patches that do nothing that their controls do not do: 20 % of 50 images each.
        patch, control = rng.random((2, 5, 50)) < 0.2
        own, others = ([Outcome(flips, np.zeros(50, dtype=bool), 0) for flips in arm] for arm in (patch, control))
        differences = compare(own, [{"noise": other} for other in others], seed=0)
        reports = judge(list("abcde"), own, differences, "held out", 0.25)
        claimed += any(report.verdict == "found" for report in reports)
    assert claimed <= 15


def test_images_that_all_say_the_same_leave_room_for_those_not_seen() -> None:
    most = wilson(0, 50)[1]
    assert paired_interval(np.zeros(50), 0, least=0.0) == (0.0, most)
    assert paired_interval(np.zeros(50), 0) == (-most, most)
    assert paired_interval(np.ones(50), 0) == pytest.approx((1 - 2 * most, 1.0))


@pytest.mark.parametrize(("difference", "control_only", "n"), [(0.3, 0.05, 40), (0.15, 0.1, 120), (0.9, 0.0, 8)])
def test_power_is_what_simulation_finds(difference: float, control_only: float, n: int) -> None:
    rng = np.random.Generator(np.random.Philox(7))
    shares = [control_only, 1 - 2 * control_only - difference, control_only + difference]
    counts = rng.multinomial(n, shares, size=4000)
    found = np.mean([b > a and mcnemar(int(b), int(a)) <= 0.05 for a, _, b in counts])
    assert power(difference, control_only, n, 0.05) == pytest.approx(found, abs=0.025)


def test_detectable_is_the_smallest_difference_with_enough_power() -> None:
    for n, control_only in ((20, 0.0), (60, 0.05), (300, 0.1)):
        least = detectable(n, control_only, 0.01)
        assert least is not None
        assert power(least, control_only, n, 0.01) >= 0.8 > power(least - 0.01, control_only, n, 0.01)
    assert detectable(5, 0.0, 0.05) is None, "five images cannot reach p < 0.05"
    assert detectable(0, 0.0, 0.05) is None


def test_the_smallest_p_value_of_six_images_is_one_in_thirty_two() -> None:
    assert mcnemar(6, 0) == 2 / 64
    assert math.isclose(power(1.0, 0.0, 6, 0.05), 1.0)
