"""Which activations a class owns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from atlas.errors import AtlasError
from atlas.layout.rows import iter_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from atlas.activations import LayerActivations
    from atlas.reader import AtlasReader

Own: TypeAlias = Literal["winner", "top"]
OWN: tuple[Own, ...] = ("winner", "top")

#: The article's number (Carter et al., 2019), for a million activations and 1,000 classes.
PUBLISHED_K = 2000
_LEAST_K, _EVEN_SHARES = 200, 5


def whole_atlas(world: AtlasReader) -> None:
    """Refuse an atlas of a part of another's activations: chosen by class, they say nothing of all classes.

    Raises
    ------
    AtlasError
        The atlas is of a part.
    """
    if world.provenance.get("part") is not None:
        raise AtlasError(f"{world.path.name} shows some classes only; start from the whole atlas.")


def layer_for_classes(world: AtlasReader, layer: str | None) -> str:
    """The layer named, or by default the first where attributions tell the class; the first of all if none does.

    Raises
    ------
    AtlasError
        There is no such layer.
    """
    if layer is None:
        layer = next((name for name in world.layers if world.label_meaning(name).informative), None)
    return world.record(layer)[0]


def default_k(n_activations: int, n_classes: int) -> int:
    """Most activations that a class gets: the article's 2,000; of smaller sets 5 times an even share, at least 200."""
    return int(np.clip(_EVEN_SHARES * n_activations // max(1, n_classes), _LEAST_K, PUBLISHED_K))


def read_attributions(rows: LayerActivations, classes: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Attribution (N, len(classes)) to some classes, and the class (N,) that each activation adds most to.

    Raises
    ------
    AtlasError
        No attributions were collected.
    """
    if rows.attributions is None:
        raise AtlasError(f"No attributions of {rows.layer} were collected; collect again with attributions=True.")
    values = np.empty((len(rows), len(classes)), dtype=np.float32)
    winner = np.empty(len(rows), dtype=np.int64)
    for start, block in iter_rows(rows.attributions):
        values[start : start + len(block)] = block[:, list(classes)]
        winner[start : start + len(block)] = block.argmax(axis=1)
    return values, winner


def owned_rows(
    attribution: NDArray[np.float32], winner: NDArray[np.int64], class_index: int, own: Own, k: int
) -> NDArray[np.int64]:
    """Activations of a class.

    Parameters
    ----------
    attribution : array (N,)
        Attribution to the class.
    winner : array (N,)
        Class that each activation adds most to.
    class_index : int
        The class.
    own : {"winner", "top"}
        Only those that add more to it than to any other class, or all that add to it.
    k : int
        At most so many, those that add most.

    Returns
    -------
    array of int64
        Row numbers, ascending, each once. Only rows that add to the class: its attribution is above 0.
    """
    able = attribution > 0
    if own == "winner":
        able &= winner == class_index
    rows = np.flatnonzero(able)
    most = np.argsort(-attribution[rows], kind="stable")[:k]
    return np.sort(rows[most])
