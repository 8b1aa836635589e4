"""Pictures of an atlas that need no program to look at them.

`render_level` draws one level as a Pillow image: icons on a background, sized by the number of members if
wanted, with class labels, markers and a title. `write_png` puts it on disk.
"""

from __future__ import annotations

from atlas.export.annotations import Marker
from atlas.export.png import render_level, write_png

__all__ = ["Marker", "render_level", "write_png"]
