"""The view in marimo, the other kind of notebook."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import READY
from tests.browser.jupyter import ROOT, end, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from atlas.atlas import Atlas
    from tests.browser.conftest import Tab

NOTEBOOK = """
import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo

    import atlas

    view = mo.ui.anywidget(atlas.open({path!r}).view())
    view
    return mo, view


@app.cell
def _(mo, view):
    chosen = view.widget.selection
    mo.md(f"Python has {{chosen.ids}} with vectors {{chosen.vectors.shape}} at zoom {{view.value['camera'][2]:.3f}}.")
    return


@app.cell
def _(mo, view):
    mo.ui.button(label="Go there", on_click=lambda _: view.widget.fly_to((0.25, 0.75), zoom=8))
    return


if __name__ == "__main__":
    app.run()
"""


@pytest.fixture(scope="module")
def address(deep_atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A notebook that marimo runs, with nobody's settings, until the end of the tests."""
    home = tmp_path_factory.mktemp("marimo")
    (home / "view.py").write_text(NOTEBOOK.format(path=str(deep_atlas.path)), encoding="utf-8")
    folders = {f"XDG_{name}_HOME": str(home / name) for name in ("CONFIG", "DATA", "CACHE", "STATE")}
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    quiet = {"MARIMO_SKIP_UPDATE_CHECK": "1", "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    options = ["--headless", "--no-token", "--no-sandbox", "--port", str(free_port())]
    command = [sys.executable, "-m", "marimo", "run", *options, str(home / "view.py")]
    with (home / "log").open("w") as log:
        environment = os.environ | folders | quiet | {"HOME": str(home), "PYTHONPATH": path}
        process = subprocess.Popen(command, env=environment, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def said() -> str:
        return (home / "log").read_text(encoding="utf-8")

    try:
        # The free port may have been taken in the meantime: it says which it has.
        wait_until(lambda: "URL: http" in said(), lambda: process.poll() is None, said)
        found = re.search(r"URL: http://\S+?:(\d+)", said())
        assert found, said()
        yield f"http://127.0.0.1:{found[1]}"
    finally:
        end(process)


def test_a_view_zooms_in_marimo_tells_python_and_is_moved_by_it(
    address: str, deep_atlas: Atlas, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab(address, viewport={"width": 1000, "height": 1000})
    page = tab.page
    page.locator(READY).wait_for()
    python = page.get_by_text("Python has")
    expect(python).to_contain_text("Python has () with vectors (0, 0) at zoom 1.000")
    stage = page.locator(".aa-stage")
    box = stage.bounding_box()
    assert box is not None
    middle = {"x": box["width"] / 2, "y": box["height"] / 2}
    # Without the focus, the wheel is the page's.
    stage.hover(position={"x": middle["x"], "y": middle["y"]})
    page.mouse.wheel(0, -100)
    expect(page.locator(".aa-hint")).to_contain_text("Click the atlas, then the wheel zooms")
    stage.focus()
    # Its parts lie in a shadow tree: nobody finds the focus there who asks the document.
    expect(page.locator(".aa-root.aa-focused")).to_be_visible()
    for turn, level in ((900, 8), (-800, 16), (-700, 32)):
        page.mouse.wheel(0, turn)
        page.locator(f'{READY}[data-aa-level="{level}"]').wait_for()
    expect(python).not_to_contain_text("at zoom 1.000")
    # The cell that Python sends the view to is the one that is clicked, and Python hears of it.
    page.get_by_role("button", name="Go there").click()
    expect(python).to_contain_text("at zoom 8.000")
    page.locator(READY).wait_for()
    grid = deep_atlas.level(32).grid
    cell = 24 * 32 + 8
    assert cell in grid.cell, "there is an icon"
    stage.click(position={"x": middle["x"] + 4, "y": middle["y"] + 4})
    expect(python).to_contain_text(f"('32/{cell}',) with vectors (1, 16)")
    assert tab.errors == []
