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
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import atlas
from atlas import audit
from atlas.datasets import CUES, Pans, learn
from atlas.hardware import hardware
from atlas.layout import LayoutSettings
from atlas.provenance import versions
from atlas.training import evaluate
from atlas.training.photographs import read_photographs

if TYPE_CHECKING:
    from atlas.classes import Comparison, SeparatingCell

SOURCE, TARGET, LAYER = "frying pan", "wok", "mixed4"
TRAINED, COLLECTED, AUDITED = 1200, 1200, 1440
CELLS, STEPS, ICON = 5, 32, 48
#: Real patches of this layer have 24 px; they are pasted at that size, and somewhat larger.
SIZES, POSITIONS, PHOTOGRAPHS = (0.375, 0.45), ("top left", "bottom right"), 300


def cue_share(compared: Comparison, cell: SeparatingCell, pictures: Pans) -> float:
    """Share of a cell's members that lie on the cue."""
    rows = compared.activations[LAYER]
    level = compared.level(cell.level)
    inside = []
    for row in level.grid.members(cell.cell):
        truth = pictures.truth(int(compared.activations.image_ids[rows.image[row]]))
        y, x = (rows.position[row] + 0.5) / rows.map_size
        box = truth.box
        inside.append(box is not None and box[0] <= x < box[2] and box[1] <= y < box[3])
    return float(np.mean(inside))


def run(cue: str, seed: int, folder: Path, *, spurious: bool, rendered: bool) -> dict[str, Any]:
    """One network from drawing to verdict."""
    begun = time.process_time()
    # Seeds far apart, so that no picture serves twice.
    train, collected, audited, other = (
        Pans(count, cue, spurious=spurious, seed=1000 * seed + number)
        for number, count in enumerate((TRAINED, COLLECTED, AUDITED, 5))
    )
    model = learn(train, seed=seed)
    trained = time.process_time() - begun
    accuracy = evaluate(model, read_photographs(audited, model.input_size, labels=model.labels, workers=0)).top1
    acts = atlas.collect(model, collected, LAYER, per_image=6, seed=seed, out=folder / "pans.acts", progress=False)
    icons: dict[str, Any] = {"rendering": atlas.RenderSettings(size=ICON, steps=STEPS), "seed": seed}
    patches_as_icons: dict[str, Any] = {"icons": "medoid", "images": collected}
    world = atlas.build(
        acts,
        model=model,
        grids=(1,),
        out=folder / "pans.atlas",
        layout=LayoutSettings(n_epochs=20, seed=seed),
        progress=False,
        **icons,
        **patches_as_icons,
    )
    compared = world.compare(
        SOURCE,
        TARGET,
        model=model,
        out=folder / "both.atlas",
        progress=False,
        **icons,
        **({} if rendered else patches_as_icons),
    )
    # The layout's library sets the number of OpenMP threads for the whole process.
    torch.set_num_threads(1)
    built = time.process_time() - begun - trained
    cells, neutral = compared.separating(CELLS, "right"), compared.neutral(CELLS)
    shares = [cue_share(compared, cell, collected) for cell in cells]
    picture = audit.Patch("the cue itself", tuple(np.asarray(other.cue_picture(number)) for number in range(5)))
    patches = [*(cells if rendered else ()), *audit.real_patches(compared, cells, collected, model), picture]
    result = audit.patch_test(
        model,
        audited,
        SOURCE,
        TARGET,
        patches=patches,
        neutral=[*(neutral if rendered else ()), *audit.real_patches(compared, neutral, collected, model)],
        sizes=SIZES,
        positions=POSITIONS,
        limit=PHOTOGRAPHS,
        seed=seed,
        progress=False,
    )
    of_cue = [share > 0.5 for share in shares]
    carries = [*(of_cue if rendered else ()), *of_cue, True]
    reported = [report.verdict == "found" for report in result.reports]
    by_cell = any(on and found for on, found in zip(carries[:-1], reported[:-1], strict=True))
    return {
        "cue": cue,
        "seed": seed,
        "spurious": spurious,
        "accuracy": round(accuracy, 3),
        "cue_share_of_cells": [round(share, 2) for share in shares],
        "rank_of_first_cue_cell": of_cue.index(True) + 1 if any(of_cue) else None,
        "cue_cell_reported": by_cell,
        "cue_picture_reported": reported[-1],
        "others_reported": [
            report.patch
            for report, on, found in zip(result.reports, carries, reported, strict=True)
            if found and not on
        ],
        "photographs": len(result.photographs),
        "patches": [
            {
                "patch": report.patch,
                "kind": patch.kind,
                "of_the_cue": on,
                "verdict": report.verdict,
                "rate": round(result.outcome(("patch", report.patch)).rate, 3),
                "hardest_control": report.hardest,
                "difference": [round(value, 3) for value in _interval(report)],
                "p": float(f"{report.p_value:.2g}"),
            }
            for report, patch, on in zip(result.reports, result.patches, carries, strict=True)
        ],
        "processor_seconds": {
            "train": round(trained, 1),
            "atlas": round(built, 1),
            "all": round(time.process_time() - begun, 1),
        },
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
        "trained": TRAINED,
        "collected": COLLECTED,
        "audited": AUDITED,
        "cells": CELLS,
        "grid": "by default",
        "steps": STEPS,
        "icon": ICON,
        "layer": LAYER,
        "sizes": list(SIZES),
        "positions": list(POSITIONS),
        "photographs": PHOTOGRAPHS,
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
