"""Patch tests: paste what the atlas says speaks for a class, and count, against controls, whether it does.

>>> from atlas import audit
>>> compared = world.compare("frying pan", "wok")
>>> found = audit.patch_test(model, "photographs/", patches=compared)
>>> found.reports
>>> found.figure().save("audit.svg")
"""

from atlas.audit.controls import CONTROLS, noise_like, shuffled
from atlas.audit.findings import Difference, Outcome, Report
from atlas.audit.paste import POSITIONS, SIZES
from atlas.audit.patches import Patch, real_patches
from atlas.audit.result import AuditTable, PatchTest
from atlas.audit.run import patch_test
from atlas.audit.statistics import detectable, holm, mcnemar, mean_interval, paired_interval, wilson

__all__ = [
    "CONTROLS",
    "POSITIONS",
    "SIZES",
    "AuditTable",
    "Difference",
    "Outcome",
    "Patch",
    "PatchTest",
    "Report",
    "detectable",
    "holm",
    "mcnemar",
    "mean_interval",
    "noise_like",
    "paired_interval",
    "patch_test",
    "real_patches",
    "shuffled",
    "wilson",
]
