"""Two classes on one atlas: across, which of them an activation speaks for; down, what is alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atlas.activations import digest_of
from atlas.arrays import read_arrays, write_arrays
from atlas.classes.comparison import Comparison
from atlas.classes.owned import Own, default_k, layer_for_classes, owned_rows, read_attributions
from atlas.classes.part import PartOptions, build_part, part_model, resolve
from atlas.classes.single import check_choice
from atlas.errors import AtlasError
from atlas.layout import LayoutSettings, line_up
from atlas.layout.frame import is_inside
from atlas.manifest import Stage
from atlas.provenance import versions
from atlas.stages import layer_folder
from atlas.writing import new_folder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.activations import Activations
    from atlas.progress import Progress
    from atlas.reader import AtlasReader

_REVISION = 1
#: Published (Carter et al., 2019): differences beyond this percentile lie on the edge.
_PERCENTILE = 99.0
_SIZES = (5, 10, 20)
_MEMBERS_A_CELL = 4


def difference_axis(difference: NDArray[np.floating]) -> tuple[NDArray[np.float64], float]:
    """Place differences of attribution on an axis: in the middle what speaks for both classes alike.

    Parameters
    ----------
    difference : array (N,)
        Attribution to the left class minus that to the right one.

    Returns
    -------
    x : array (N,)
        In [0, 1): ``(1 - d) / 2``, d the difference divided by the scale and clipped to ±1. 0.5 is no difference, and
        what speaks for the left class is on the left.
    scale : float
        99th percentile of the absolute differences; 1 where all are 0.
    """
    scale = float(np.percentile(np.abs(difference), _PERCENTILE)) or 1.0
    scaled = np.clip(np.asarray(difference, dtype=np.float64) / scale, -1, 1)
    # Cells are half open: the right edge of the frame is in none. As positions are kept: in float32.
    return np.minimum((1 - scaled) / 2, float(np.nextafter(np.float32(1), np.float32(0)))), scale


def default_sizes(n: int) -> list[int]:
    """Levels of a comparison of n activations: those of 5, 10 and 20 cells a side that they fill."""
    return [size for size in _SIZES if size == _SIZES[0] or _MEMBERS_A_CELL * size * size <= n]


def compare(
    world: AtlasReader,
    left: str | int,
    right: str | int,
    layer: str | None = None,
    own: Own = "top",
    k: int | None = None,
    options: PartOptions | None = None,
) -> Comparison:
    """Build the comparison of two classes; see `Atlas.compare`."""
    options = options or PartOptions()
    check_choice(own, k)
    chosen = layer_for_classes(world, layer)
    model = part_model(world, options)
    classes = resolve(model, [left, right])
    indices = [index for index, _ in classes]
    rows = world.activations[chosen]
    values, winner = read_attributions(rows, indices)
    most = k or default_k(len(rows), model.n_classes)
    owned = [owned_rows(values[:, i], winner, index, own, most) for i, index in enumerate(indices)]
    if not all(map(len, owned)):
        (_, empty) = classes[int(len(owned[0]) > 0)]
        raise AtlasError(f"No activation of {chosen} adds to {empty} most; choose own='top' or another layer.")
    both = np.union1d(*owned)
    record = {
        "kind": "comparison",
        "layer": chosen,
        "classes": [{"index": index, "name": name} for index, name in classes],
        "own": own,
        "k": most,
        "activations": len(both),
    }
    difference = values[both, 0].astype(np.float64) - values[both, 1]
    if options.layout != "umap":
        raise AtlasError("A comparison of two classes has a layout of its own; leave layout out.")
    settings = LayoutSettings.for_layer(chosen, seed=options.seed)

    def lay_out(
        folder: Path, old: Stage | None, acts: Activations, report: Progress
    ) -> tuple[Stage, NDArray[np.float32]]:
        return _layout_stage(folder, old, acts, indices, both, difference, settings, report)

    folder = build_part(world, chosen, both, record, lay_out, default_sizes(len(both)), model, options)
    return Comparison(folder)


def _layout_stage(
    folder: Path,
    old: Stage | None,
    acts: Activations,
    indices: list[int],
    rows: NDArray[np.int64],
    difference: NDArray[np.float64],
    settings: LayoutSettings,
    report: Progress,
) -> tuple[Stage, NDArray[np.float32]]:
    (layer,) = acts.layers
    digest = digest_of(
        {"stage": "comparison", "revision": _REVISION, "acts": acts.digest, "layer": layer, "classes": indices}
        | {"settings": settings.record()}
    )
    place = f"{layer_folder(layer)}/layout-{digest[:8]}"
    if old is None or old.digest != digest:
        vectors = acts[layer].vectors
        report.note(f"Comparing {len(rows):,} activations of {layer}: by difference across, by likeness down.")
        line = line_up(vectors, settings, progress=report)
        across, scale = difference_axis(difference)
        # A vector of zeros adds to no class and has no place on the line.
        xy = np.stack([np.where(np.isnan(line.place), np.nan, across), line.place], axis=1).astype(np.float32)
        landmarks = line.landmarks(xy, vectors.shape[1]).arrays()
        inside = is_inside(xy)
        arrays = {"xy": xy, "inside": inside, "rows": rows, "difference": difference.astype(np.float32)}
        with new_folder(folder / place) as part:
            write_arrays(part / "arrays.zarr", arrays | {f"landmarks_{key}": value for key, value in landmarks.items()})
        summary = {
            "method": "difference of attribution, and UMAP in one dimension",
            "settings": line.settings.record(),
            "scale": scale,
            "trustworthiness": None,
            "n_points": len(xy),
            "n_zero": line.n_zero,
            "n_outside": int((~inside).sum()) - line.n_zero,
            "versions": versions(),
        }
        old = Stage(digest, place, summary)
    return old, np.asarray(read_arrays(folder / place / "arrays.zarr", "xy")["xy"], dtype=np.float32)
