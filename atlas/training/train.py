"""`train`: from labelled photographs to a weights file and a report, stopping and going on."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from atlas.errors import AtlasError
from atlas.hardware import hardware
from atlas.images import open_images
from atlas.models import VisionModel, default_device, inception_range
from atlas.models.trained import write_trained
from atlas.progress import Bars, Progress, Silent
from atlas.provenance import versions
from atlas.training.accuracy import evaluate
from atlas.training.interrupt import interrupt_later
from atlas.training.photographs import read_photographs
from atlas.training.settings import TrainSettings
from atlas.training.trainer import Trainer
from atlas.writing import write_atomically

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from torch import Tensor, nn

    from atlas.models import Labels
    from atlas.training.photographs import Photographs

#: Sides at which accuracy is reported, as multiples of the size the network is made for.
_SIZES = (2 / 3, 1.0, 7 / 6, 4 / 3)
_SECONDS_BETWEEN_CHECKPOINTS = 120.0


def train(
    images: Any,  # noqa: ANN401 - whatever `open_images` takes
    out: str | os.PathLike[str],
    *,
    validation: Any = None,  # noqa: ANN401
    settings: TrainSettings | None = None,
    labels: Labels | None = None,
    network: nn.Module | None = None,
    start: Mapping[str, Tensor] | None = None,
    minutes: float | None = None,
    device: str | None = None,
    workers: int | None = None,
    progress: bool | Progress = True,
) -> dict[str, Any]:
    """Train InceptionV1 on labelled photographs.

    Parameters
    ----------
    images
        Anything `open_images` takes, with labels: in a folder, the names of the subfolders.
    out : path
        Weights to write, ``NAME.safetensors``: float16, batch normalisation folded in, with labels and input size
        inside, for ``load_model("inceptionv1-tiny", weights=…)``. Beside it lie ``NAME.json``, the report, and until
        the end ``NAME.checkpoint``, from which the same call goes on when it was stopped.
    validation
        Photographs to measure accuracy on; by default none is measured.
    settings : TrainSettings, optional
        How to train.
    labels : Labels, optional
        The classes, in the order of the outputs; by default the labels of the images, sorted.
    network : torch.nn.Module, optional
        Another network in its plain form, taking ``x * 255 - 117``.
    start : mapping of str to Tensor, optional
        State dict, with batch normalisation, to begin with; see `Trainer`.
    minutes : float, optional
        Stop after this many and keep the checkpoint; the same call goes on.
    device : str, optional
        By default a GPU when there is one.
    workers : int, optional
        Processes that decode images.
    progress : bool or Progress
        True for bars, False for silence, or something to report to.

    Returns
    -------
    dict
        The report; its ``"done"`` is below 1 when `minutes` were up first.

    Raises
    ------
    AtlasError
        Photographs without labels or too few, an `out` with another ending, a checkpoint of another training.
    """
    settings = settings or TrainSettings()
    target = Path(out)
    if target.suffix != ".safetensors":
        raise AtlasError(f"{target.name} must end in .safetensors, the format that weights are written in.")
    if not target.absolute().parent.is_dir():
        raise AtlasError(f"The folder of {target} does not exist; make it first.")
    bars = Bars() if progress is True else nullcontext(Silent() if progress is False else progress)
    with bars as report:
        size = settings.source_size
        photographs = read_photographs(open_images(images), size, labels=labels, workers=workers, progress=report)
        held_out = None
        if validation is not None:
            source = open_images(validation)
            held_out = read_photographs(source, size, labels=photographs.labels, workers=workers, progress=report)
        trainer = Trainer(photographs, settings, network=network, start=start, device=device or default_device())
        checkpoint = target.with_suffix(".checkpoint")
        if checkpoint.is_file():
            trainer.load(checkpoint)
            report.note(f"Going on from step {trainer.steps:,}, {trainer.done:.0%} of the training.")
        _run(trainer, checkpoint, minutes, report)
        record = _record(trainer, photographs)
        if trainer.done < 1:
            report.note(f"Stopped at {trainer.done:.0%}; the same command goes on.")
            return record
        plain = trainer.finished()
        write_trained(target, plain, photographs.labels, settings.evaluation_size, bandwidth=_bandwidth(settings))
        if held_out is not None:
            record["accuracy"] = _accuracies(target, plain, held_out, settings, report)
        write_atomically(target.with_suffix(".json"), (json.dumps(record, indent=1) + "\n").encode())
        checkpoint.unlink()
        return record


def _run(trainer: Trainer, checkpoint: Path, minutes: float | None, report: Progress) -> None:
    begun = saved = time.perf_counter()
    try:
        while trainer.done < 1:
            with interrupt_later():
                trainer.step()
            left = (1 - trainer.done) * trainer.total_steps
            report("train", trainer.steps, trainer.steps + round(left))
            now = time.perf_counter()
            if now - saved > _SECONDS_BETWEEN_CHECKPOINTS:
                trainer.save(checkpoint)
                saved = now
            if minutes is not None and now - begun > minutes * 60:
                break
    finally:
        # Whatever stops it, Ctrl-C too: the steps that were done are kept. A step that failed leaves nothing to keep.
        if trainer.whole:
            trainer.save(checkpoint)


def _bandwidth(settings: TrainSettings) -> float:
    """Highest frequency, in cycles a pixel of the network's input, of photographs that were enlarged to it.

    Half the ratio of sizes is the limit; bilinear enlarging leaves little above 0.6 of it, see
    ``VisionModel.bandwidth``.
    """
    if settings.source_size >= settings.evaluation_size:
        return 0.5
    return round(0.6 * 0.5 * settings.source_size / settings.evaluation_size, 3)


def _record(trainer: Trainer, photographs: Photographs) -> dict[str, Any]:
    return {
        "network": type(trainer.average).__name__,
        "photographs": photographs.summary,
        "classes": len(photographs.labels),
        "start": trainer.start,
        "settings": trainer.settings.provenance(),
        "epochs_asked": trainer.epochs_asked,
        "done": trainer.done,
        "steps": trainer.steps,
        "images_seen": trainer.steps * trainer.settings.batch_size,
        "minutes": round(trainer.seconds / 60, 1),
        "curve": trainer.curve,
        "hardware": hardware(trainer.device),
        "versions": versions(),
    }


def _accuracies(
    path: Path, plain: nn.Module, held_out: Photographs, settings: TrainSettings, report: Progress
) -> list[dict[str, Any]]:
    """Accuracy at several sizes, of the weights as they were written: in float16."""
    model = VisionModel(
        plain.half().float(),
        name=path.stem,
        preprocess=inception_range,
        input_size=settings.evaluation_size,
        labels=held_out.labels,
    )
    with torch.no_grad():
        sizes = dict.fromkeys(max(32, round(settings.evaluation_size * factor)) for factor in _SIZES)
        return [evaluate(model, held_out, size=size, progress=report).rounded() for size in sizes]
