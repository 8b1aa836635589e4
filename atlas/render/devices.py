"""Every GPU of the kind that a network is on."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from atlas.models import VisionModel


def gpus_like(device: torch.device) -> list[torch.device]:
    """`device`, and where it is the first GPU all others of its kind, which round alike; any other device is alone.

    The environment's CUDA_VISIBLE_DEVICES says which there are, and ``device="cuda:1"`` takes that one only.
    """
    if device.type != "cuda" or device.index not in (None, 0):
        return [device]
    name = torch.cuda.get_device_name(0)
    others = (torch.device("cuda", i) for i in range(1, torch.cuda.device_count()))
    return [device, *(other for other in others if torch.cuda.get_device_name(other) == name)]


def replicas(model: VisionModel) -> list[VisionModel]:
    """The network, and a copy of it on every other GPU that `gpus_like` names."""
    return [model, *(copy.deepcopy(model).to(other) for other in gpus_like(model.device)[1:])]
