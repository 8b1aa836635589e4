"""Collecting without a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atlas.activations.data import Activations, LayerActivations
from atlas.activations.digests import digest_of_bytes
from atlas.activations.header import store_digest
from atlas.activations.rows import joined
from atlas.activations.writer import image_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from atlas.activations.plan import Plan
    from atlas.activations.rows import ImageRecord, Rows


class MemoryWriter:
    """Takes what a `StoreWriter` takes and keeps it in memory.

    Parameters
    ----------
    plan : Plan
        What is collected.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._images: list[ImageRecord] = []
        self._rows: dict[str, list[Rows]] = {layer.name: [] for layer in plan.layers}
        self._provenance: dict[str, Any] = {}
        self.next_image = 0
        self.skipped: list[dict[str, str]] = []
        self.meaning: dict[str, Any] = {}

    @property
    def n_images(self) -> int:
        """Images so far."""
        return len(self._images)

    def append(
        self,
        images: Sequence[ImageRecord],
        rows: Mapping[str, Rows],
        next_image: int,
        provenance: dict[str, Any],
    ) -> None:
        """Keep images and their rows."""
        self._images.extend(images)
        for name, block in rows.items():
            self._rows[name].append(block)
        self._provenance = provenance
        self.skipped = list(provenance["images"]["skipped"])
        self.next_image = next_image

    def finish(self) -> Activations:
        """Everything, as one array a field. The digest is the one that a store would have."""
        layers = []
        for layer in self._plan.layers:
            rows = joined(self._rows.pop(layer.name))
            layers.append(
                LayerActivations(
                    layer=layer.name,
                    vectors=rows.vectors,
                    image=rows.image,
                    position=rows.position,
                    map_size=layer.map_size,
                    attributions=rows.attributions,
                )
            )
        return Activations.in_memory(
            layers,
            image_ids=[image_id for image_id, _, _ in self._images],
            image_labels=[label for _, label, _ in self._images],
            image_digests=[digest for _, _, digest in self._images],
            provenance=self._provenance,
            digest=store_digest(self._plan.settings, digest_of_bytes(image_lines(self._images))),
        )
