"""Several classes side by side: each in a panel of its own, all on one shared layout."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from atlas.activations import digest_of
from atlas.arrays import read_arrays, write_arrays
from atlas.atlas import Atlas
from atlas.classes.owned import Own, default_k, layer_for_classes, owned_rows, read_attributions
from atlas.classes.part import PartOptions, build_part, part_model, resolve
from atlas.classes.single import check_choice
from atlas.classes.single import default_sizes as sizes_of_one
from atlas.errors import AtlasError
from atlas.export.panels import render_panels
from atlas.layout import LayoutSettings
from atlas.layout import layout as lay_out_rows
from atlas.layout.frame import is_inside
from atlas.manifest import Stage
from atlas.provenance import versions
from atlas.stages import layer_folder
from atlas.writing import new_folder

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

    from atlas.activations import Activations
    from atlas.level import AtlasLevel
    from atlas.progress import Progress
    from atlas.reader import AtlasReader

_REVISION = 1
_MOST_CLASSES = 64


class SideBySide(Atlas):
    """An atlas of several classes: panels row by row, in each the same layout with the activations of one class.

    Made by `Atlas.side_by_side`, opened by `open`.

    Attributes
    ----------
    classes : list of str
        Names, in the order of the panels.
    panels : int
        Panels a side.

    Raises
    ------
    AtlasError
        The atlas is not of several classes.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        part = self.provenance.get("part") or {}
        if part.get("kind") != "side by side":
            raise AtlasError(f"{self.path.name} is not of classes side by side; `side_by_side` makes one.")
        self.classes = [entry["name"] for entry in part["classes"]]
        self.panels = panels_a_side(len(self.classes))

    def _draw(self, _found: AtlasLevel, **options: Any) -> Image.Image:  # noqa: ANN401 - those of `render_level`
        return render_panels(names=self.classes, panels=self.panels, **options)

    def project(self, *_images: object, **_options: object) -> NoReturn:
        """Refuse: one place of the layout is a place in every panel."""
        raise AtlasError("New images have no place among classes side by side; project them onto the whole atlas.")


def panels_a_side(n: int) -> int:
    """Panels in a row and in a column for n classes: the least square that holds them."""
    return math.isqrt(n - 1) + 1


def into_panels(xy: NDArray[np.floating], panel: NDArray[np.integer[Any]], side: int) -> NDArray[np.float32]:
    """Move points (N, 2) of one layout into panels, numbered row by row; those outside the frame go nowhere (NaN)."""
    corner = np.stack([panel % side, panel // side], axis=1)
    inside = is_inside(xy)
    moved = (corner + xy) / side
    # Rounding must not carry a point at the edge of its panel into the next one.
    last = np.nextafter(((corner + 1) / side).astype(np.float32), np.float32(0))
    return np.where(inside[:, None], np.minimum(moved.astype(np.float32), last), np.nan).astype(np.float32)


def side_by_side(
    world: AtlasReader,
    names: Sequence[str | int],
    layer: str | None = None,
    own: Own = "top",
    k: int | None = None,
    options: PartOptions | None = None,
) -> SideBySide:
    """Build the atlas of several classes; see `Atlas.side_by_side`."""
    options = options or PartOptions()
    check_choice(own, k)
    if not 2 <= len(names) <= _MOST_CLASSES:
        raise AtlasError(f"{len(names)} classes were named; name 2 to {_MOST_CLASSES}.")
    chosen = layer_for_classes(world, layer)
    model = part_model(world, options)
    classes = resolve(model, names)
    rows = world.activations[chosen]
    values, winner = read_attributions(rows, [index for index, _ in classes])
    most = k or default_k(len(rows), model.n_classes)
    owned = np.zeros(values.shape, dtype=bool)
    for i, (index, _) in enumerate(classes):
        owned[owned_rows(values[:, i], winner, index, own, most), i] = True
    kept = np.flatnonzero(owned.any(axis=1))
    # What several classes own goes to the one that it adds most to: each activation once.
    panel = np.where(owned[kept], values[kept], -np.inf).argmax(axis=1)
    count = np.bincount(panel, minlength=len(classes))
    if not count.all():
        raise AtlasError(
            f"No activation of {chosen} is left to {classes[int(count.argmin())][1]}; raise k, or leave it."
        )
    record = {
        "kind": "side by side",
        "layer": chosen,
        "classes": [{"index": index, "name": name} for index, name in classes],
        "own": own,
        "k": most,
        "activations": len(kept),
    }
    settings = LayoutSettings.for_layer(chosen, options.layout, options.seed)
    side = panels_a_side(len(classes))

    def lay_out(
        folder: Path, old: Stage | None, acts: Activations, report: Progress
    ) -> tuple[Stage, NDArray[np.float32]]:
        return _layout_stage(folder, old, acts, kept, panel, side, settings, report)

    sizes = [side * size for size in options.grids or sizes_of_one(int(count.min()))]
    whole = replace(options, grids=None)
    return SideBySide(build_part(world, chosen, kept, record, lay_out, sizes, model, whole))


def _layout_stage(
    folder: Path,
    old: Stage | None,
    acts: Activations,
    rows: NDArray[np.int64],
    panel: NDArray[np.int64],
    side: int,
    settings: LayoutSettings,
    report: Progress,
) -> tuple[Stage, NDArray[np.float32]]:
    (layer,) = acts.layers
    digest = digest_of(
        {"stage": "side by side", "revision": _REVISION, "acts": acts.digest, "layer": layer}
        | {"panel": panel.tolist(), "settings": settings.record()}
    )
    place = f"{layer_folder(layer)}/layout-{digest[:8]}"
    if old is None or old.digest != digest:
        report.note(f"Laying out {len(rows):,} activations of {layer} of several classes together.")
        found = lay_out_rows(acts[layer].vectors, settings, progress=report)
        xy = into_panels(found.xy, panel, side)
        arrays = {"xy": xy, "inside": is_inside(xy), "rows": rows, "panel": panel}
        with new_folder(folder / place) as part:
            write_arrays(part / "arrays.zarr", arrays)
        old = Stage(digest, place, found.summary() | {"panels": side, "versions": versions()})
    return old, np.asarray(read_arrays(folder / place / "arrays.zarr", "xy")["xy"], dtype=np.float32)
