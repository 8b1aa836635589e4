"""Classes: what a network goes by when it tells them apart.

An activation belongs to a class as far as it adds to the class's logit (attribution). `class_atlas` shows the
activations of one class in an atlas of their own, `compare` lays those of two classes out by which of them they speak
for, `side_by_side` shows several classes on one layout, and `confusions` finds pairs of classes that are worth
comparing.
"""

from __future__ import annotations

from atlas.classes.comparing import compare
from atlas.classes.comparison import ComparedClass, Comparison, SeparatingCell
from atlas.classes.owned import default_k, owned_rows
from atlas.classes.pairs import PairTable, confusions
from atlas.classes.panels import SideBySide, side_by_side
from atlas.classes.part import PartOptions
from atlas.classes.single import class_atlas

__all__ = [
    "ComparedClass",
    "Comparison",
    "PairTable",
    "PartOptions",
    "SeparatingCell",
    "SideBySide",
    "class_atlas",
    "compare",
    "confusions",
    "default_k",
    "owned_rows",
    "side_by_side",
]
