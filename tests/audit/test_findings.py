"""From predictions to verdicts, where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.audit.findings import Difference, Outcome, compare, judge, outcome
from atlas.audit.paste import Placements
from atlas.audit.statistics import power, wilson

SOURCE, TARGET = 0, 1
HALVES = np.arange(30), np.arange(30, 60)


def predictions(rng: np.random.Generator, flips: float, n: int = 60, placements: int = 8) -> np.ndarray:
    """Photographs that each placement flips with the same chance; some photographs flip more easily than others."""
    ease = rng.uniform(0, 2 * flips, (n, 1))
    return np.where(rng.random((n, placements)) < ease, TARGET, SOURCE).astype(np.int32)


def verdicts(rng: np.random.Generator, patch: float, *controls: float) -> list[str]:
    """Five patches, each with controls of its own."""
    own = [outcome(predictions(rng, patch), SOURCE, TARGET, "held out", *HALVES) for _ in range(5)]
    others = [
        {
            str(k): outcome(predictions(rng, flips), SOURCE, TARGET, "held out", *HALVES)
            for k, flips in enumerate(controls)
        }
        for _ in range(5)
    ]
    found = compare(own, others)
    return [report.verdict for report in judge(list("abcde"), own, found, "held out", 0.25)]


def test_patches_that_do_no_more_than_one_of_their_controls_are_reported_in_at_most_one_audit_of_twenty() -> None:
    rng = np.random.Generator(np.random.Philox(2))
    false = sum("found" in verdicts(rng, 0.3, 0.3, 0.02) for _ in range(60))
    assert false <= 3


def test_patches_that_do_much_more_than_every_control_are_reported() -> None:
    rng = np.random.Generator(np.random.Philox(3))
    found = [verdicts(rng, 0.48, 0.02, 0.04).count("found") for _ in range(30)]
    assert np.mean(found) > 3.5


def test_what_is_chosen_on_one_half_is_not_flattered_on_the_other() -> None:
    rng = np.random.Generator(np.random.Philox(4))
    held_out, flattered = [], []
    for _ in range(300):
        predicted = predictions(rng, 0.2)
        result = outcome(predicted, SOURCE, TARGET, "held out", *HALVES)
        held_out.append(result.rate)
        flattered.append((predicted == TARGET)[HALVES[0]].mean(axis=0).max())
    assert np.mean(held_out) == pytest.approx(0.2, abs=0.01)
    assert np.mean(flattered) > 0.25, "what reporting on the choosing half would claim"


def test_p_values_of_a_verdict_are_the_worst_of_the_controls_then_corrected_by_holm() -> None:
    flips = np.zeros((3, 20), dtype=bool)
    flips[0, :12] = flips[1, 12:] = True
    nothing = np.zeros(20, dtype=bool)
    patches = [Outcome(flips[0], nothing, 0), Outcome(flips[1], nothing, 0)]
    silent, busy = Outcome(nothing, nothing, 0), Outcome(flips[0] & (np.arange(20) < 6), nothing, 0)
    differences = compare(patches, [{"noise": silent, "shuffled": busy}, {"noise": silent, "shuffled": silent}])
    first, second = judge(["first", "second"], patches, differences, "held out", 0.25)
    # Exact: 12 against 0 and 6 against 0; 8 against 0 twice.
    assert differences[0]["noise"].p_value == 2 / 2**12
    assert differences[0]["shuffled"].p_value == 2 / 2**6
    assert second.p_value == pytest.approx(2 * 2 / 2**8), "the smaller of the two, times two"
    assert first.p_value == pytest.approx(2 / 2**6), "the larger, times one"
    assert (first.hardest, first.verdict) == ("shuffled", "found")
    assert first.controls == ("noise", "shuffled")
    assert "against all of noise, shuffled." in str(first)
    assert (first.rate, (first.low, first.high)) == (12 / 20, wilson(12, 20))
    assert "Flips 60 % [39, 78] of 20 photographs, 30 points more [" in str(first)


def test_a_patch_that_flips_less_than_a_control_is_never_found() -> None:
    flips, nothing = np.arange(40) < 20, np.zeros(40, dtype=bool)
    (difference,) = compare([Outcome(nothing, nothing, 0)], [{"target image": Outcome(flips, nothing, 0)}])
    (report,) = judge(["a"], [Outcome(nothing, nothing, 0)], [difference], "held out", 0.25)
    assert difference["target image"].p_value < 1e-4
    assert (report.verdict, report.p_value) == ("not found", 1.0)


def test_the_power_against_all_controls_is_no_more_than_against_each() -> None:
    nothing = np.zeros(150, dtype=bool)
    # 12, 6 and no photographs that the control alone flips.
    controls = {str(k): Outcome(np.arange(150) < k, nothing, 0) for k in (12, 6, 0)}
    # The patch alone flips ten: too many to rule out twelve in a hundred.
    patch = Outcome(np.arange(150) >= 140, nothing, 0)
    (report,) = judge(["a"], [patch], compare([patch], [controls]), "held out", 0.12)
    each = [power(0.12, k / 150, 150, 0.05) for k in (12, 6, 0)]
    assert report.power == pytest.approx(1 - sum(1 - one for one in each))
    assert 0.5 < report.power < min(each)
    assert report.verdict == "not enough images", "whatever the power against the hardest control alone"
    assert f"a difference of 12 points to every control with a chance of at least {int(100 * report.power)} %" in str(
        report
    )


def test_a_power_that_is_not_there_is_not_told() -> None:
    nothing = np.zeros(40, dtype=bool)
    controls = {str(k): Outcome(np.arange(40) < k, nothing, 0) for k in (9, 8)}
    patch = Outcome(nothing, nothing, 0)
    (report,) = judge(["a"], [patch], compare([patch], [controls]), "held out", 0.12)
    assert report.power == 0
    assert str(report).endswith(
        "So many photographs are too few to find a difference of 12 points to every control; they rule it out."
    )


def test_a_chance_is_rounded_down_and_never_told_as_none() -> None:
    nothing = np.zeros(40, dtype=bool)
    patch = Outcome(nothing, nothing, 0)
    controls = {"noise": Outcome(np.arange(40) < 3, nothing, 0)}
    for smallest in np.linspace(0.01, 0.6, 60):
        (report,) = judge(["a"], [patch], compare([patch], [controls]), "held out", float(smallest))
        assert "at least 0 %" not in str(report)
        assert ("too few" in str(report)) == (report.power < 0.01)


def test_of_placements_that_flip_equally_many_the_largest_is_reported() -> None:
    placements = Placements((0.2, 0.4), ("top left", "top right"))
    assert [placements.name(at) for at in placements.preferred] == [
        "40% top left",
        "40% top right",
        "20% top left",
        "20% top right",
    ]
    predicted = np.full((60, 4), SOURCE, dtype=np.int32)
    # Nothing flips on the choosing half; on the other one the larger squares do.
    predicted[40:, 2:] = TARGET
    found = outcome(predicted, SOURCE, TARGET, "held out", *HALVES, placements.preferred)
    assert (found.placement, found.flips.sum()) == (2, 20), "a control that is not shown at its weakest"
    predicted[0, 1] = TARGET
    found = outcome(predicted, SOURCE, TARGET, "held out", *HALVES, placements.preferred)
    assert found.placement == 1, "more flips go before size"


@pytest.mark.parametrize(
    ("mean", "said"), [(0.012, "1 point more ["), (-0.01, "1 point less ["), (0.3, "30 points more [")]
)
def test_a_difference_is_told_in_points(mean: float, said: str) -> None:
    assert str(Difference(mean, -0.2, 0.5, 3, 2, 1.0, 1.0)).startswith(said)
