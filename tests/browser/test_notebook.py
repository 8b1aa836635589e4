"""The view in a real JupyterLab with a real kernel."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from atlas.activations import write_activations

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.activations import Activations
    from atlas.atlas import Atlas
    from tests.browser.conftest import Lab, Notebook, Tab


def opened(world: Path) -> str:
    return f"import atlas\nworld = atlas.open({str(world)!r})\nview = world.view()\nview"


def middle(notebook: Notebook, number: int = 0) -> tuple[float, float]:
    stage = notebook.page.locator(".aa-stage").nth(number)
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_browser_and_python_move_select_and_ask_together(
    deep_atlas: Atlas, open_notebook: Callable[..., Notebook]
) -> None:
    notebook = open_notebook("both.ipynb", opened(deep_atlas.path))
    page, tab = notebook.page, notebook.tab
    tab.ready()
    # The picture for readers without a kernel is there, and out of sight.
    still = page.locator(".jp-OutputArea-output img[src^='data:image/png']")
    assert still.count() == 1
    expect(still).to_be_hidden()
    # Until the view has the focus, the wheel scrolls the notebook.
    x, y = middle(notebook)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(300)
    assert notebook.python("view.camera[2]") == 1
    x, y = middle(notebook)
    page.mouse.click(x, y)
    levels = {tab.level()}
    for turn in (400, 400, -500, -500, -500):
        page.mouse.wheel(0, turn)
        page.wait_for_timeout(250)
        tab.ready()
        levels.add(tab.level())
    assert levels == {8, 16, 32}
    notebook.until("view.camera[2] > 1")
    # Python moves the camera, and the picture moves.
    before = page.locator(".aa-canvas").first.screenshot()
    grid = deep_atlas.level(32).grid
    cell = int(grid.cell[len(grid) // 2])
    notebook.python(f"view.fly_to('32/{cell}', seconds=0.2)")
    notebook.until(f"abs(view.camera[0] - {(cell % 32 + 0.5) / 32}) < 1e-3")
    tab.ready()
    assert page.locator(".aa-canvas").first.screenshot() != before
    # Hover and click reach Python, with vectors and members.
    page.mouse.move(x + 3, y + 3)
    notebook.until(f"view.hovered == '32/{cell}'")
    page.mouse.click(x + 3, y + 3)
    notebook.until(f"view.selection.ids == ('32/{cell}',)")
    assert notebook.python("view.selection[0].members.tolist()") == grid.members(cell).tolist()
    assert notebook.python("view.selection.vectors.shape") == [1, 16]
    # Python selects and filters, and the view shows it.
    other = int(grid.cell[0])
    notebook.python(f"setattr(view, 'selection', ['32/{cell}', '32/{other}'])")
    expect(page.locator(".aa-root")).to_contain_text("2 cells selected")
    notebook.python("setattr(view, 'class_name', 'bee')")
    expect(page.get_by_label("Legend", exact=True)).to_contain_text("bee")
    assert tab.errors == []


def test_a_second_view_is_linked_and_closing_frees(deep_atlas: Atlas, open_notebook: Callable[..., Notebook]) -> None:
    notebook = open_notebook(
        "two.ipynb",
        opened(deep_atlas.path),
        "other = world.view().linked(view)\nother",
        "from ipywidgets.widgets import widget",
    )
    page, tab = notebook.page, notebook.tab
    tab.ready()
    page.locator(".aa-root").nth(1).wait_for()
    tab.ready(1)
    notebook.python("view.fly_to((0.25, 0.25), zoom=4, seconds=0)")
    notebook.until("abs(other.camera[2] - 4) < 1e-6 and abs(other.camera[0] - 0.25) < 1e-6")
    notebook.python("other.close()")
    expect(page.locator(".aa-root")).to_have_count(1)
    notebook.python("view.close()")
    expect(page.locator(".aa-root")).to_have_count(0)
    expect(page.locator(".jp-OutputArea-output img[src^='data:image/png']").first).to_be_visible()
    assert notebook.python("sum(type(w).__name__ == 'AtlasView' for w in widget._instances.values())") == 0
    assert tab.errors == []


def test_a_kernel_that_is_gone_and_an_atlas_that_is_deleted_are_told(
    deep_atlas: Atlas, tmp_path: Path, open_notebook: Callable[..., Notebook]
) -> None:
    folder = Path(shutil.copytree(deep_atlas.path, tmp_path / "copy.atlas"))
    notebook = open_notebook("gone.ipynb", opened(folder))
    page, tab = notebook.page, notebook.tab
    tab.ready()
    shutil.rmtree(folder)
    # A level that was not looked at yet.
    notebook.python("view.fly_to((0.5, 0.5), zoom=12, seconds=0)")
    expect(page.get_by_role("alert")).to_contain_text("copy.atlas is not on the disk any more")
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.sessionContext.restartKernel(); }")
    page.locator(".aa-stage").click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.press("r")
    expect(page.locator(".aa-root")).to_contain_text("kernel")
    assert tab.errors == []


def test_a_saved_notebook_flies_without_kernel_and_network_and_shows_the_picture(
    deep_atlas: Atlas, lab: Lab, open_notebook: Callable[..., Notebook], open_tab: Callable[..., Tab]
) -> None:
    code = opened(deep_atlas.path)
    notebook = open_notebook("saved.ipynb", code, "world.show_static(height=400)")
    notebook.tab.ready()
    frame = notebook.page.frame_locator("iframe[srcdoc]")
    frame.locator('.aa-root[data-aa-ready="true"]').wait_for()
    notebook.command("docmanager:save")
    saved = lab.folder / "saved.ipynb"
    for _ in range(200):
        outputs = [cell["outputs"] for cell in json.loads(saved.read_text(encoding="utf-8"))["cells"]]
        if all(outputs):
            break
        notebook.page.wait_for_timeout(50)
    kinds = [set(output["data"]) for output in outputs[0]]
    assert {"application/vnd.jupyter.widget-view+json", "text/plain"} in kinds
    assert {"image/png", "text/plain"} in kinds
    notebook.page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    notebook.page.context.close()
    # What a reader does who has the file alone: every output as it is, no kernel, no network.
    (page_in_page,) = [output["data"]["text/html"] for output in outputs[1]]
    text = page_in_page if isinstance(page_in_page, str) else "".join(page_in_page)
    reader = lab.folder / "reader.html"
    pictures = [output["data"]["image/png"] for output in outputs[0] if "image/png" in output["data"]]
    reader.write_text(f'<!doctype html><img src="data:image/png;base64,{pictures[0]}">{text}', encoding="utf-8")
    tab = open_tab(reader.as_uri(), offline=True)
    tab.page.frame_locator("iframe").locator('.aa-root[data-aa-ready="true"]').wait_for()
    assert tab.page.evaluate("() => document.images[0].naturalWidth") > 100
    assert tab.errors == []


def test_icons_appear_while_a_build_runs_and_stay_when_it_is_stopped(
    small_acts: Activations, tmp_path: Path, open_notebook: Callable[..., Notebook]
) -> None:
    write_activations(small_acts, tmp_path / "small.acts")
    notebook = open_notebook(
        "live.ipynb",
        "import atlas, conftest\nfrom atlas.layout import LayoutSettings\n"
        "model = conftest.small_network()\n"
        f"acts = atlas.open_activations({str(tmp_path / 'small.acts')!r})",
        "world = atlas.build(acts, model=model, grids=(2, 8), min_count=1, view=True, progress=False,\n"
        f"    out={str(tmp_path / 'live.atlas')!r}, layout=LayoutSettings(n_epochs=20),\n"
        "    rendering=atlas.RenderSettings(size=32, steps=60, tile=4))",
    )
    page = notebook.page
    root = page.locator(".aa-root")
    root.wait_for()
    bar = page.locator(".aa-progress")
    expect(bar).to_contain_text("icons body 8")
    # Finished icons of the level that is being rendered are on the disk, tile by tile.
    while len(list(tmp_path.glob("live.atlas/layers/body/levels/0008/*.partial/tile-*"))) < 2:
        page.wait_for_timeout(50)
    colours = _colours(page)
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:interrupt-kernel'); }")
    expect(bar).to_be_hidden()
    assert _colours(page) >= colours > 50
    expect(page.locator(".jp-OutputArea").last).to_contain_text("KeyboardInterrupt")


def _colours(page: Any) -> int:
    """How many colours the picture shows: plain squares have a few."""
    return int(
        page.evaluate(
            """() => {
                const canvas = document.querySelector('.aa-canvas');
                const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                const seen = new Set();
                for (let i = 0; i < data.length; i += 4 * 97) seen.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
                return seen.size;
            }"""
        )
    )


@pytest.mark.parametrize("theme", ["JupyterLab Dark"])
def test_it_follows_the_theme_of_the_notebook(
    deep_atlas: Atlas, open_notebook: Callable[..., Notebook], theme: str
) -> None:
    notebook = open_notebook("theme.ipynb", opened(deep_atlas.path))
    notebook.tab.ready()
    colour = "() => getComputedStyle(document.querySelector('.aa-root')).backgroundColor"
    light = notebook.page.evaluate(colour)
    notebook.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
    notebook.page.wait_for_function(f"light => ({colour})() !== light", arg=light)
    red, green, blue = (int(value) for value in notebook.page.evaluate(colour)[4:-1].split(",")[:3])
    assert max(red, green, blue) < 80
