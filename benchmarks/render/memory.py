"""What a side takes of memory, in a process of its own: its peak, less what was there before it began.

    python -m benchmarks.render.memory SIDE --cells N [--batch B] [--device cpu]

prints one line of JSON. `peaks` runs it for all sides, each for two numbers of cells. Needs Linux.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atlas.models import load_model
from atlas.render import RenderSettings
from benchmarks.render.sides import PADDING, lucents, ours
from benchmarks.render.targets import Targets

_LAYER, _SIZE, _STEPS = "mixed4c", 96, 4
#: Cells of each side for which memory is measured: whether it grows with them is the question.
_CELLS = {"a": (2, 4), "b": (16, 32), "c": (16, 256)}


def resident_mb(field: str) -> float:
    """Of this process now ("VmRSS") or at its most ("VmHWM"), from Linux's /proc; in MB.

    `resource.getrusage` is of no use for it: a child's maximum begins with the size of the process that started it.
    """
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise ValueError(field)


def peaks(batch: int, device: str) -> dict[str, dict[str, Any]]:
    """Extra memory of every side, by number of cells."""
    found: dict[str, dict[str, Any]] = {}
    for side, counts in _CELLS.items():
        for cells in counts:
            command = [sys.executable, "-m", "benchmarks.render.memory", side, "--cells", str(cells)]
            command += ["--batch", str(batch), "--device", device]
            done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - this module
            found.setdefault(side, {})[str(cells)] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Run one side for a few steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("side", choices=sorted(_CELLS))
    parser.add_argument("--cells", type=int, required=True)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    model = load_model("inceptionv1-tiny", device=arguments.device)
    rng = np.random.Generator(np.random.Philox(0))
    vectors = rng.random((arguments.cells, model.layer(_LAYER).channels), dtype=np.float32)
    targets = Targets(_LAYER, vectors, vectors, [])
    if arguments.side != "c":
        importlib.import_module("lucent.optvis.render")
    cuda = model.device.type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats(model.device)
    # From here on the maximum is a new one: what importing needed for a moment is not rendering's.
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    before, held = resident_mb("VmRSS"), torch.cuda.memory_allocated(model.device) if cuda else 0
    if arguments.side == "c":
        ours(model, targets, RenderSettings(size=_SIZE, steps=_STEPS, rescues=0))
    else:
        batch, side = (1, 224) if arguments.side == "a" else (arguments.batch, _SIZE + PADDING)
        lucents(model, targets, _SIZE, (_STEPS,), batch=batch, side=side)
    found = {"extra_mb": round(resident_mb("VmHWM") - before)}
    if cuda:
        found["extra_gpu_mb"] = round((torch.cuda.max_memory_allocated(model.device) - held) / 2**20)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
