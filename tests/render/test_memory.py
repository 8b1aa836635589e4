from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Renders few icons, then ten times as many, and prints by how many MB the process's maximum has risen in between.
PROGRAM = """
import numpy as np
from atlas.models import load_model
from atlas.render import RenderSettings, render
from tests.memory import most

model = load_model("inceptionv1-tiny", device="cpu")
settings = RenderSettings(size=48, steps=2, tile=8, rescues=0)
vectors = np.random.default_rng(0).random((160, 480), dtype=np.float32)
render(model, "mixed3b", vectors[:16], settings=settings)
before = most()
assert len(render(model, "mixed3b", vectors, settings=settings)) == 160
print((most() - before) / 2**20)
"""


def test_ten_times_as_many_icons_take_no_more_memory() -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True, text=True, timeout=300
    )
    # In float32, the maps of one icon are over a megabyte: all 160 at once would take far more.
    assert float(done.stdout) < 64
