"""The view in a real JupyterLab with a real kernel."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from atlas.activations import write_activations
from tests.browser.conftest import READY, Tab
from tests.browser.jupyter import Notebook, jupyterlab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Position

    from atlas.activations import Activations
    from atlas.atlas import Atlas
    from tests.browser.jupyter import Lab


#: The picture for readers without a kernel.
STILL = ".jp-OutputArea-output img[src^='data:image/png']"


def opened(world: Path) -> str:
    return f"import atlas\nworld = atlas.open({str(world)!r})\nview = world.view()\nview"


def spot(notebook: Notebook, dx: float = 0, dy: float = 0) -> Position:
    """A place in the view, (0, 0) its middle: for actions that scroll there first, wherever the notebook is by then."""
    box = notebook.page.locator(".aa-stage").first.bounding_box()
    assert box is not None
    return {"x": box["width"] / 2 + dx, "y": box["height"] / 2 + dy}


def test_the_browser_and_python_move_select_and_ask_together(
    deep_atlas: Atlas, open_notebook: Callable[..., Notebook]
) -> None:
    notebook = open_notebook("both.ipynb", opened(deep_atlas.path))
    page, tab = notebook.page, notebook.tab
    tab.ready()
    # The picture for readers without a kernel is there, and out of sight.
    still = page.locator(STILL)
    expect(still).to_have_count(1)
    expect(still).to_be_hidden()
    # Until the view has the focus, the wheel scrolls the notebook.
    stage = page.locator(".aa-stage")
    stage.hover(position=spot(notebook))
    page.mouse.wheel(0, -200)
    expect(page.locator(".aa-hint")).to_contain_text("Click the atlas, then the wheel zooms")
    assert notebook.python("view.camera[2]") == 1
    stage.click(position=spot(notebook))
    expect(page.locator(".aa-root.aa-focused")).to_be_visible()
    for turn, level in ((900, 8), (-800, 16), (-700, 32)):
        page.mouse.wheel(0, turn)
        tab.at_level(level)
    notebook.until("view.camera[2] > 1")
    # Python moves the camera, and the picture moves.
    before = page.locator(".aa-canvas").screenshot()
    grid = deep_atlas.level(32).grid
    cell = int(grid.cell[len(grid) // 2])
    notebook.python(f"view.fly_to('32/{cell}', seconds=0.2)")
    notebook.until(f"abs(view.camera[0] - {(cell % 32 + 0.5) / 32}) < 1e-6")
    tab.at_level(32)
    assert page.locator(".aa-canvas").screenshot() != before
    # Hover and click reach Python, with vectors and members.
    stage.hover(position=spot(notebook, 3, 3))
    notebook.until(f"view.hovered == '32/{cell}'")
    stage.click(position=spot(notebook, 3, 3))
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
    expect(page.locator(STILL).first).to_be_visible()
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
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    # A class that was not looked at yet: nobody is there who could answer.
    page.get_by_label("Find a class and show its heat map").fill("be")
    page.get_by_role("option", name="bee").click()
    expect(page.get_by_role("alert")).to_contain_text("The kernel does not answer")
    assert tab.errors == []


@pytest.fixture(scope="module")
def saved(
    deep_atlas: Atlas, lab: Lab, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """A notebook with a view and a page, run and saved; its kernel is gone."""
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    url = lab.notebook("saved.ipynb", opened(deep_atlas.path), "world.show_static(height=400)")
    notebook = Notebook(Tab(context.new_page()), lab)
    notebook.page.goto(url)
    notebook.run_all()
    notebook.tab.ready()
    notebook.page.frame_locator("iframe[srcdoc]").locator(READY).wait_for()
    # The picture comes after the view.
    notebook.page.locator(STILL).wait_for(state="attached")
    yield notebook.save()
    context.close()


def test_a_saved_notebook_flies_without_kernel_and_network_and_shows_the_picture(
    saved: dict[str, Any], tmp_path: Path, open_tab: Callable[..., Tab]
) -> None:
    outputs = [cell["outputs"] for cell in saved["cells"]]
    kinds = [set(output["data"]) for output in outputs[0]]
    assert {"application/vnd.jupyter.widget-view+json", "text/plain"} in kinds
    assert {"image/png", "text/plain"} in kinds
    # What a reader does who has the file alone: every output as it is, no kernel, no network.
    (page_in_page,) = [output["data"]["text/html"] for output in outputs[1]]
    text = page_in_page if isinstance(page_in_page, str) else "".join(page_in_page)
    reader = tmp_path / "reader.html"
    pictures = [output["data"]["image/png"] for output in outputs[0] if "image/png" in output["data"]]
    reader.write_text(f'<!doctype html><img src="data:image/png;base64,{pictures[0]}">{text}', encoding="utf-8")
    tab = open_tab(reader.as_uri(), offline=True)
    tab.page.frame_locator("iframe").locator(READY).wait_for()
    assert tab.page.evaluate("() => document.images[0].naturalWidth") > 100
    assert tab.errors == []


def test_a_saved_notebook_that_is_opened_elsewhere_shows_the_picture_and_flies_once_it_is_trusted(
    saved: dict[str, Any], tmp_path: Path, open_tab: Callable[..., Tab]
) -> None:
    with jupyterlab(tmp_path, notebook_starts_kernel=False) as elsewhere:
        (elsewhere.folder / "sent.ipynb").write_text(json.dumps(saved), encoding="utf-8")
        tab = open_tab(
            elsewhere.address("sent.ipynb"), viewport={"width": 1200, "height": 1200}, reduced_motion="reduce"
        )
        page = tab.page
        # Nobody here has signed it: nothing of it may run, a picture may be seen.
        still = page.locator(STILL)
        expect(still).to_be_visible()
        page.wait_for_function("selector => document.querySelector(selector).naturalWidth > 100", arg=STILL)
        expect(page.locator("iframe[srcdoc]")).to_have_count(0)
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:trust'); }")
        page.locator(".jp-Dialog .jp-mod-accept", has_text="Trust").click()
        # It is not loaded before it comes into sight.
        page.locator("iframe[srcdoc]").scroll_into_view_if_needed()
        frame = page.frame_locator("iframe[srcdoc]")
        frame.locator(READY).wait_for()
        stage = frame.locator(".aa-stage")
        stage.focus()
        for _ in range(6):
            stage.press("+")
        frame.locator(f'{READY}[data-aa-level="32"]').wait_for()
        expect(still).to_be_visible()
        kernels = page.evaluate("async () => (await fetch('/api/kernels')).json()")
        assert kernels == [], "it flies without one"
        assert all(url.startswith((elsewhere.url, "data:", "blob:", "about:")) for url in tab.requests)
        # JupyterLab's own manager of widgets misses the session that there is none of.
        assert [error for error in tab.errors if "(reading 'kernel')" not in error] == []
        # A server that somebody still talks to may take a minute to end.
        page.context.close()


#: Builds with a view, and stops in the middle of the finer level for as long as somebody looks.
BUILD = """
import pathlib, time

class UntilInterrupted:
    def __call__(self, stage, done, total):
        while stage == "icons body 8" and done >= 16:
            pathlib.Path({out!r} + ".waits").touch()
            time.sleep(0.05)

    def note(self, line):
        pass

world = atlas.build(
    acts, model=model, grids=(2, 8), min_count=1, view=True, progress=UntilInterrupted(), out={out!r},
    layout=LayoutSettings(n_epochs=20), rendering=atlas.RenderSettings(size=32, steps=20, tile=4),
)
"""


def test_icons_appear_while_a_build_runs_and_stay_when_it_is_stopped(
    small_acts: Activations, tmp_path: Path, open_notebook: Callable[..., Notebook]
) -> None:
    write_activations(small_acts, tmp_path / "small.acts")
    notebook = open_notebook(
        "live.ipynb",
        "import atlas, conftest\nfrom atlas.layout import LayoutSettings\n"
        "model = conftest.small_network()\n"
        f"acts = atlas.open_activations({str(tmp_path / 'small.acts')!r})",
        BUILD.replace("{out!r}", repr(str(tmp_path / "live.atlas"))),
    )
    page = notebook.page
    page.locator(".aa-root").wait_for()
    bar = page.locator(".aa-progress")
    expect(bar).to_contain_text("icons body 8")
    # Sixteen icons are there, no sheet is; until they are drawn the coarser level stands in.
    sign = tmp_path / "live.atlas.waits"
    for _ in range(1200):
        if sign.exists():
            break
        page.wait_for_timeout(50)
    assert sign.exists()
    assert not list(tmp_path.glob("live.atlas/layers/body/levels/0008/*.webp"))
    page.wait_for_function("() => document.querySelector('.aa-root').dataset.aaLevel === '8'")
    notebook.command("notebook:interrupt-kernel")
    expect(bar).to_be_hidden()
    expect(page.locator(".jp-OutputArea").last).to_contain_text("KeyboardInterrupt")
    notebook.tab.ready()
    # Plain squares have a few colours.
    page.wait_for_function(f"() => ({COLOURS})() > 50")


#: How many colours the picture shows.
COLOURS = """() => {
    const canvas = document.querySelector('.aa-canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4 * 97) seen.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
    return seen.size;
}"""


@pytest.mark.parametrize("theme", ["JupyterLab Dark"])
def test_it_follows_the_theme_of_the_notebook(
    deep_atlas: Atlas, open_notebook: Callable[..., Notebook], theme: str
) -> None:
    notebook = open_notebook("theme.ipynb", opened(deep_atlas.path))
    notebook.tab.ready()
    # A change may fade in: what counts is where it ends.
    brightest = "() => Math.max(...getComputedStyle(document.querySelector('.aa-root')).backgroundColor.match(/\\d+/g))"
    assert notebook.page.evaluate(brightest) > 180
    notebook.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
    notebook.page.wait_for_selector('.aa-root[data-aa-theme="dark"]')
    notebook.page.wait_for_function(f"() => ({brightest})() < 80")
