"""The layout: activations as points in the unit square, alike ones close together.

Vectors of zeros and duplicates are set aside, wide vectors reduced, nearest neighbours found, and
the points laid out by UMAP or t-SNE. The square shows the 1st to 99th percentile with a margin; what lies outside
stays outside. Landmarks are kept, so that new vectors can be placed. `line_up` lays out in one dimension.
"""

from atlas.layout.compute import Layout, Progress, layout
from atlas.layout.frame import Frame
from atlas.layout.landmarks import Landmarks
from atlas.layout.line import Line, line_up
from atlas.layout.settings import LayoutSettings, Method, Metric

__all__ = [
    "Frame",
    "Landmarks",
    "Layout",
    "LayoutSettings",
    "Line",
    "Method",
    "Metric",
    "Progress",
    "layout",
    "line_up",
]
