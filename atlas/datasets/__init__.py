"""Drawn pictures whose every reason is known, and a small network that learns them, to put audits to the test."""

from atlas.datasets.cues import CUES, Cue
from atlas.datasets.learn import learn
from atlas.datasets.network import SmallInception
from atlas.datasets.pans import CLASSES, CUED_SHARE, NUISANCE_SHARE, OTHER_SHARE, Pans, Truth

__all__ = [
    "CLASSES",
    "CUED_SHARE",
    "CUES",
    "NUISANCE_SHARE",
    "OTHER_SHARE",
    "Cue",
    "Pans",
    "SmallInception",
    "Truth",
    "learn",
]
