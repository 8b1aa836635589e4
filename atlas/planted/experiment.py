"""One network with a known reason, from drawing its pictures to the verdict of the audit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atlas.activations import collect
from atlas.audit import Patch, patch_test, real_patches
from atlas.datasets import Pans, learn
from atlas.layout import LayoutSettings
from atlas.pipeline import build
from atlas.progress import Silent
from atlas.render import RenderSettings
from atlas.training import evaluate, read_photographs

if TYPE_CHECKING:
    import os

    from atlas.audit import PatchTest, Report
    from atlas.classes import Comparison, SeparatingCell
    from atlas.models import VisionModel
    from atlas.progress import Progress

SOURCE, TARGET, LAYER = "frying pan", "wok", "mixed4"
THE_CUE = "the cue itself"
_PER_IMAGE, _CUE_PICTURES = 6, 5
#: A cell is the cue's where more than this share of its members lie on it.
OF_THE_CUE = 0.5


@dataclass(frozen=True)
class Plan:
    """How much is drawn, and what is pasted where.

    Attributes
    ----------
    trained, collected, audited : int
        Pictures to learn from, to compare on, and to audit on; no picture serves twice.
    epochs : float
        Passes over those to learn from.
    photographs : int
        At most so many pictures of the first class are pasted on.
    cells : int
        Cells of the comparison that are tested: those that speak most for the second class.
    sizes, positions : tuple
        Of the pasted squares. Real patches of the layer have 24 of 64 px; they are pasted at that size, and larger.
    icon, steps : int
        Side of the icons in pixels, and steps where they are rendered.
    """

    trained: int = 1200
    collected: int = 1200
    audited: int = 1440
    epochs: float = 10
    photographs: int = 300
    cells: int = 5
    sizes: tuple[float, ...] = (0.375, 0.45)
    positions: tuple[str, ...] = ("top left", "bottom right")
    icon: int = 48
    steps: int = 32


FULL = Plan()
#: For a first look: a third of the work.
QUICK = Plan(trained=900, collected=450, audited=600, photographs=120, sizes=(0.45,))


@dataclass(frozen=True, eq=False)
class Experiment:
    """What became of a planted cue.

    Attributes
    ----------
    pictures : Pans
        What the network learned from.
    collected : Pans
        What the comparison is of.
    model : VisionModel
        The network.
    accuracy : float
        Share of the audited pictures that it is right about.
    comparison : Comparison
        "frying pan" on the left, "wok" on the right.
    cells : list of SeparatingCell
        Those tested, strongest first.
    shares : list of float
        Of each, the share of its members that lie on the cue: of the cue, where it is above a half.
    result : PatchTest
        The audit: of icons where they are rendered, of real patches of the cells, and of pictures of the cue.
    plan : Plan
        How much was drawn.
    seconds : dict
        Of the processor: "train", "atlas", "all".
    """

    pictures: Pans
    collected: Pans
    model: VisionModel
    accuracy: float
    comparison: Comparison
    cells: list[SeparatingCell]
    shares: list[float]
    result: PatchTest
    plan: Plan
    seconds: dict[str, float]

    @property
    def of_the_cue(self) -> list[bool]:
        """Whether each patch of the audit shows the cue."""
        cells = [share > OF_THE_CUE for share in self.shares]
        return [*cells * (len(self.result.patches) // len(cells)), True]

    @property
    def first_of_the_cue(self) -> int | None:
        """Place of the first cell of the cue among those that speak most for the class, from 0."""
        return next((place for place, share in enumerate(self.shares) if share > OF_THE_CUE), None)

    @property
    def by_cell(self) -> Report | None:
        """Of the patches of cells of the cue, the report with the smallest p-value; None without such a cell."""
        reports = [r for r, on in zip(self.result.reports[:-1], self.of_the_cue[:-1], strict=True) if on]
        return min(reports, key=lambda report: report.p_value, default=None)

    @property
    def by_picture(self) -> Report:
        """The report on the picture of the cue."""
        return self.result.reports[-1]

    @property
    def others(self) -> list[str]:
        """Patches of other things that the audit reports."""
        told = zip(self.result.reports, self.of_the_cue, strict=True)
        return [report.patch for report, on in told if report.verdict == "found" and not on]

    @property
    def found(self) -> bool:
        """Whether the audit reports a cell of the cue."""
        return self.by_cell is not None and self.by_cell.verdict == "found"


def plant(
    cue: str,
    folder: str | os.PathLike[str],
    *,
    spurious: bool = True,
    seed: int = 0,
    plan: Plan = FULL,
    rendered: bool = False,
    progress: Progress | None = None,
) -> Experiment:
    """Draw pictures in which a cue goes with woks, train a network on them, compare, audit.

    Parameters
    ----------
    cue : str
        A name of `atlas.datasets.CUES`.
    folder : path
        For activations, atlases and kept predictions; what is there already of the same run is not made again.
    spurious : bool
        Whether the cue goes with woks; otherwise it lies about in all classes alike, and the audit has to stay silent.
    seed : int
        Decides everything.
    plan : Plan
        How much is drawn.
    rendered : bool
        Whether the icons of the comparison are rendered, and audited too; by default they are real patches.
    progress : Progress, optional
        Told of every step.

    Raises
    ------
    AtlasError
        There is no such cue, or the folder holds something else.
    """
    begun = time.process_time()
    home, report = Path(folder), progress or Silent()
    # Seeds far apart, so that no picture serves twice.
    train, collected, audited, other = (
        Pans(count, cue, spurious=spurious, seed=1000 * seed + number)
        for number, count in enumerate((plan.trained, plan.collected, plan.audited, 5))
    )
    model = learn(train, epochs=plan.epochs, seed=seed, progress=report)
    trained = time.process_time() - begun
    accuracy = evaluate(model, read_photographs(audited, model.input_size, labels=model.labels, workers=0)).top1
    home.mkdir(parents=True, exist_ok=True)
    acts = collect(
        model, collected, LAYER, per_image=_PER_IMAGE, seed=seed, out=home / "pans.acts", workers=0, progress=report
    )
    icons: dict[str, Any] = {"rendering": RenderSettings(size=plan.icon, steps=plan.steps), "progress": report}
    patches_as_icons: dict[str, Any] = {"icons": "medoid", "images": collected}
    # One cell: all that a comparison needs of an atlas is its activations.
    quick = LayoutSettings(n_epochs=20, seed=seed)
    world = build(
        acts, model=model, grids=(1,), out=home / "pans.atlas", layout=quick, seed=seed, **icons, **patches_as_icons
    )
    compared = world.compare(
        SOURCE,
        TARGET,
        model=model,
        out=home / "pan-or-wok.atlas",
        seed=seed,
        **icons,
        **({} if rendered else patches_as_icons),
    )
    built = time.process_time() - begun - trained
    cells, neutral = compared.separating(plan.cells, "right"), compared.neutral(plan.cells)
    picture = Patch(THE_CUE, tuple(np.asarray(other.cue_picture(number)) for number in range(_CUE_PICTURES)))
    patches = [*(cells if rendered else ()), *real_patches(compared, cells, collected, model), picture]
    result = patch_test(
        model,
        audited,
        SOURCE,
        TARGET,
        patches=patches,
        neutral=[*(neutral if rendered else ()), *real_patches(compared, neutral, collected, model)],
        sizes=plan.sizes,
        positions=plan.positions,
        limit=plan.photographs,
        seed=seed,
        out=home / "kept",
        progress=report,
    )
    shares = [cue_share(compared, cell, collected) for cell in cells]
    seconds = {"train": trained, "atlas": built, "all": time.process_time() - begun}
    return Experiment(train, collected, model, accuracy, compared, cells, shares, result, plan, seconds)


def cue_share(compared: Comparison, cell: SeparatingCell, pictures: Pans) -> float:
    """Share of a cell's members that lie on the cue."""
    rows = compared.activations[LAYER]
    level = compared.level(cell.level)
    inside = []
    for row in level.grid.members(cell.cell):
        box = pictures.truth(int(compared.activations.image_ids[rows.image[row]])).box
        y, x = (rows.position[row] + 0.5) / rows.map_size
        inside.append(box is not None and box[0] <= x < box[2] and box[1] <= y < box[3])
    return float(np.mean(inside))
