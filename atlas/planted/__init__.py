"""A false reason, planted into a small network, and whether comparison and audit find it.

>>> from atlas.planted import plant
>>> found = plant("noodles", "planted")
>>> told(found)
"""

from atlas.planted.example import run_example
from atlas.planted.experiment import FULL, QUICK, Experiment, Plan, plant
from atlas.planted.words import told

__all__ = ["FULL", "QUICK", "Experiment", "Plan", "plant", "run_example", "told"]
