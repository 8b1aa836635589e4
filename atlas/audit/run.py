"""`patch_test`: paste, run, compare with controls."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atlas.activations import digest_of
from atlas.audit.arms import ArmKind, make_arms
from atlas.audit.paste import CORNERS, SIZES, Placements, run_arm
from atlas.audit.patches import as_patches
from atlas.audit.photographs import Photographs, correct_photographs, resolve
from atlas.audit.result import PatchTest
from atlas.audit.settings import LEAST_IMAGES, check_settings
from atlas.errors import AtlasError
from atlas.images import open_images
from atlas.progress import Bars, Progress, Silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from atlas.audit.arms import Arm
    from atlas.models import VisionModel

#: Raised when the squares of equal settings change, so that kept predictions are made anew.
_REVISION = 4
_DONORS = 100
_KINDS = {"icon": "icons", "real": "real patches", "picture": "pictures"}


def patch_test(
    model: VisionModel,
    images: Any,  # noqa: ANN401 - whatever `open_images` takes
    source: str | int | None = None,
    target: str | int | None = None,
    *,
    patches: Any,  # noqa: ANN401 - whatever `as_patches` takes, or a comparison
    neutral: Any = None,  # noqa: ANN401
    n_patches: int = 5,
    sizes: Sequence[float] = SIZES,
    positions: Sequence[str] = CORNERS,
    limit: int | None = 200,
    smallest: float = 0.25,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    progress: bool | Progress = True,
) -> PatchTest:
    """Paste patches on photographs of one class and count how many become another, against controls.

    Only photographs that the network classifies correctly take part. Every patch has controls: noise of the same
    colours and scales, its own pixels shuffled, a cell that speaks for both classes alike, and a random part of a
    photograph of the target class. Flips are counted at one size and position, chosen on one half of the photographs
    and reported on the other, and at the best of all for each photograph; controls choose and are counted in the same
    way.

    Parameters
    ----------
    model : VisionModel
        The network.
    images
        Photographs of both classes, with labels: a folder with a subfolder for each class, or anything else that
        `open_images` takes. Those of the target class serve as control; without any, that control is left out.
    source, target : str or int
        Class of the photographs, and the class that they might become: name, WNID or index. With a comparison, by
        default its left and right class; others are refused, since its cells say nothing of them.
    patches
        A comparison, for the icons of the cells that speak most for the target; cells of one; pictures: paths, Pillow
        images, arrays; or `Patch`, such as `real_patches` gives.
    neutral
        The same, of cells that speak for both classes alike; a comparison brings its own, also where it is given here
        beside pictures of one's own, together with its classes. Of the same kind as the patches (icons, real parts), or
        pictures of one's own; without any, that control is left out.
    n_patches : int
        Cells taken of a comparison.
    sizes : sequence of float
        Sides of the square, as shares of the photograph's.
    positions : sequence of str
        "top left", "top right", "bottom left", "bottom right", "centre".
    limit : int or None
        Use at most so many photographs, chosen by the seed; None for all.
    smallest : float
        The smallest difference of flip rates that matters: with too few photographs to find it with 80 % power, a
        patch that shows nothing is reported as "not enough images" instead of "not found".
    seed : int
        Decides photographs, halves and noise.
    out : path, optional
        Folder that keeps the predictions of every finished arm: the same call goes on from there.
    progress : bool or Progress
        True for bars, False for silence, or something to report to.

    Returns
    -------
    PatchTest

    Raises
    ------
    AtlasError
        An unknown class, no correctly classified photograph, nothing to paste, or impossible settings.
    """
    comparison = next((given for given in (patches, neutral) if hasattr(given, "separating")), None)
    if comparison is not None:
        source = comparison.left.name if source is None else source
        target = comparison.right.name if target is None else target
    if source is None or target is None:
        raise AtlasError("Say which class the photographs are of and which they might become: source=…, target=….")
    check_settings(
        patches=patches, classes=(source, target), n_patches=n_patches, limit=limit, smallest=smallest, seed=seed
    )
    placements = Placements.of(sizes, positions)
    (source_index, source_name), (target_index, target_name) = resolve(model, source), resolve(model, target)
    if source_index == target_index:
        raise AtlasError(f"Source and target are both {source_name}; choose two classes.")
    settings: dict[str, Any] = {"limit": limit, "n_patches": n_patches, "comparison": None}
    wanted = n_patches if comparison is not None and patches is comparison else None
    if comparison is not None:
        side = _side_of(comparison, source_index, target_index)
        patches, neutral, settings["comparison"] = _of_comparison(comparison, patches, neutral, n_patches, side)
    tested = as_patches(patches)
    others = as_patches(neutral, first=len(tested) + 1) if _holds(neutral) else []
    pictures = open_images(images)
    bars = Bars() if progress is True else nullcontext(Silent() if progress is False else progress)
    with bars as report:
        _warn(settings["comparison"], wanted, report)
        found = correct_photographs(model, pictures, source_index, source_name, limit=limit, seed=seed, report=report)
        if len(found) < LEAST_IMAGES:
            raise AtlasError(f"Only one photograph of {source_name!r} is classified correctly; give more.")
        donors = None
        try:
            donors = correct_photographs(
                model, pictures, target_index, target_name, limit=_DONORS, seed=seed, report=report
            )
        except AtlasError as error:
            report.note(f"{error} The control that shows parts of such photographs is left out.")
        arms = make_arms(tested, others, donors, seed)
        for kind in dict.fromkeys(patch.kind for patch in tested if ("neutral", patch.name) not in arms):
            report.note(f"No neutral cell is like the {_KINDS[kind]}: that control of theirs is left out.")
        report.note(
            f"Pasting {len(tested)} patches and their controls on {len(found)} photographs of {source_name}, "
            f"{len(placements)} sizes and positions: {len(arms) * len(found) * len(placements):,} runs of the network."
        )
        predictions = _run(model, found, arms, placements, None if out is None else Path(out), report)
    return PatchTest(
        model=model,
        source=(source_index, source_name),
        target=(target_index, target_name),
        images_name=pictures.name,
        photographs=found,
        patches=tested,
        arms=arms,
        placements=placements,
        predictions=predictions,
        seed=seed,
        smallest=smallest,
        settings=settings,
    )


def _holds(things: Any) -> bool:  # noqa: ANN401 - see `patch_test`
    """Whether anything was given; arrays have no truth of their own."""
    return things is not None and (not isinstance(things, (list, tuple)) or len(things) > 0)


def _of_comparison(
    comparison: Any,  # noqa: ANN401 - see `patch_test`
    patches: Any,  # noqa: ANN401
    neutral: Any,  # noqa: ANN401
    n_patches: int,
    side: str,
) -> tuple[Any, Any, dict[str, Any]]:
    """What to paste of a comparison, its neutral cells, and what is recorded of it."""
    if patches is comparison:
        patches = comparison.separating(n_patches, side)
    if neutral is comparison or not _holds(neutral):
        neutral = comparison.neutral(n_patches)
    record = {
        "name": comparison.path.name,
        "digest": _digest_of(comparison),
        "activations": comparison.provenance["activations"]["digest"],
        "part": comparison.provenance["part"],
        "level": comparison.level().size,
        "note": comparison.label_meaning().note,
        "cells": _cells(patches),
        "neutral_cells": _cells(neutral),
    }
    return patches, neutral, record


def _warn(record: dict[str, Any] | None, wanted: int | None, report: Progress) -> None:
    """Say so where what speaks for a class is a guess, and where there are fewer cells than were asked for."""
    if record is None:
        return
    if record["note"] is not None:
        report.note(record["note"])
    if wanted is not None and len(record["cells"]) < wanted:
        report.note(f"Only {len(record['cells'])} of {wanted} cells tell the classes apart: they alone are tested.")


def _cells(things: Any) -> list[int]:  # noqa: ANN401 - see `patch_test`
    """Numbers of the cells among things to paste."""
    return [thing.cell for thing in things if hasattr(thing, "cell")] if isinstance(things, (list, tuple)) else []


def _digest_of(comparison: Any) -> str:  # noqa: ANN401 - see `patch_test`
    """Digest of a comparison: of layout, cells and icons of its finest level."""
    (layer,) = comparison.layers
    record = comparison.manifest.layers[layer]
    level = record.levels[comparison.level().size]
    return digest_of([record.layout.digest, level.grid.digest, None if level.icons is None else level.icons.digest])


def _side_of(comparison: Any, source: int, target: int) -> str:  # noqa: ANN401 - see `patch_test`
    """On which side of a comparison the target is; of other classes its cells say nothing."""
    sides = {comparison.left.index: "left", comparison.right.index: "right"}
    if {source, target} != set(sides):
        raise AtlasError(
            f"This comparison is of {comparison.left.name} and {comparison.right.name}; choose source and target from "
            "them, or leave the comparison out."
        )
    return sides[target]


def _run(
    model: VisionModel,
    photographs: Photographs,
    arms: dict[tuple[ArmKind, str], Arm],
    placements: Placements,
    out: Path | None,
    report: Progress,
) -> dict[tuple[ArmKind, str], NDArray[np.int32]]:
    """Predictions of every arm; those that `out` keeps are read."""
    if out is not None:
        if out.exists() and not out.is_dir():
            raise AtlasError(f"{out} is a file; give the folder that keeps results.")
        out.mkdir(parents=True, exist_ok=True)
    network = [model.digest, model.input_digest, model.input_size, str(model.dtype)]
    common = [_REVISION, *network, photographs.digests, placements.sizes, placements.positions]
    shape, total = (len(photographs), len(placements)), len(arms) * len(photographs)
    predictions = {}
    for number, (key, arm) in enumerate(arms.items()):
        before = number * len(photographs)
        file = None if out is None else out / f"arm-{digest_of([*common, arm.described()])}.npy"
        found = None if file is None else _read(file, shape, model.n_classes)
        if found is None:
            found = run_arm(
                model,
                photographs,
                arm,
                placements,
                lambda done, before=before: report("paste", before + done, total),  # type: ignore[misc]
            )
            if file is not None:
                _write(file, found)
        predictions[key] = found
        report("paste", before + len(photographs), total)
    return predictions


def _read(file: Path, shape: tuple[int, int], n_classes: int) -> NDArray[np.int32] | None:
    if not file.is_file() or file.is_symlink():
        return None
    try:
        found: NDArray[np.int32] = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    fits = found.shape == shape and found.dtype == np.int32 and ((found >= 0) & (found < n_classes)).all()
    return found if fits else None


def _write(file: Path, found: NDArray[np.int32]) -> None:
    part = file.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as stream:
        np.save(stream, found, allow_pickle=False)
    part.replace(file)
