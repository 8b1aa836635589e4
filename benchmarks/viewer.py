"""How the viewer flies over 160 x 160 cells, beside OpenSeadragon on a deep zoom image of the same icons.

    python -m benchmarks.viewer [--icons AN.atlas] [--seconds 12]

Needs a Chromium, and npm once for OpenSeadragon. Nothing else should compute meanwhile: software rendering takes what
there is. Both viewers are served by the same local server, run in the same browser, and are driven frame by frame along
the same flight. Writes ``results/viewer.json``.
"""

from __future__ import annotations

import argparse
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

import numpy as np
from playwright.sync_api import sync_playwright

import atlas
from atlas.assets import asset
from atlas.hardware import processor
from benchmarks.traced import command
from benchmarks.viewer_atlas import make_large_atlas

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RESULTS = Path(__file__).parent / "results" / "viewer.json"
OPENSEADRAGON = "openseadragon@5.0.1"
VIEWPORT = {"width": 1200, "height": 800}
#: The first rounds compile: whether memory grows is seen after them.
ROUNDS = 30
FRAME_MS = 1000 / 60
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]

#: Places of the flight: x, y, zoom (1 shows the whole atlas); the way between two of them takes equal time.
STOPS = (
    (0.5, 0.5, 1),
    (0.3, 0.35, 4),
    (0.7, 0.35, 4),
    (0.62, 0.6, 16),
    (0.4, 0.6, 16),
    (0.42, 0.62, 40),
    (0.5, 0.5, 1),
)
#: Calls `move(x, y, zoom)` every frame along the stops and gives the time of every frame.
FLY = """async ([stops, seconds]) => {
    const times = [];
    const start = performance.now();
    await new Promise(resolve => {
        const frame = now => {
            times.push(now);
            const t = Math.max(0, Math.min(1, (now - start) / 1000 / seconds)) * (stops.length - 1);
            const i = Math.min(stops.length - 2, Math.floor(t));
            const s = (u => u * u * (3 - 2 * u))(t - i);
            const [[x0, y0, z0], [x1, y1, z1]] = [stops[i], stops[i + 1]];
            window.move(x0 + (x1 - x0) * s, y0 + (y1 - y0) * s, z0 * (z1 / z0) ** s);
            if (now - start < seconds * 1000) requestAnimationFrame(frame); else resolve();
        };
        requestAnimationFrame(frame);
    });
    return times;
}"""
OURS = """() => { window.move = (x, y, zoom) => {
    const { model } = window.__atlas; model.set("camera", [x, y, zoom]); model.save_changes();
}; }"""
THEIRS = """<!doctype html><meta charset="utf-8"><style>html,body,#v{{height:100%;margin:0}}</style><div id="v"></div>
<script src="openseadragon.min.js"></script><script>
const tiles = {{ Image: {{ xmlns: "http://schemas.microsoft.com/deepzoom/2008", Url: "deep/atlas_files/",
    Format: "webp", Overlap: "0", TileSize: "{tile}", Size: {{ Width: "{side}", Height: "{side}" }} }} }};
window.openViewer = () => {{
    window.ready = false;
    window.viewer = OpenSeadragon({{ element: document.getElementById("v"), tileSources: tiles, drawer: "canvas",
        showNavigationControl: false, animationTime: 0, immediateRender: true, showNavigator: true, prefixUrl: "" }});
    viewer.addHandler("open", () => viewer.world.getItemAt(0).addHandler("fully-loaded-change",
        event => {{ if (event.fullyLoaded) window.ready = true; }}));
}};
window.closeViewer = () => viewer.destroy();
window.move = (x, y, zoom) => {{
    viewer.viewport.zoomTo(zoom * viewer.viewport.getHomeZoom(), null, true);
    viewer.viewport.panTo(new OpenSeadragon.Point(x, y), true);
}};
openViewer();
</script>"""


class Counting(http.server.SimpleHTTPRequestHandler):
    """Serves files and counts what it sends."""

    sent: ClassVar[list[int]] = []

    def copyfile(self, source: IO[bytes], outputfile: IO[bytes]) -> None:  # type: ignore[override]
        """Send a file."""
        data = source.read()
        self.sent.append(len(data))
        outputfile.write(data)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def measure(browser: Browser, address: str, ready: str, seconds: float, prepare: str | None) -> dict[str, Any]:
    """First picture, flight, memory after it, and memory over rounds of opening and closing."""
    context = browser.new_context(viewport=VIEWPORT)  # type: ignore[arg-type]
    page = context.new_page()
    Counting.sent.clear()
    page.goto(address, wait_until="commit")
    page.wait_for_function(ready, polling="raf")
    first = page.evaluate("() => performance.now()")
    bytes_first = sum(Counting.sent)
    if prepare:
        page.evaluate(prepare)
    page.wait_for_timeout(500)
    times = np.asarray(page.evaluate(FLY, [STOPS, seconds]))
    frames = np.diff(times)
    heap = _heap(page)
    bytes_all, files = sum(Counting.sent), len(Counting.sent)
    rounds, nodes = [], []
    for _ in range(ROUNDS):
        page.evaluate("() => (window.closeViewer ?? window.__atlas.close)()")
        page.wait_for_timeout(100)
        page.evaluate("() => (window.openViewer ?? window.__atlas.open)()")
        page.wait_for_function(ready)
        rounds.append(_heap(page))
        nodes.append(_nodes(page))
    context.close()
    # A frame that takes n intervals of the display has dropped n - 1.
    dropped = int(np.maximum(np.rint(frames / FRAME_MS) - 1, 0).sum())
    return {
        "first_picture_ms": round(first),
        "frames": len(frames),
        "frame_median_ms": round(float(np.median(frames)), 2),
        "frame_p95_ms": round(float(np.quantile(frames, 0.95)), 2),
        "frame_max_ms": round(float(frames.max()), 1),
        "dropped_percent": round(100 * dropped / (len(frames) + dropped), 2),
        "bytes_first_picture": bytes_first,
        "bytes": bytes_all,
        "files": files,
        "heap_after_flight_mb": heap,
        "heap_over_rounds_mb": rounds,
        "nodes_over_rounds": nodes,
    }


def _heap(page: Page) -> float:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return round(float(used) / 2**20, 2)


def _nodes(page: Page) -> int:
    """Nodes of all documents that are kept, in the page or not."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Memory.getDOMCounters")["nodes"]
    session.detach()
    return int(nodes)


def main() -> None:
    """Make the atlas, export it both ways, fly both viewers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--icons", type=Path, help="Atlas whose icons are repeated; by default the sample that ships.")
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--keep", type=Path, help="Folder for what is made, to be used again by the next run.")
    given = parser.parse_args()
    home = given.keep or Path(tempfile.mkdtemp(prefix="atlas-viewer-"))
    if not (home / "theirs.html").is_file():
        home.mkdir(parents=True, exist_ok=True)
        world = make_large_atlas(atlas.open(given.icons or asset("sample.atlas")), home / "large.atlas")
        world.to_html(home / "ours", folder=True)
        world.to_dzi(home / "deep", 160)
        subprocess.run(["npm", "install", "--silent", "--prefix", str(home), OPENSEADRAGON], check=True)  # noqa: S603, S607
        built = home / "node_modules" / "openseadragon" / "build" / "openseadragon" / "openseadragon.min.js"
        shutil.copy(built, home / "openseadragon.min.js")
        side = (home / "deep" / "atlas.dzi").read_text(encoding="utf-8").split('Width="')[1].split('"')[0]
        (home / "theirs.html").write_text(THEIRS.format(tile=256, side=side), encoding="utf-8")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Counting, directory=str(home)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"
    ready = "() => document.querySelector('.aa-root')?.dataset.aaReady === 'true'"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        results = {
            "atlas": measure(browser, f"{root}/ours/index.html", ready, given.seconds, OURS),
            "openseadragon": measure(browser, f"{root}/theirs.html", "() => window.ready", given.seconds, None),
        }
        version = browser.version
        browser.close()
    server.shutdown()
    content = {
        "command": command(),
        "what": "160 x 160 cells of repeated icons, 1200 x 800, software rendering; folder export and deep zoom image",
        "hardware": f"{len(os.sched_getaffinity(0))} threads of {processor()}",
        "browser": f"Chromium {version}, headless",
        "openseadragon": OPENSEADRAGON.partition("@")[2],
        "date": datetime.now(tz=UTC).date().isoformat(),
        "seconds_of_flight": given.seconds,
        "results": results,
    }
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
