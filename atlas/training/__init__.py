"""Training InceptionV1 from photographs: the network that ships, small ones for experiments, your own.

Batch normalisation is used while training and folded into the convolutions at the end, so that what comes out is
exactly the product's InceptionV1. `train` does the whole road with files; `Trainer` is its loop, usable alone.
"""

from atlas.training.accuracy import Accuracy, accuracy_of_logits, evaluate
from atlas.training.batch_norm import NormalisedConv, fold, with_batch_norm
from atlas.training.photographs import Photographs, random_crops, read_photographs
from atlas.training.settings import TrainSettings
from atlas.training.train import train
from atlas.training.trainer import Trainer

__all__ = [
    "Accuracy",
    "NormalisedConv",
    "Photographs",
    "TrainSettings",
    "Trainer",
    "accuracy_of_logits",
    "evaluate",
    "fold",
    "random_crops",
    "read_photographs",
    "train",
    "with_batch_norm",
]
