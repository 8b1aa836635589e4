"""Activation atlases: see what a vision network has learned.

Photographs go through a network, the activations of a layer are laid out so that alike ones lie together, binned into
grids, and every cell is drawn as the image the network would most like to see there.

>>> import atlas
>>> model = atlas.load_model("inceptionv1-tiny")
>>> acts = atlas.collect(model, "photographs/", layer="mixed4c", out="photos.acts")
>>> world = atlas.build(acts, grids=(10, 20), out="photos.atlas")
>>> world.to_png("photos.png")
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atlas import audit
    from atlas.activations import Activations, collect, open_activations
    from atlas.atlas import Atlas
    from atlas.errors import AtlasError
    from atlas.export import Marker
    from atlas.layout import LayoutSettings
    from atlas.models import load_model, wrap_model
    from atlas.opening import open_atlas as open  # noqa: A004 - atlas.open is how it reads best
    from atlas.opening import open_sample as sample
    from atlas.pipeline import build
    from atlas.render import RenderSettings, Robustness

__version__ = version("activation-atlas")

# Loaded when first asked for: torch takes seconds to import, and neither `atlas --help` nor the processes that only
# decode images need it.
_HOMES = {
    "Activations": "activations",
    "Atlas": "atlas",
    "AtlasError": "errors",
    "LayoutSettings": "layout",
    "Marker": "export",
    "RenderSettings": "render",
    "Robustness": "render",
    "build": "pipeline",
    "collect": "activations",
    "load_model": "models",
    "open": "opening",
    "open_activations": "activations",
    "sample": "opening",
    "wrap_model": "models",
}

__all__ = [
    "Activations",
    "Atlas",
    "AtlasError",
    "LayoutSettings",
    "Marker",
    "RenderSettings",
    "Robustness",
    "audit",
    "build",
    "collect",
    "load_model",
    "open",
    "open_activations",
    "sample",
    "wrap_model",
]

#: Names that read best with the package's before them, and what they are called at home.
_SHORT = {"open": "open_atlas", "sample": "open_sample"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name == "audit":
        return import_module("atlas.audit")
    if name not in _HOMES:
        raise AttributeError(f"module 'atlas' has no attribute {name!r}")
    home = import_module(f"atlas.{_HOMES[name]}")
    return getattr(home, _SHORT.get(name, name))


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
