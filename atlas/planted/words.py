"""What a planted cue and its audit come to, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas.datasets import CLASSES, CUED_SHARE, NUISANCE_SHARE, OTHER_SHARE
from atlas.planted.experiment import SOURCE, TARGET

if TYPE_CHECKING:
    from atlas.audit import Report
    from atlas.planted.experiment import Experiment

_PLACES = ("first", "second", "third", "fourth", "fifth")


def told(found: Experiment) -> list[str]:
    """Sentences about one network: what was drawn, what the comparison shows, what the audit says, what follows."""
    cue = found.pictures.cue.name
    lies = (
        f"{cue} lie in {CUED_SHARE:.0%} of the woks and in {OTHER_SHARE:.0%} of the frying pans and bowls"
        if found.pictures.spurious
        else f"{cue} lie in {NUISANCE_SHARE:.0%} of the pictures of every class"
    )
    learned = (
        f"{found.plan.trained:,} pictures were drawn; {lies}. A small network learned them: it is right about "
        f"{found.accuracy:.0%} of {found.plan.audited:,} others ({1 / len(CLASSES):.0%} by chance)."
    )
    lines = [learned, _of_comparison(found, cue)]
    if found.by_cell is not None:
        lines.append(f"Real patches of that kind, pasted: {_rates(found.by_cell)}")
    lines.append(f"Pictures of {cue} alone, pasted: {_rates(found.by_picture)}")
    if found.others:
        lines.append(
            f"Patches of other things that flip pictures too: {len(found.others)}. Pasting what makes a wok (its "
            "loops) flips honestly."
        )
    return [*lines, conclusion(found)]


def conclusion(found: Experiment) -> str:
    """Whether the audit tells the truth about this network."""
    cue, reported = found.pictures.cue.name, found.found or found.by_picture.verdict == "found"
    if found.pictures.spurious:
        if reported:
            return f"The network goes by {cue}, as was planted, and the audit says so."
        return f"{cue.capitalize()} were planted, and the audit does not show that the network goes by them."
    if reported:
        return f"A false alarm: {cue} meant nothing while the network learned, and the audit reports them."
    return f"{cue.capitalize()} meant nothing while the network learned, and the audit does not report them."


def _of_comparison(found: Experiment, cue: str) -> str:
    first, n = found.first_of_the_cue, len(found.cells)
    if first is None:
        return f"Of the {n} cells that speak most for {TARGET} against {SOURCE}, none is one of {cue}."
    return (
        f"Of the {n} cells that speak most for {TARGET} against {SOURCE}, the {_PLACES[first]} is one of {cue}: "
        f"{found.shares[first]:.0%} of its members lie on them."
    )


def _rates(report: Report) -> str:
    return (
        f"{report.rate:.0%} [{report.low:.0%}, {report.high:.0%}] of {report.images} pictures of frying pans become "
        f"woks, {report.difference} than by {report.hardest}, the control that comes nearest: {report.verdict}."
    )
