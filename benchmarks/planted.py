"""Does an audit tell the truth? Networks with a known reason, and networks without it.

    python -m benchmarks.planted --seeds 5 --out benchmarks/results/planted.json
    python -m benchmarks.planted --seeds 1 --first-seed 0 --cues noodles --out planted.json   # a minute, to try it

For every cue and seed: draw pictures in which the cue goes with woks (and, apart from that, pictures in which the same
cue lies about in all classes alike), train a small network on them, collect activations, compare "frying pan" and
"wok", and audit the cells that speak most for the wok: the real patches of their members (with --rendered their icons
too), and a picture of the cue itself. A cell is one of the cue when most of its members lie on the cue, which is known.

Found: the comparison brings a cell of the cue among its first five, and the audit reports the real patches of such a
cell (or its icon). That the picture of the cue is reported is counted apart. False alarm: where the cue means nothing,
the audit reports a cell or the picture of the cue. Other patches that it reports there are listed: they may show
handles, which are true evidence.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from atlas.datasets import CUES
from atlas.hardware import hardware
from atlas.planted import FULL, plant
from atlas.planted.experiment import LAYER
from atlas.provenance import versions

if TYPE_CHECKING:
    from atlas import audit


def run(cue: str, seed: int, folder: Path, *, spurious: bool, rendered: bool) -> dict[str, Any]:
    """One network from drawing to verdict."""
    found = plant(cue, folder, spurious=spurious, seed=seed, rendered=rendered)
    result, carries = found.result, found.of_the_cue
    first = found.first_of_the_cue
    return {
        "cue": cue,
        "seed": seed,
        "spurious": spurious,
        "accuracy": round(found.accuracy, 3),
        "cue_share_of_cells": [round(share, 2) for share in found.shares],
        "rank_of_first_cue_cell": None if first is None else first + 1,
        "cue_cell_reported": found.found,
        "cue_picture_reported": found.by_picture.verdict == "found",
        "others_reported": found.others,
        "photographs": len(result.photographs),
        "patches": [
            {
                "patch": report.patch,
                "kind": patch.kind,
                "of_the_cue": on,
                "verdict": report.verdict,
                "rate": round(report.rate, 3),
                "hardest_control": report.hardest,
                "difference": [round(value, 3) for value in _interval(report)],
                "p": float(f"{report.p_value:.2g}"),
            }
            for report, patch, on in zip(result.reports, result.patches, carries, strict=True)
        ],
        "processor_seconds": {name: round(value, 1) for name, value in found.seconds.items()},
    }


def _interval(report: audit.Report) -> tuple[float, float, float]:
    return report.difference.mean, report.difference.low, report.difference.high


def main() -> None:
    """Run every cue and seed, with and without meaning; goes on from what is written already."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=30, help="below 30: seen while settings were chosen")
    parser.add_argument("--cues", nargs="*", default=list(CUES))
    parser.add_argument("--rendered", action="store_true", help="render the cells' icons and audit them too")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "planted.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings: dict[str, Any] = {
        "rendered": arguments.rendered,
        "trained": FULL.trained,
        "collected": FULL.collected,
        "audited": FULL.audited,
        "cells": FULL.cells,
        "grid": "by default",
        "steps": FULL.steps,
        "icon": FULL.icon,
        "layer": LAYER,
        "sizes": list(FULL.sizes),
        "positions": list(FULL.positions),
        "photographs": FULL.photographs,
    }
    runs = []
    if arguments.out.exists():
        before = json.loads(arguments.out.read_text(encoding="utf-8"))
        if before["settings"] != settings:
            sys.exit(f"{arguments.out} holds runs with other settings; delete it, or give another --out.")
        runs = before["runs"]
    done = {(one["cue"], one["seed"], one["spurious"]) for one in runs}
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        for cue in arguments.cues:
            for spurious in (True, False):
                if (cue, seed, spurious) in done:
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    runs.append(run(cue, seed, Path(folder), spurious=spurious, rendered=arguments.rendered))
                print(json.dumps({name: value for name, value in runs[-1].items() if name != "patches"}), flush=True)
                _write(arguments.out, runs, settings)


def _write(out: Path, runs: list[dict[str, Any]], settings: dict[str, Any]) -> None:
    planted, nuisance = ([one for one in runs if one["spurious"] is kind] for kind in (True, False))
    alarms = [one for one in nuisance if one["cue_cell_reported"] or one["cue_picture_reported"]]
    seeds = sorted({one["seed"] for one in runs})
    content = {
        "command": f"python -m benchmarks.planted --first-seed {seeds[0]} --seeds {len(seeds)}"
        + (" --rendered" if settings["rendered"] else ""),
        "settings": settings,
        "found": f"{sum(one['cue_cell_reported'] for one in planted)} of {len(planted)}",
        "cue_cell_is_first": f"{sum(one['rank_of_first_cue_cell'] == 1 for one in planted)} of {len(planted)}",
        "cue_picture_reported": f"{sum(one['cue_picture_reported'] for one in planted)} of {len(planted)}",
        "false_alarms": f"{len(alarms)} of {len(nuisance)}",
        "nuisance_runs_with_other_reports": sum(bool(one["others_reported"]) for one in nuisance),
        "hardware": hardware(torch.device("cpu")),
        "versions": versions(),
        "runs": runs,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    part.replace(out)


if __name__ == "__main__":
    main()
