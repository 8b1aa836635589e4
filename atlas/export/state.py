"""What a view shows, as Python may say it: checked, with a sentence for what makes no sense."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypedDict

import numpy as np

from atlas.errors import AtlasError
from atlas.models.labels import labels_from_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from atlas.reader import AtlasReader

#: The front end's own (`widgets/src/camera.ts`): from half the size that fits to a cell that fills most of the view.
_LEAST_ZOOM: Final = 0.5
_MEASURES: Final = ("count", "spread", "cosine", "attribution")
_MODES: Final = ("dim", "hide")


class ViewState(TypedDict, total=False):
    """What a view shows; what is left out is as in a view that has just been opened.

    Attributes
    ----------
    layer : str
        Layer shown.
    level : int
        Cells a side of the level that is kept whatever the zoom; 0 chooses by zoom.
    camera : (float, float, float)
        x and y of the middle of the view in [0, 1], y down, and zoom; at zoom 1 the whole atlas fits.
    class_name : str
        Class whose attribution is shown; "" for none.
    selection : sequence of str
        Ids of cells of the layer, such as "40/812".
    options : dict
        "density" and "labels" (bool), "density_strength" (0 to 1), "filters" (count, spread, cosine, attribution:
        (low, high) or None), "mode" of what a filter leaves out ("dim" or "hide").
    """

    layer: str
    level: int
    camera: Sequence[float]
    class_name: str
    selection: Sequence[str]
    options: dict[str, Any]


def checked_state(
    world: AtlasReader, state: Mapping[str, Any], shown: Mapping[str, Sequence[int]], opening: str
) -> dict[str, Any]:
    """`state` as plain values for a page that shows some of an atlas.

    Parameters
    ----------
    world : AtlasReader
        The atlas.
    state : ViewState
        As a user gave it.
    shown : dict
        Levels of each layer in the page.
    opening : str
        The layer where nothing is said.

    Raises
    ------
    AtlasError
        Something of it is unknown, or not in the page.
    """
    unknown = sorted(set(state) - set(ViewState.__annotations__))
    if unknown:
        raise AtlasError(f"state has no {unknown[0]!r}; it has {', '.join(ViewState.__annotations__)}.")
    layer = state.get("layer", opening)
    if layer not in shown:
        raise AtlasError(f"The page shows no layer {layer!r} at the start; it has {', '.join(shown)}.")
    checked: dict[str, Any] = {"layer": layer}
    if "level" in state:
        checked["level"] = checked_level(shown[layer], state["level"])
    if "camera" in state:
        checked["camera"] = checked_camera(world, state["camera"])
    if "class_name" in state:
        checked["class_name"] = checked_class(world, state["class_name"])
    if "selection" in state:
        ids = list(dict.fromkeys(state["selection"]))
        for name in ids:
            if place_of(world, layer, name)[0] not in shown[layer]:
                raise AtlasError(f"Cell {name} is selected, and its level is not in the page: add it to levels=….")
        checked["selection"] = ids
    if "options" in state:
        checked["options"] = checked_options(state["options"])
    return checked


def most_zoom(world: AtlasReader) -> float:
    """How far a view can be enlarged."""
    return max(4.0, 0.9 * max((size for name in world.layers for size in world.grids(name)), default=0))


def checked_camera(world: AtlasReader, camera: Iterable[float]) -> list[float]:
    """`camera` as three numbers.

    Raises
    ------
    AtlasError
        There are more or fewer, or one is out of range.
    """
    x, y, zoom = found = _numbers(camera) or [math.nan] * 3
    most = most_zoom(world)
    if not (0 <= x <= 1 and 0 <= y <= 1 and _LEAST_ZOOM <= zoom <= most):
        raise AtlasError(
            f"camera is {camera!r}: give [x, y, zoom], x and y from 0 to 1, zoom from {_LEAST_ZOOM:g} to {most:g} here."
        )
    return found


def nearest_camera(world: AtlasReader, camera: Iterable[float]) -> list[float] | None:
    """The camera that is nearest to what a browser says; None where it says no three finite numbers."""
    found = _numbers(camera)
    if found is None or not all(map(math.isfinite, found)):
        return None
    x, y, zoom = found
    return [min(1.0, max(0.0, x)), min(1.0, max(0.0, y)), min(most_zoom(world), max(_LEAST_ZOOM, zoom))]


def _numbers(camera: Iterable[float]) -> list[float] | None:
    try:
        found = [float(value) for value in camera]
    except (TypeError, ValueError):
        return None
    return found if len(found) == 3 else None


def checked_level(sizes: Sequence[int], level: int) -> int:
    """`level` if it is 0 or one of `sizes`.

    Raises
    ------
    AtlasError
        It is neither.
    """
    if level and level not in sizes:
        raise AtlasError(f"There is no level {level}; there are {', '.join(map(str, sizes))}, and 0 chooses by zoom.")
    return int(level)


def checked_class(world: AtlasReader, name: str) -> str:
    """The class that `name` means, by the name that the atlas has for it; "" for none.

    Raises
    ------
    AtlasError
        There is no such class (the message names the nearest), or the atlas knows nothing of classes.
    """
    if name == "":
        return ""
    names = world.class_names
    if names is None:
        raise AtlasError(f"Class {name!r} cannot be shown: this atlas has no class names.")
    return name if name in names else names[labels_from_names(names).resolve(name)]


def place_of(world: AtlasReader, layer: str, name: str) -> tuple[int, int]:
    """Grid size of a cell, and its row in the arrays of that level.

    Raises
    ------
    AtlasError
        The id names no cell of the layer.
    """
    size, slash, cell = str(name).partition("/")
    if slash and size.isdecimal() and cell.isdecimal() and int(size) in world.grids(layer):
        cells = world.level(int(size), layer).grid.cell
        i = int(np.searchsorted(cells, int(cell)))
        if i < len(cells) and cells[i] == int(cell):
            return int(size), i
    raise AtlasError(f"There is no cell {name!r} in {layer}; cells are named 'LEVEL/CELL', see `cells`.")


def checked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """`options` as plain values.

    Raises
    ------
    AtlasError
        One of them is unknown, or out of its range.
    """
    checked: dict[str, Any] = {}
    for name, value in options.items():
        if name not in _OPTIONS:
            raise AtlasError(f"There is no option {name!r}; there are {', '.join(_OPTIONS)}.")
        check, wanted = _OPTIONS[name]
        try:
            checked[name] = check(value)
        except (TypeError, ValueError, LookupError, AttributeError):
            raise AtlasError(f"Option {name!r} is {value!r}; give {wanted}.") from None
    return checked


def _switch(value: object) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError
    return bool(value)


def _share(value: float) -> float:
    if not 0 <= float(value) <= 1:
        raise ValueError
    return float(value)


def _mode(value: object) -> str:
    return _MODES[_MODES.index(str(value))]


def _filters(value: Mapping[str, Sequence[float] | None]) -> dict[str, list[float] | None]:
    if not set(value) <= set(_MEASURES):
        raise ValueError
    return {measure: None if bounds is None else _bounds(*bounds) for measure, bounds in value.items()}


def _bounds(low: float, high: float) -> list[float]:
    found = [float(low), float(high)]
    if not -math.inf < found[0] <= found[1] < math.inf:
        raise ValueError
    return found


_OPTIONS: Final[dict[str, tuple[Callable[[Any], Any], str]]] = {
    "density": (_switch, "True or False"),
    "density_strength": (_share, "a number from 0 to 1"),
    "labels": (_switch, "True or False"),
    "filters": (_filters, f"{{measure: (low, high) or None}}, where measures are {', '.join(_MEASURES)}"),
    "mode": (_mode, " or ".join(map(repr, _MODES))),
}
