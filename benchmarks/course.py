"""Follow icons while they are optimised: what later steps change, and whether an icon's own course says when to stop.

    python -m benchmarks.course --tiny-imagenet FOLDER [--second-weights FILE]

Renders the cells of level 10 of the sample atlas, mixed4c, in one batch and looks at all of them every 12 steps: cosine
of the clean picture to mean and target, likeness to the cell's photographs in other networks, contrast, fine detail,
and how far the picture is from the finished one (root mean square, of a full scale of 1).

Then the question that settling asks: an icon's target cosine has risen by so much over the last steps; does that tell
what it has left to gain? The correlation of the two over icons is given, with its 95 % interval; and what is lost on
average by stopping each icon when its rise falls below a threshold, beside what is lost by stopping all of them after
equally many steps. Up to where the learning rate begins to fall. Prints, and writes to benchmarks/results/course.json.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import atlas
from atlas.activations import open_activations
from atlas.assets import asset
from atlas.hardware import hardware
from atlas.render import RenderSettings, render_tiles
from benchmarks.render.judge import answers, cosines, pixels_of
from benchmarks.render.second import SecondJudge, cells_of, second_networks
from benchmarks.starts import cells_of_levels, texture
from benchmarks.traced import command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RESULTS = Path(__file__).resolve().parent / "results" / "course.json"
STEPS, EVERY, LAYER = 256, 12, "mixed4c"
#: Looks between two of which a rise is taken, and thresholds of it.
LOOKS, THRESHOLDS = 3, (0.0, 0.005, 0.01, 0.02)
RESAMPLES = 2_000


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> list[float]:
    """Pearson's, and its 95 % bootstrap interval."""
    rng = np.random.Generator(np.random.Philox(3))
    draws = rng.integers(0, len(a), (RESAMPLES, len(a)))
    values = [np.corrcoef(a[draw], b[draw])[0, 1] for draw in draws]
    return [round(float(x), 3) for x in (np.corrcoef(a, b)[0, 1], *np.percentile(values, [2.5, 97.5]))]


def stopping(course: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Of target cosines (looks, n): what stopping by the own rise loses, and what stopping all at once loses."""
    looks = np.arange(LOOKS, len(course), LOOKS)
    lost_by_all = (course[-1] - course).mean(axis=1)
    found = []
    for threshold in THRESHOLDS:
        stop = np.full(course.shape[1], len(course) - 1)
        for look in looks[::-1]:
            stop[course[look] - course[look - LOOKS] < threshold] = look
        lost = course[-1] - course[stop, np.arange(course.shape[1])]
        # Between two looks, in proportion.
        equal = float(np.interp(stop.mean(), np.arange(len(course)), lost_by_all))
        found.append(
            {
                "threshold": threshold,
                "mean_steps": round(float((stop + 1).mean() * EVERY), 1),
                "lost": round(float(lost.mean()), 4),
                "lost_by_equal_steps": round(equal, 4),
            }
        )
    return found


def main() -> None:
    """Render, look, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny-imagenet", type=Path, required=True, help="folder that holds train/WNID.webp")
    parser.add_argument("--second-weights", type=Path, help="another training of the embedded network")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    model = atlas.load_model("inceptionv1-tiny", device=arguments.device)
    cells = cells_of_levels(LAYER, (10,))
    targets, n = cells.targets, len(cells)
    photographs = cells_of(
        targets, open_activations(asset("activations.acts")), arguments.tiny_imagenet / "train", model.input_size
    )
    networks = second_networks(arguments.second_weights, arguments.device)
    second = {name: SecondJudge(network, LAYER, photographs) for name, network in networks.items()}
    looks: dict[int, list[NDArray[np.uint8]]] = defaultdict(list)

    def look(rows: Sequence[int], images: NDArray[np.uint8]) -> None:
        for row, image in zip(rows, images, strict=True):
            looks[row].append(image)

    # One batch of all of them: then every look is at the same step of each.
    settings = RenderSettings(size=80, steps=STEPS, tile=n)
    tiles = render_tiles(
        model, LAYER, targets.directions, means=targets.means, keys=cells.keys, settings=settings, sketch=look
    )
    ((_, finished),) = tiles
    table: list[dict[str, float]] = []
    course = []
    for number in range(len(looks[0]) + 1):
        last = number == len(looks[0])
        images = finished.images if last else np.stack([looks[row][number] for row in range(n)])
        vectors = answers(model, LAYER, pixels_of(images))
        difference = (images.astype(np.float32) - finished.images) / 255
        figures = {
            "cosine": cosines(vectors, targets.means),
            "target_cosine": cosines(vectors, targets.directions),
            **{f"likeness_by_{name}": one.likeness(images) for name, one in second.items()},
            **texture(images),
            "from_finished": np.sqrt((difference**2).mean(axis=(1, 2, 3))),
        }
        step = STEPS if last else (number + 1) * EVERY
        table.append({"step": step} | {name: round(float(values.mean()), 4) for name, values in figures.items()})
        if step <= 0.75 * STEPS:
            course.append(figures["target_cosine"].astype(np.float64))
    stacked = np.stack(course)
    rises = {
        str((look + 1) * EVERY): correlation(stacked[look] - stacked[look - LOOKS], stacked[-1] - stacked[look])
        for look in range(LOOKS, len(stacked) - LOOKS, LOOKS)
    }
    result = {
        "command": command(),
        "layer": LAYER,
        "icons": n,
        "hardware": hardware(model.device),
        "weights": model.digest[:16],
        "course": table,
        "correlation_of_rise_and_what_is_left": rises,
        "stopping": stopping(stacked),
    }
    print(json.dumps(result, indent=1))
    arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
