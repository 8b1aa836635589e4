"""Deep zoom images in OpenSeadragon, the viewer that most people open them with."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING

import numpy as np

from tests.browser.jupyter import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Route

    from atlas.atlas import Atlas
    from tests.browser.conftest import Tab

OPENSEADRAGON = ROOT / "widgets" / "node_modules" / "openseadragon" / "build" / "openseadragon" / "openseadragon.js"
HOST = "http://deep.test/"
PAGE = """<!doctype html><body style="margin:0"><div id="view" style="width:600px;height:600px"></div>
<script src="openseadragon.js"></script>
<script>
window.viewer = OpenSeadragon({
    id: "view", tileSources: "atlas.dzi", drawer: "canvas", showNavigationControl: false,
    animationTime: 0, immediateRender: true, crossOriginPolicy: "Anonymous",
});
window.image = () => viewer.world.getItemAt(0);
// Mean colour and opacity of what is shown of a rectangle of the image, 0 to 255; null while it is out of sight.
window.seen = (x, y, side) => {
    const { canvas } = viewer.drawer;
    const ratio = canvas.width / canvas.clientWidth;
    const from = image().imageToViewerElementCoordinates(new OpenSeadragon.Point(x, y));
    const to = image().imageToViewerElementCoordinates(new OpenSeadragon.Point(x + side, y + side));
    const [left, top] = [Math.ceil(from.x * ratio), Math.ceil(from.y * ratio)];
    const [width, height] = [Math.floor(to.x * ratio) - left, Math.floor(to.y * ratio) - top];
    const { data } = canvas.getContext("2d").getImageData(left, top, width, height);
    const sums = [0, 0, 0, 0];
    for (let i = 0; i < data.length; i++) sums[i % 4] += data[i];
    return sums.map(sum => sum / (data.length / 4));
};
</script>"""


def test_openseadragon_shows_every_cell_in_its_place_and_blanks_are_seen_through(
    deep_atlas: Atlas, tmp_path: Path, open_tab: Callable[..., Tab]
) -> None:
    folder = deep_atlas.to_dzi(tmp_path / "deep", 32).parent
    answers: dict[str, int] = {}

    def serve(route: Route) -> None:
        name = route.request.url.removeprefix(HOST)
        path = OPENSEADRAGON if name == "openseadragon.js" else folder / name
        if not name:
            route.fulfill(body=PAGE, content_type="text/html")
            return
        answers[name] = 200 if path.is_file() else 404
        if path.is_file():
            route.fulfill(body=path.read_bytes(), content_type=mimetypes.guess_type(path)[0] or "application/xml")
        else:
            route.fulfill(status=404)

    tab = open_tab(None, viewport={"width": 600, "height": 600})
    page = tab.page
    page.route(f"{HOST}**", serve)
    page.goto(HOST)
    page.wait_for_function("() => window.image?.()")
    level = deep_atlas.level(32)
    assert level.icons is not None
    icon_px = len(level.icons[0])
    pitch = icon_px + 1

    def shown_as(cell: int, colour: list[float]) -> None:
        """Wait until a cell is seen in that colour, give or take what its encoding and enlarging do."""
        row, column = divmod(cell, 32)
        page.wait_for_function(
            """([x, y, side, wanted]) => seen(x, y, side).every((value, i) => Math.abs(value - wanted[i]) <= 8)""",
            arg=[column * pitch, row * pitch, icon_px, colour],
        )

    filled = level.grid.cell
    blank = np.setdiff1d(np.arange(32 * 32), filled)
    assert len(blank), "there is something to see through"
    looked_at = [(int(cell), level.icons[int(np.searchsorted(filled, cell))]) for cell in filled[:: len(filled) // 4]]
    # The whole atlas from the smaller levels of the pyramid, then cells one by one from the largest.
    for cell, icon in looked_at:
        shown_as(cell, [*icon.mean((0, 1)).tolist(), 255.0])
    shown_as(int(blank[0]), [0, 0, 0, 0])
    for cell, icon in looked_at:
        row, column = divmod(cell, 32)
        page.evaluate(
            "([x, y, side]) => viewer.viewport.fitBounds(image().imageToViewportRectangle(x, y, side, side), true)",
            [column * pitch, row * pitch, icon_px],
        )
        shown_as(cell, [*icon.mean((0, 1)).tolist(), 255.0])
    missing = [name.removesuffix(".webp").split("/")[1:] for name, status in answers.items() if status == 404]
    assert any(name.startswith("atlas_files/11/") for name, status in answers.items() if status == 200), "full size"
    # Tiles without an icon are not there; nothing else is missing.
    rows, columns = filled // 32 * pitch, filled % 32 * pitch
    for number, place in missing:
        side = 256 * 2 ** (11 - int(number))
        left, top = (int(value) * side for value in place.split("_"))
        inside = (rows + icon_px > top) & (rows < top + side) & (columns + icon_px > left) & (columns < left + side)
        assert not inside.any(), (number, place)
    assert tab.errors == []
