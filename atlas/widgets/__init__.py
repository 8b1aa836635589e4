"""The viewer in a notebook: a thin widget around an atlas.

All drawing is in the front end (``widgets/``). Python keeps what both sides may change as traits, answers requests for
cells and sheets with binary buffers, and renders a cell large when asked.
"""

from __future__ import annotations

from atlas.widgets.selection import SelectedCell, Selection
from atlas.widgets.view import AtlasView

__all__ = ["AtlasView", "SelectedCell", "Selection"]
