"""Some rows of one layer, as activations of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atlas.activations.data import Activations
from atlas.activations.digests import digest_of, digest_of_bytes
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def select(acts: Activations, layer: str, rows: NDArray[np.integer[Any]]) -> Activations:
    """Take some rows of a layer.

    Parameters
    ----------
    acts : Activations
        Where from.
    layer : str
        One of its layers.
    rows : array of int (n,)
        Row numbers, each at most once.

    Returns
    -------
    Activations
        Of that layer alone, in memory, in the order of `rows`. Its digest stands for `acts` and the rows; `path` is
        that of `acts`.

    Raises
    ------
    AtlasError
        No rows, a row twice, or one that is not there.
    """
    chosen = np.asarray(rows, dtype="<i8")
    n = len(acts[layer])
    if not chosen.size or len(np.unique(chosen)) < chosen.size or chosen.min() < 0 or chosen.max() >= n:
        raise AtlasError(f"Rows of {layer} are chosen each once, from 0 to {n - 1}, and at least one.")
    part = acts[layer].subset(chosen)
    return Activations(
        (layer,),
        {layer: part}.__getitem__,
        image_ids=acts.image_ids,
        image_labels=acts.image_labels,
        image_digests=acts.image_digests,
        provenance=acts.provenance,
        digest=digest_of({"of": acts.layer_digest(layer), "layer": layer, "rows": digest_of_bytes(chosen.tobytes())}),
        path=acts.path,
        complete=acts.complete,
    )
