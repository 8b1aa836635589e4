"""From pictures to rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from atlas.activations.attribution import Attributor
from atlas.activations.encoding import checked
from atlas.activations.meaning import MeaningSums
from atlas.activations.plan import provenance_of
from atlas.activations.positions import sample_positions
from atlas.activations.rows import Rows, joined
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from atlas.activations.header import LayerHeader
    from atlas.activations.memory import MemoryWriter
    from atlas.activations.plan import Plan
    from atlas.activations.rows import ImageRecord
    from atlas.activations.writer import StoreWriter
    from atlas.images import ImageSource, SkippedImage
    from atlas.models.vision import VisionModel

Picture = tuple[int, np.ndarray[Any, np.dtype[np.uint8]], str]
"""(index in the source, pixels (3, size, size), content digest)."""


class Run:
    """Computes the rows of one collection and hands them on a chunk at a time.

    Parameters
    ----------
    model : VisionModel
        The network.
    source : ImageSource
        Names and labels of the images.
    plan : Plan
        What is collected.
    writer : StoreWriter or MemoryWriter
        Where it goes; an interrupted one is continued.
    """

    def __init__(self, model: VisionModel, source: ImageSource, plan: Plan, writer: StoreWriter | MemoryWriter) -> None:
        self._model = model
        self._source = source
        self._plan = plan
        self._writer = writer
        self._start = self.reached = writer.next_image
        self._skipped_before = writer.skipped
        self._attributors = (
            {name: Attributor(model, name, smooth_pooling=plan.smooth_pooling) for name in plan.per_image}
            if plan.attributions
            else {}
        )
        self._meaning = {
            name: MeaningSums.from_record(writer.meaning[name])
            if name in writer.meaning
            else MeaningSums(model.n_classes)
            for name in self._attributors
        }
        self._read = 0
        self._images: list[ImageRecord] = []
        self._rows: dict[str, list[Rows]] = {name: [] for name in plan.per_image}

    def take(self, group: list[Picture], skipped: Sequence[SkippedImage]) -> None:
        """Compute a group; commit when it completes a chunk."""
        ids = [self._source.image_id(index) for index, _, _ in group]
        pixels = torch.from_numpy(np.stack([pixels for _, pixels, _ in group]))
        images = pixels.to(self._model.device).to(self._model.dtype) / 255
        maps: dict[str, torch.Tensor] = {}
        if not self._attributors:
            with torch.no_grad():
                maps = self._model.activations(images, list(self._plan.per_image))
        first = self._writer.n_images + len(self._images)
        for layer in self._plan.layers:
            self._rows[layer.name].append(self._sample(layer, images, maps.get(layer.name), ids, first))
        self._images.extend(
            (image_id, self._source.label(index), digest)
            for image_id, (index, _, digest) in zip(ids, group, strict=True)
        )
        self._read += len(group)
        self.reached = group[-1][0] + 1
        if len(self._images) == self._plan.chunk_images:
            self._commit(self.reached, skipped)

    def end(self, skipped: Sequence[SkippedImage]) -> None:
        """Commit what is left."""
        if not self._writer.n_images + len(self._images):
            first = f"{skipped[0].image_id}: {skipped[0].reason}" if skipped else "none was given"
            raise AtlasError(f"None of the {self._plan.n_images} images of {self._source.name} can be read ({first}).")
        if self._images or self.reached < self._plan.n_images:
            self.reached = self._plan.n_images
            self._commit(self.reached, skipped)

    def _commit(self, next_image: int, skipped: Sequence[SkippedImage]) -> None:
        # The loader reads ahead; images that were skipped beyond `next_image` will be met again after an
        # interruption.
        gaps = next_image - self._start - self._read
        met = [{"id": skip.image_id, "reason": skip.reason} for skip in skipped[:gaps]]
        read = self._writer.n_images + len(self._images)
        self._writer.append(
            self._images,
            {name: joined(blocks) for name, blocks in self._rows.items() if blocks},
            next_image,
            provenance_of(self._plan, self._model, self._source, read=read, skipped=self._skipped_before + met)
            | {"attribution": {name: sums.record() for name, sums in self._meaning.items()}},
        )
        self._images = []
        self._rows = {name: [] for name in self._rows}

    def _sample(
        self, layer: LayerHeader, images: torch.Tensor, maps: torch.Tensor | None, ids: list[str], first: int
    ) -> Rows:
        k = self._plan.per_image[layer.name]
        chosen = np.stack([sample_positions(key, layer.name, layer.map_size, k, self._plan.seed) for key in ids])
        rows, cols = torch.from_numpy(chosen.astype(np.int64)).to(images.device).unbind(-1)
        attributions = None
        if maps is None:
            vectors, product, logits = self._attributors[layer.name](images, rows, cols)
            attributions = self._numbers(product.flatten(0, 1), f"attributions of {layer.name}")
            self._meaning[layer.name].add(attributions, logits.flatten(0, 1).float().cpu().numpy(), layer.map_size)
        else:
            vectors = maps[torch.arange(len(ids), device=maps.device)[:, None], :, rows, cols]
        vectors = vectors.flatten(0, 1)
        return Rows(
            vectors=self._numbers(vectors, f"activations of {layer.name}"),
            attributions=attributions,
            image=np.arange(first, first + len(ids), dtype=np.int64).repeat(k),
            position=chosen.reshape(-1, 2),
        )

    def _numbers(self, values: torch.Tensor, what: str) -> NDArray[Any]:
        return checked(values.to(torch.float32).cpu().numpy(), self._plan.encoding, what)
