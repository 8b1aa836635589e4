"""Which layers are early: far from any class, close to the pixels."""

from __future__ import annotations

import re

#: InceptionV1 (conv2d0 … mixed3b), torchvision's GoogLeNet (conv1 … inception3b) and ResNets (conv1, layer1).
_EARLY = re.compile(r"(conv2d[0-2]|mixed3[ab]|conv[1-3]|bn1|relu|maxpool[0-3]?|inception3[ab]|layer1)(\..*)?")


def is_early(layer: str) -> bool:
    """Whether a layer is among the early ones, which the published atlases treat differently.

    There, activations are laid out by euclidean distance and rendered without whitening, and class labels are not
    printed: attributions are small and the largest of them arbitrary (Carter et al., 2019). Known by name, for
    InceptionV1, torchvision's GoogLeNet and ResNets; a layer of another network counts as late.
    """
    return _EARLY.fullmatch(layer) is not None
