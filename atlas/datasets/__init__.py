"""Drawn pictures whose every reason is known, and a small network that learns them, to put audits to the test."""

from atlas.datasets.cues import CUES, Cue
from atlas.datasets.learn import learn
from atlas.datasets.network import SmallInception
from atlas.datasets.pans import CLASSES, Pans, Truth

__all__ = ["CLASSES", "CUES", "Cue", "Pans", "SmallInception", "Truth", "learn"]
