"""Feature visualisation: images that make a layer's centre position answer with a wanted vector.

How an image is parameterised, which random views it must please, what it is optimised for, and the engine that
optimises many at once, each icon independent of the others. `render_objective` takes the objectives and
parameterisations of lucent; ``render(engine="lucent")`` is lucent itself, the reference.
"""

from atlas.render.custom import render_objective
from atlas.render.engine import ENGINES, arithmetic, lanes_on, render, render_tiles
from atlas.render.icons import Icons
from atlas.render.objective import centre, dot_cosine
from atlas.render.parameterisation import spectrum_scale, start_spectrum, to_image
from atlas.render.redirected_relu import RedirectedReLU
from atlas.render.rescue import expected_cosine, rescue, stuck
from atlas.render.settings import RenderSettings
from atlas.render.transforms import Robustness, warp
from atlas.render.whitening import second_moment, whiten

__all__ = [
    "ENGINES",
    "Icons",
    "RedirectedReLU",
    "RenderSettings",
    "Robustness",
    "arithmetic",
    "centre",
    "dot_cosine",
    "expected_cosine",
    "lanes_on",
    "render",
    "render_objective",
    "render_tiles",
    "rescue",
    "second_moment",
    "spectrum_scale",
    "start_spectrum",
    "stuck",
    "to_image",
    "warp",
    "whiten",
]
