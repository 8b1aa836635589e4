"""A small network that has learned drawn pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas.datasets.network import LAYER_NAMES, SmallInception
from atlas.datasets.pans import SIDE
from atlas.models import VisionModel, inception_range
from atlas.training import Trainer, TrainSettings, read_photographs

if TYPE_CHECKING:
    from atlas.datasets.pans import Pans
    from atlas.progress import Progress


def learn(pictures: Pans, *, epochs: float = 10, seed: int = 0, progress: Progress | None = None) -> VisionModel:
    """Train a `SmallInception` on drawn pictures: about half a minute for 1,500 of them on one thread.

    Parameters
    ----------
    pictures : Pans
        What to learn.
    epochs : float
        Passes over them.
    seed : int
        Decides first weights, order and crops.
    progress : Progress, optional
        Told of every step.

    Returns
    -------
    VisionModel
        Its labels are the classes of the pictures.
    """
    settings = TrainSettings(
        epochs=epochs,
        batch_size=64,
        sizes=(SIDE,),
        evaluation_size=SIDE,
        source_size=SIDE,
        ema_decay=0.98,
        least_crop=0.7,
        seed=seed,
    )
    photographs = read_photographs(pictures, SIDE, workers=0)
    trainer = Trainer(photographs, settings, network=SmallInception(len(photographs.labels)))
    while trainer.done < 1:
        trainer.step()
        if progress is not None:
            progress("train", trainer.steps, trainer.total_steps)
    return VisionModel(
        trainer.finished(),
        name="small-inception",
        preprocess=inception_range,
        input_size=SIDE,
        labels=photographs.labels,
        layer_names=LAYER_NAMES,
    )
