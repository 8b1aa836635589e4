"""A second opinion: whether a network that no engine optimised for finds an icon's cell among all cells.

Each cell's photographs go through the other network, and so does the icon. The place of its true cell, by likeness of
the answers, says how much of the icon is of the photographs, and not of the network it was made with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from assets.mosaics import Mosaics
from atlas.images.fit import fit_square
from atlas.models import load_model
from atlas.models.inception import LAYER_NAMES, InceptionV1
from atlas.models.load import inception_range
from atlas.models.vision import VisionModel
from benchmarks.render.judge import answers, interval, pixels_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.activations import Activations
    from benchmarks.render.targets import Targets

#: Photographs of a cell that its mean answer is taken from, at most, and of those kept apart to be ranked themselves.
_SEEN, _HELD_OUT = 24, 4


@dataclass(frozen=True)
class Cells:
    """Photographs of every cell: what was collected from them is in it.

    Attributes
    ----------
    images : array (n, 3, S, S), uint8
    position : array (n, 2)
        Row and column of the activation in the layer's map.
    cell : array (n,)
    held_out : array (n,), bool
        Kept apart from the cells' means.
    """

    images: NDArray[np.uint8]
    position: NDArray[np.int16]
    cell: NDArray[np.int64]
    held_out: NDArray[np.bool_]


def cells_of(targets: Targets, acts: Activations, mosaics: Path, size: int) -> Cells:
    """Photographs of the targets' members, drawn with a seed."""
    source = Mosaics(mosaics, per_class=50)
    index = {source.image_id(i): i for i in range(len(source))}
    rows, rng = acts[targets.layer], np.random.Generator(np.random.Philox(2))
    chosen, cell, held_out = [], [], []
    for number, members in enumerate(targets.members):
        some = rng.permutation(members)[: _SEEN + _HELD_OUT]
        apart = min(_HELD_OUT, len(some) // 2)
        chosen += some.tolist()
        cell += [number] * len(some)
        held_out += [i < apart for i in range(len(some))]
    # In the order of the mosaics, each of which is decoded once.
    order = np.argsort(chosen)
    names = [acts.image_ids[rows.image[chosen[i]]] for i in order]
    return Cells(
        np.stack([fit_square(source.load(index[name]), size) for name in names]),
        rows.position[np.asarray(chosen)[order]],
        np.asarray(cell)[order],
        np.asarray(held_out)[order],
    )


class SecondJudge:
    """Ranks icons by the answers of a network to the photographs of all cells.

    Answers are measured from the photographs' mean in units of their deviation, channel by channel: what every picture
    has in common tells no cells apart.
    """

    def __init__(self, model: VisionModel, layer: str, cells: Cells) -> None:
        self._model, self._layer = model, layer
        vectors = _at(model, layer, cells)
        seen = ~cells.held_out
        self._mean, self._deviation = vectors[seen].mean(axis=0), vectors[seen].std(axis=0) + 1e-6
        units = self._unit(vectors)
        self._cells = np.stack([units[seen & (cells.cell == i)].mean(axis=0) for i in range(cells.cell.max() + 1)])
        self._cells /= np.linalg.norm(self._cells, axis=1, keepdims=True)
        #: What a photograph of the cell, kept apart from the means, reaches.
        self.photographs = self._figures(self._places(units[cells.held_out], cells.cell[cells.held_out]))

    def places(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Place of its own cell for each icon (n, S, S, 3) of cells 0 … n - 1: 0 is first of all, 1 last of all."""
        return self._places(self.units(images), np.arange(len(images)))

    def units(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Answers (n, C) to icons (n, S, S, 3), of length one."""
        return self._unit(answers(self._model, self._layer, pixels_of(images)))

    def likeness(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Cosine (n,) of icons of cells 0 … n - 1 to the mean answer to their cell's photographs."""
        found: NDArray[np.float32] = (self.units(images) * self._cells[: len(images)]).sum(axis=1)
        return found

    def figures(self, images: NDArray[np.uint8]) -> dict[str, Any]:
        """Mean place with its interval, by chance 0.5, and the share of icons whose own cell comes first."""
        return self._figures(self.places(images))

    @staticmethod
    def _figures(places: NDArray[np.float32]) -> dict[str, Any]:
        return {
            "mean_place": round(float(places.mean()), 4),
            "mean_place_95": interval(places),
            "first": round(float((places == 0).mean()), 3),
        }

    def _unit(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        found = (vectors - self._mean) / self._deviation
        unit: NDArray[np.float32] = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit

    def _places(self, units: NDArray[np.float32], own: NDArray[np.int64]) -> NDArray[np.float32]:
        likeness = units @ self._cells.T
        ahead = (likeness > likeness[np.arange(len(own)), own][:, None]).sum(axis=1)
        return np.asarray(ahead / (len(self._cells) - 1), dtype=np.float32)


def _at(model: VisionModel, layer: str, cells: Cells) -> NDArray[np.float32]:
    """Activations (n, C) of the photographs at their positions."""
    found = []
    with torch.no_grad():
        for start in range(0, len(cells.images), 32):
            images = torch.from_numpy(cells.images[start : start + 32]).to(model.device) / 255
            maps = model.activations(images, [layer])[layer].float().cpu()
            rows, columns = torch.from_numpy(cells.position[start : start + 32].astype(np.int64)).T
            found.append(maps[torch.arange(len(maps)), :, rows, columns].numpy())
    return np.concatenate(found)


def second_networks(weights: Path | None, device: str) -> dict[str, VisionModel]:
    """Networks to ask: one with random but fixed weights, and another training of the product if there is one."""
    module = InceptionV1(n_classes=200)
    generator = torch.Generator().manual_seed(0)
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(part.bias)  # type: ignore[arg-type] # InceptionV1's all have one
    random = VisionModel(
        module, name="random weights", preprocess=inception_range, input_size=96, layer_names=LAYER_NAMES
    )
    found = {"random_weights": random.to(device)}
    if weights is not None:
        found["other_training"] = load_model("inceptionv1-tiny", weights=weights, device=device)
    return found
