"""Networks: InceptionV1 and any other torch vision network.

Weights, layer names, class labels, preprocessing, and the run that stops at the layer an atlas is made of. `load_model`
gives a network by name, `wrap_model` takes any torch module.
"""

from atlas.models.inception import InceptionV1
from atlas.models.labels import (
    ClassLabel,
    Labels,
    imagenet_labels,
    inception_labels,
    labels_from_names,
    read_labels,
)
from atlas.models.load import MODEL_NAMES, default_device, inception_range, load_model, wrap_model
from atlas.models.vision import LayerInfo, VisionModel

__all__ = [
    "MODEL_NAMES",
    "ClassLabel",
    "InceptionV1",
    "Labels",
    "LayerInfo",
    "VisionModel",
    "default_device",
    "imagenet_labels",
    "inception_labels",
    "inception_range",
    "labels_from_names",
    "load_model",
    "read_labels",
    "wrap_model",
]
