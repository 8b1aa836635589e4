"""Weights files that say what they are of: labels, input size and bandwidth lie in the safetensors header."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import safetensors.torch
from safetensors import safe_open

from atlas.models.labels import ClassLabel, Labels
from atlas.writing import new_file

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

_KEY = "activation-atlas"


def write_trained(path: Path, module: nn.Module, labels: Labels, input_size: int, *, bandwidth: float) -> None:
    """Write weights in float16, with what `read_about` gives back; whole or not at all.

    Parameters
    ----------
    path : Path
        A ``.safetensors`` file.
    module : torch.nn.Module
        The network.
    labels : Labels
        Its classes.
    input_size : int
        Side in pixels that images are brought to.
    bandwidth : float
        See `VisionModel`.
    """
    about = {
        "labels": [[label.name, label.wnid, list(label.synonyms)] for label in labels],
        "input_size": input_size,
        "bandwidth": bandwidth,
    }
    state = {name: value.detach().cpu().half().contiguous() for name, value in module.state_dict().items()}
    with new_file(path) as part:
        safetensors.torch.save_file(state, part, metadata={_KEY: json.dumps(about, ensure_ascii=False)})
        # safetensors gives the file to its owner alone; weights are to be shared.
        part.chmod(0o644)


def read_about(path: Path) -> tuple[Labels, int, float] | None:
    """Labels, input size and bandwidth of a file from `write_trained`; None for any other weights file."""
    # The header is anybody's, as the weights are: what is not of this form says nothing.
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()[_KEY])
        labels = Labels(
            ClassLabel(index, str(name), None if wnid is None else str(wnid), tuple(map(str, synonyms)))
            for index, (name, wnid, synonyms) in enumerate(about["labels"])
        )
        size, bandwidth = int(about["input_size"]), float(about["bandwidth"])
    except Exception:  # noqa: BLE001 - safetensors raises its own kinds, and json, int and Labels theirs
        return None
    return (labels, size, bandwidth) if 32 <= size <= 4096 and 0 < bandwidth <= 0.5 else None
