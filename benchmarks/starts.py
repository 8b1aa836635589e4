"""Measure what makes icons cheaper or wakes stuck ones, and what it costs: fewer steps, settling, starts.

    python -m benchmarks.starts --part fewer --tiny-imagenet FOLDER [--second-weights FILE]
    python -m benchmarks.starts --part stuck …

Renders the cells of levels 10 and 20 of the sample atlas and compares ways, cell by cell:

- "fewer" (mixed4c): 256 steps against half as many; against ending each icon when its score has stopped rising
  (`RenderSettings.settle`) and against equally many steps for all; against starting level 20 from icons of level 10;
  against heading for the cell's mean first;
- "stuck" (mixed5b): no rescues; plain second starts for stuck icons; second starts that head for the mean first.

Of each: steps an icon (batches, idle places included, so the price whatever else the machine does), cosine to the mean
and to the target, clean and changed (`benchmarks.render.judge`); likeness to the cell's photographs in other networks
(`benchmarks.render.second`); how alike neighbouring icons are to each network; contrast, and the share of a picture's
energy in fine detail. Differences are paired, their 95 % intervals bootstrapped over cells. Prints, and writes to
benchmarks/results/starts.json, which keeps the other part.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import atlas
from atlas.activations import open_activations
from atlas.assets import asset
from atlas.hardware import hardware
from atlas.icons import icon_keys
from atlas.render import Icons, RenderSettings, dot_cosine, expected_cosine, render_tiles, second_moment, stuck, whiten
from benchmarks.atlas_quality import neighbour_pairs
from benchmarks.from_pictures import starting_from
from benchmarks.render.judge import answers, cosines, interval, judge, pixels_of
from benchmarks.render.second import SecondJudge, cells_of, second_networks
from benchmarks.render.targets import Targets
from benchmarks.traced import command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from atlas.models import VisionModel

RESULTS = Path(__file__).resolve().parent / "results" / "starts.json"
LEVELS = (10, 20)
#: Cycles a pixel from which on detail counts as fine.
FINE = 0.15
RESAMPLES = 2_000


@dataclass
class Cells:
    """Cells of some levels of a layer, one level after the other."""

    targets: Targets
    keys: list[int]
    #: Pairs (P, 2) of rows that share an edge, by level, and the row of each cell's parent or -1.
    pairs: dict[int, NDArray[np.int64]]
    parent: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.keys)


@dataclass
class Way:
    """Icons rendered one way, and the steps that each took on average."""

    icons: Icons
    steps: float


def cells_of_levels(layer: str, levels: Sequence[int] = LEVELS) -> Cells:
    """Of the sample atlas."""
    world, acts = atlas.sample(), open_activations(asset("activations.acts"))
    moment = second_moment(acts[layer].vectors)
    keys: list[int] = []
    means, members, parent = [], [], []
    pairs: dict[int, NDArray[np.int64]] = {}
    rows: dict[int, dict[int, int]] = {}
    for size in levels:
        level = world.level(size, layer)
        first = len(keys)
        rows[size] = {int(cell): first + i for i, cell in enumerate(level.grid.cell)}
        coarser = rows.get(size // 2, {})
        for cell in level.grid.cell.tolist():
            members.append(np.flatnonzero(level.grid.point_cell == cell))
            parent.append(coarser.get(cell // size // 2 * (size // 2) + cell % size // 2, -1))
        pairs[size] = neighbour_pairs(level) + first
        means.append(np.asarray(level.grid.mean, dtype=np.float32))
        keys += icon_keys(layer, level.grid)
    all_means = np.concatenate(means)
    directions = np.asarray(whiten(all_means, moment, RenderSettings().ridge), dtype=np.float32)
    return Cells(Targets(layer, all_means, directions, members), keys, pairs, np.asarray(parent))


def rendered(
    model: VisionModel,
    cells: Cells,
    settings: RenderSettings,
    rows: NDArray[np.int64] | None = None,
    **more: Any,  # noqa: ANN401
) -> Way:
    """Icons of some rows, by default of all, and their steps."""
    rows = np.arange(len(cells)) if rows is None else rows
    score, calls = dot_cosine(settings.power), [0]

    def counted(activations: Tensor, targets: Tensor) -> Tensor:
        # In several threads: a list's item, not a sum, would be lost between reading and writing.
        calls.append(len(activations))
        return score(activations, targets)

    targets = cells.targets
    parts = render_tiles(
        model,
        targets.layer,
        targets.directions[rows],
        means=targets.means[rows],
        keys=[cells.keys[row] for row in rows],
        settings=settings,
        objective=counted,
        **more,
    )
    icons = Icons.concatenate([part for _, part in parts])
    return Way(icons, sum(calls) / len(rows))


def neighbours(units: NDArray[np.float32], pairs: NDArray[np.int64]) -> NDArray[np.float32]:
    """Cosine (P,) of pairs."""
    found: NDArray[np.float32] = (units[pairs[:, 0]] * units[pairs[:, 1]]).sum(axis=1)
    return found


def over_cells(values: NDArray[np.float32], pairs: NDArray[np.int64], n: int) -> list[float]:
    """95 % interval of the mean of values of pairs (P,), resampling the cells: a cell takes part in several pairs."""
    rng = np.random.Generator(np.random.Philox(0))
    means = []
    for _ in range(RESAMPLES):
        weight = np.bincount(rng.integers(0, n, n), minlength=n).astype(float)
        both = weight[pairs[:, 0]] * weight[pairs[:, 1]]
        means.append((values * both).sum() / both.sum())
    return [round(float(x), 4) for x in np.percentile(means, [2.5, 97.5])]


def texture(images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Of icons (n, S, S, 3): deviation of brightness, and the share of its energy in fine detail."""
    brightness = images.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    brightness -= brightness.mean(axis=(1, 2), keepdims=True)
    energy = np.abs(np.fft.fft2(brightness)) ** 2
    cycles = np.fft.fftfreq(images.shape[1])
    fine = np.hypot(cycles[:, None], cycles) > FINE
    return {
        "contrast": brightness.std(axis=(1, 2)),
        "fine_detail": (energy[:, fine].sum(axis=1) / (energy.sum(axis=(1, 2)) + 1e-12)).astype(np.float32),
    }


class Judges:
    """All that is asked of icons of some cells."""

    def __init__(self, model: VisionModel, cells: Cells, second: dict[str, SecondJudge]) -> None:
        self._model, self._cells, self._second = model, cells, second

    def of_icons(self, icons: Icons) -> dict[str, NDArray[np.float32]]:
        """Figures of every icon."""
        targets = self._cells.targets
        scores = judge(self._model, targets.layer, icons.images, targets.means)
        vectors = answers(self._model, targets.layer, pixels_of(icons.images))
        return (
            {f"cosine_{name}": values for name, values in scores.items()}
            | {"target_cosine": cosines(vectors, targets.directions)}
            | {f"likeness_by_{name}": one.likeness(icons.images) for name, one in self._second.items()}
            | texture(icons.images)
        )

    def of_pairs(self, icons: Icons, size: int) -> dict[str, NDArray[np.float32]]:
        """How alike neighbours of a level are to each network."""
        vectors = answers(self._model, self._cells.targets.layer, pixels_of(icons.images))
        units = {"network": vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-12)}
        units |= {name: one.units(icons.images) for name, one in self._second.items()}
        return {f"neighbours_{size}_by_{name}": neighbours(one, self._cells.pairs[size]) for name, one in units.items()}

    def compare(self, way: Way, base: Way) -> dict[str, Any]:
        """Figures of one way, and what it has more than the base."""
        found: dict[str, Any] = {"steps_an_icon": round(way.steps, 1), "base_steps_an_icon": round(base.steps, 1)}
        ours, theirs = self.of_icons(way.icons), self.of_icons(base.icons)
        for name, values in ours.items():
            more = values - theirs[name]
            found[name] = {"mean": _short(values), "more": _short(more), "more_95": interval(more)}
        for size in LEVELS:
            ours, theirs = self.of_pairs(way.icons, size), self.of_pairs(base.icons, size)
            for name, values in ours.items():
                more = values - theirs[name]
                spread = over_cells(more, self._cells.pairs[size], len(self._cells))
                found[name] = {"mean": _short(values), "more": _short(more), "more_95": spread}
        return found


def _short(values: NDArray[np.float32]) -> float:
    return round(float(values.mean()), 4)


def fewer(model: VisionModel, cells: Cells, judges: Judges, steps: int) -> dict[str, Any]:
    """Ways to spend fewer steps."""
    settings = RenderSettings(size=80, steps=steps)
    half = replace(settings, steps=steps // 2)
    full, halved = rendered(model, cells, settings), rendered(model, cells, half)
    settled = rendered(model, cells, replace(settings, settle=True))
    equal = rendered(model, cells, replace(settings, steps=round(settled.steps)))
    # Level 20 from the finished icons of level 10; those without a parent start from nothing, as all do.
    children = np.flatnonzero(cells.parent >= 0)
    pictures = full.icons.images[cells.parent[children]]
    with starting_from(pictures, settings.bandwidth_for(model)):
        born = rendered(model, cells, half, children)
    images = halved.icons.images.copy()
    images[children] = born.icons.images
    parents = Way(replace(halved.icons, images=images), born.steps)
    toward = rendered(model, cells, half, rescuing=True)
    return {
        "half": judges.compare(halved, full),
        "settled": judges.compare(settled, full),
        "settled_against_equal_steps": judges.compare(settled, equal),
        "from_parents_against_half": judges.compare(parents, halved),
        "mean_first_against_half": judges.compare(toward, halved),
    }


def stuck_ones(model: VisionModel, cells: Cells, judges: Judges, steps: int) -> dict[str, Any]:
    """Ways to wake stuck icons."""
    settings = RenderSettings(size=80, steps=steps)
    expected = expected_cosine(cells.targets.means, cells.targets.directions)
    first = rendered(model, cells, settings)
    found: dict[str, Any] = {
        "icons": len(cells),
        "stuck": len(stuck(first.icons.target_cosine, settings, expected)),
        "below_cosine_floor": int((first.icons.target_cosine < 0.1).sum()),
    }
    for name, rescuing in (("plain", False), ("mean_first", True)):
        icons, spent, left = first.icons, first.steps * len(cells), []
        for attempt in range(1, settings.rescues + 1):
            rows = stuck(icons.target_cosine, settings, expected)
            if not len(rows):
                break
            again = rendered(model, cells, settings, rows, first_try=attempt, rescuing=rescuing)
            icons, spent = icons.improved(rows, again.icons), spent + again.steps * len(rows)
            left.append(len(stuck(icons.target_cosine, settings, expected)))
        compared = judges.compare(Way(icons, spent / len(cells)), first)
        found[name] = {"stuck_after_each": left, "below_half": int((icons.cosine < 0.5).sum())} | compared
    return found


def main() -> None:
    """Measure one part or both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=["fewer", "stuck"])
    parser.add_argument("--tiny-imagenet", type=Path, required=True, help="folder that holds train/WNID.webp")
    parser.add_argument("--second-weights", type=Path, help="another training of the embedded network")
    parser.add_argument("--steps", type=int, help="by default 256 for fewer, 160 for stuck")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    model = atlas.load_model("inceptionv1-tiny", device=arguments.device)
    result = json.loads(arguments.out.read_text("utf-8")) if arguments.out.exists() else {}
    acts = open_activations(asset("activations.acts"))
    for part in arguments.part or ("fewer", "stuck"):
        layer, steps, run = {"fewer": ("mixed4c", 256, fewer), "stuck": ("mixed5b", 160, stuck_ones)}[part]
        cells, steps = cells_of_levels(layer), arguments.steps or steps
        photographs = cells_of(cells.targets, acts, arguments.tiny_imagenet / "train", model.input_size)
        networks = second_networks(arguments.second_weights, arguments.device)
        second = {name: SecondJudge(network, layer, photographs) for name, network in networks.items()}
        found = {
            "command": command(),
            "layer": layer,
            "levels": LEVELS,
            "steps": steps,
            "hardware": hardware(model.device),
        }
        result[part] = found | {"weights": model.digest[:16]} | run(model, cells, Judges(model, cells, second), steps)
        print(json.dumps({part: result[part]}, indent=1))
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
