"""Audit the embedded network: frying pan and wok, and four pairs of classes that share most.

    python -m benchmarks.audit --tiny-imagenet tiny-imagenet

compares each pair on the embedded activations (both directions are hypotheses; the one tested is first to second),
takes the five cells that speak most for the second class, and pastes their icons on photographs of the first that the
network classifies correctly: all of the validation set and, for size, those among --training photographs of the
training set that the activations were not collected from.
Writes results/audit.md, the table, and results/audit.json, everything in it. Interrupted, it goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import atlas
from assets.mosaics import Mosaics
from atlas import audit
from atlas.assets import asset
from atlas.audit.findings import ALPHA
from atlas.audit.result import ALL
from atlas.audit.statistics import holm
from atlas.hardware import hardware
from atlas.images.fit import fit_square

if TYPE_CHECKING:
    from PIL import Image

    from atlas.audit import PatchTest
    from atlas.models import VisionModel

RESULTS = Path(__file__).resolve().parent / "results"
PAIR = ("frying pan", "wok")
SEED, CELLS = 0, 5
SIZES = (0.35, 0.45)
#: Training photographs of each class that the embedded activations were collected from.
COLLECTED = 50
CONTROLS = ("noise", "shuffled", "neutral", "target image")


class Both:
    """Validation photographs, then training photographs; an image source."""

    in_memory = True

    def __init__(self, folder: Path, wnids: list[str], training: int) -> None:
        parts = [Mosaics(folder / "val", wnids=wnids), Mosaics(folder / "train", wnids=wnids)]
        self._parts = parts
        per_class = len(parts[1]) // len(wnids)
        # Embedded activations come of the first training photographs: what suggests a patch does not test it.
        self._training = [
            number * per_class + at for number in range(len(wnids)) for at in range(COLLECTED, COLLECTED + training)
        ]
        self.name = "Tiny-ImageNet-200 validation and training photographs"

    def __len__(self) -> int:
        return len(self._parts[0]) + len(self._training)

    def _at(self, index: int) -> tuple[str, Mosaics, int]:
        first, second = self._parts
        return ("val", first, index) if index < len(first) else ("train", second, self._training[index - len(first)])

    def image_id(self, index: int) -> str:
        """Part, WNID and number."""
        name, part, at = self._at(index)
        return f"{name}/{part.image_id(at)}"

    def label(self, index: int) -> str:
        """WNID."""
        _, part, at = self._at(index)
        return part.label(at)

    def load(self, index: int) -> Image.Image:
        """Photograph of 64 x 64 px."""
        _, part, at = self._at(index)
        return part.load(at)


def row(result: PatchTest, way: str) -> dict[str, Any]:
    """Figures of all patches of a pair together."""
    table = result.table()
    chosen = [i for i in range(len(table)) if table["patch"][i] == ALL and table["way"][i] == way]
    return {
        str(table["arm"][i]): {
            name: round(float(table[name][i]), 4)
            for name in ("images", "rate", "low", "high", "difference", "difference_low", "difference_high")
            if table[name][i] == table[name][i]
        }
        for i in chosen
    }


def against_all(result: PatchTest) -> list[float]:
    """p-value of each icon for the claim against all its controls, corrected for nothing."""
    _, _, differences = result.compared("held out")
    return [max(d.p_value if d.mean > 0 else 1.0 for d in some.values()) for some in differences]


def correct(model: VisionModel, folder: Path, wnid: str) -> int:
    """How many validation photographs of a class the network classifies correctly."""
    source = Mosaics(folder / "val", wnids=[wnid])
    pixels = np.stack([fit_square(source.load(number), model.input_size) for number in range(len(source))])
    predicted = model.logits(torch.from_numpy(pixels).float() / 255).argmax(dim=1)
    assert model.labels is not None  # noqa: S101 - the embedded network has them
    return int((predicted == model.labels.resolve(wnid)).sum())


def pairs_of(world: atlas.Atlas, count: int) -> list[tuple[str, str]]:
    """The pair of the article, and those that share most, each class once."""
    pairs, used = [PAIR], set(PAIR)
    proposed = world.confusions(n=200)
    for pair in zip(proposed["left"].tolist(), proposed["right"].tolist(), strict=True):
        if len(pairs) <= count and used.isdisjoint(pair):
            pairs.append(pair)
            used.update(pair)
    return pairs


def main() -> None:
    """Compare and audit every pair, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny-imagenet", type=Path, required=True)
    parser.add_argument("--layer", default="mixed4c")
    parser.add_argument("--training", type=int, default=80, help="training photographs of each class, for size")
    parser.add_argument("--pairs", type=int, default=4, help="pairs besides frying pan and wok")
    parser.add_argument("--grid", type=int, default=8)
    parser.add_argument("--steps", type=int, default=128)
    parser.add_argument("--work", type=Path, default=Path("audit-work"), help="where atlases and predictions are kept")
    parser.add_argument("--out", type=Path, default=RESULTS / "audit.md")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    model = atlas.load_model(device="cpu")
    acts = atlas.open_activations(asset("activations.acts"))
    # One cell: all that a comparison needs of an atlas is its activations.
    world = atlas.build(
        acts, model=model, layer=arguments.layer, grids=(1,), out=arguments.work / "world.atlas", seed=SEED
    )
    found = []
    for left, right in pairs_of(world, arguments.pairs):
        begun = time.perf_counter()
        name = f"{left}-{right}".replace(" ", "-")
        compared = world.compare(
            left,
            right,
            model=model,
            grids=(arguments.grid,),
            rendering=atlas.RenderSettings(steps=arguments.steps),
            out=arguments.work / f"{name}.atlas",
            seed=SEED,
        )
        assert model.labels is not None  # noqa: S101 - the embedded network has them
        wnids = [str(model.labels[model.labels.resolve(one)].wnid) for one in (left, right)]
        result = audit.patch_test(
            model,
            Both(arguments.tiny_imagenet, wnids, arguments.training),
            patches=compared,
            n_patches=CELLS,
            sizes=SIZES,
            limit=None,
            seed=SEED,
            out=arguments.work / f"{name}.kept",
        )
        result.figure().save(arguments.work / f"{name}.svg")
        validation = sum(one.startswith("val/") for one in result.photographs.ids)
        assert validation == correct(model, arguments.tiny_imagenet, wnids[0])  # noqa: S101 - none is left out
        found.append(
            {
                "pair": [left, right],
                "photographs": len(result.photographs),
                "of_validation": validation,
                "held out": row(result, "held out"),
                "best": row(result, "best"),
                "reports": [str(report) for report in result.reports],
                "verdicts": [report.verdict for report in result.reports],
                "against_all": against_all(result),
                "hardest": [report.hardest for report in result.reports],
                "comparison": result.settings["comparison"],
                "seconds": round(time.perf_counter() - begun),
            }
        )
        print(json.dumps(found[-1]["reports"], indent=1))
    settings = {
        name: str(value) for name, value in vars(arguments).items() if name not in ("work", "out", "tiny_imagenet")
    }
    record = {
        "command": "python -m benchmarks.audit --tiny-imagenet tiny-imagenet"
        + "".join(f" --{name} {value}" for name, value in settings.items()),
        "seed": SEED,
        "layer": arguments.layer,
        "model": {"name": model.name, "digest": model.digest, "input_size": model.input_size},
        "activations": acts.digest,
        "hardware": hardware(model.device),
        "pairs": found,
    }
    arguments.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    arguments.out.write_text(written(record), encoding="utf-8")


def written(record: dict[str, Any]) -> str:
    """The table, as Markdown."""
    about = (
        f"`{record['command']}`, seed {record['seed']}, layer {record['layer']}, "
        f"network {record['model']['digest'][:16]}, activations {record['activations'][:16]}."
    )
    explained = (
        "Flip rates to the second class, in per cent, mean over the icons that speak most for it (five, or as many as "
        "tell the classes apart; their number is in the table), with 95 % intervals over photographs (Student's t); "
        "after the semicolon, icons minus control. *Held out*: one size and corner for each icon, chosen on one half "
        "of the photographs and reported on the other. *Best*: the best of eight for each photograph. Controls are "
        "drawn for each icon, choose, and are counted, in the same way; differences are paired by photograph. All "
        "photographs are classified correctly without a patch; those that are not of the validation set are of the "
        "training set."
    )
    lines = ["# Patch audit of the embedded network", "", about, "", explained, ""]
    for way in ("held out", "best"):
        lines += [
            f"## {way.capitalize()}",
            "",
            f"| pair (photographs, of validation; icons) | icons | {' | '.join(CONTROLS)} |",
            f"|---|---|{'---|' * len(CONTROLS)}",
        ]
        for one in record["pairs"]:
            arms = one[way]
            cells = [_rate(arms["patch"])]
            cells += [
                _rate(arms[kind]) + "; " + _difference(arms[kind]) if kind in arms else "none" for kind in CONTROLS
            ]
            pair = f"{' → '.join(one['pair'])} ({one['photographs']}, {one['of_validation']}; {len(one['reports'])})"
            lines.append(f"| {pair} | {' | '.join(cells)} |")
        lines.append("")
    whole = holm([p for one in record["pairs"] for p in one["against_all"]])
    beat = sum(one["verdicts"].count("found") for one in record["pairs"])
    told = (
        "Held out; the claim is against all four controls, corrected (Holm) for the icons of its pair: "
        f"{beat} of {len(whole)} are found. Corrected for all {len(whole)} icons of this run, p < {ALPHA} for "
        f"{int((whole < ALPHA).sum())}."
    )
    lines += ["## Every icon", "", told, ""]
    for one in record["pairs"]:
        lines += [f"**{' → '.join(one['pair'])}**", "", *(f"- {report}" for report in one["reports"]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _rate(arm: dict[str, float]) -> str:
    return f"{100 * arm['rate']:.1f} [{100 * arm['low']:.1f}, {100 * arm['high']:.1f}]"


def _difference(arm: dict[str, float]) -> str:
    mean, low, high = (100 * arm[name] for name in ("difference", "difference_low", "difference_high"))
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
