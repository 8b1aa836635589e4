"""Exported pages as a reader opens them: from a disk, without a network, in a frame, by keyboard alone."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from atlas.export import Marker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from atlas.activations import Activations
    from atlas.atlas import Atlas
    from tests.browser.conftest import Tab

EVIL = "<img src=x onerror=\"window.hacked=1;alert('hacked')\">"


@pytest.fixture(scope="session")
def pages(deep_atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of the two forms of one atlas, under a name with a space and an umlaut."""
    home = tmp_path_factory.mktemp("my pagés")
    one = deep_atlas.to_html(home / "one file.html", title="Deep")
    many = deep_atlas.to_html(home / "folder", folder=True, title="Deep")
    return {"file": one.as_uri(), "folder": many.as_uri()}


def trait(page: Page, name: str) -> Any:
    return page.evaluate("name => window.__atlas.model.get(name)", name)


def until(page: Page, condition: str) -> None:
    """Wait until an expression of `get`, the reader of traits, is true."""
    page.wait_for_function(f"() => {{ const get = name => window.__atlas.model.get(name); return {condition}; }}")


def set_traits(tab: Tab, **values: Any) -> None:
    """Set traits as a script of the page does, and wait until the picture shows them."""
    tab.page.evaluate(
        "values => { for (const [name, value] of Object.entries(values)) window.__atlas.model.set(name, value); }",
        values,
    )
    tab.ready()


def look_at(tab: Tab, cell: int, size: int = 32, zoom: float = 3.0) -> None:
    """Bring a cell to the middle of the picture."""
    row, column = divmod(cell, size)
    set_traits(tab, camera=[(column + 0.5) / size, (row + 0.5) / size, zoom])


def picture(page: Page) -> str:
    """What is drawn, without the panels above it."""
    return str(page.evaluate("() => document.querySelector('.aa-canvas').toDataURL()"))


def middle(page: Page) -> tuple[float, float]:
    box = page.locator(".aa-stage").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("form", ["file", "folder"])
def test_a_page_flies_from_a_disk_with_the_network_cut(
    pages: dict[str, str], open_tab: Callable[..., Tab], deep_atlas: Atlas, form: str
) -> None:
    tab = open_tab(pages[form], offline=True)
    page = tab.page
    tab.ready()
    expect(page).to_have_title("Deep")
    x, y = middle(page)
    page.mouse.click(x, y)
    for turn, level in ((900, 8), (-800, 16), (-700, 32)):
        page.mouse.wheel(0, turn)
        tab.at_level(level)
    grid = deep_atlas.level(32).grid
    cell = int(grid.cell[len(grid) // 2])
    look_at(tab, cell)
    page.mouse.move(x + 2, y + 2)
    until(page, f"get('hovered') === '32/{cell}'")
    page.mouse.click(x + 2, y + 2)
    until(page, f"JSON.stringify(get('selection')) === '[\"32/{cell}\"]'")
    card = page.get_by_label("Cell", exact=True)
    expect(card).to_contain_text(str(int(grid.count[len(grid) // 2])))
    before = trait(page, "camera")
    page.mouse.down()
    page.mouse.move(x + 122, y + 62, steps=6)
    page.mouse.up()
    until(page, f"get('camera')[0] < {before[0]} && get('camera')[1] < {before[1]}")
    assert tab.errors == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in tab.requests)


def choose_class(tab: Tab, typed: str, name: str) -> None:
    """Choose a class as a person does, and wait for its strongest cell: it is flown to and its card pinned."""
    tab.page.get_by_label("Find a class and show its heat map").fill(typed)
    tab.page.get_by_role("option", name=name).first.click()
    expect(tab.page.locator(".aa-pinned")).to_be_visible()
    tab.ready()


def test_a_class_is_found_by_typing_and_its_heat_map_shown(pages: dict[str, str], open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(pages["file"], offline=True, reduced_motion="reduce")
    page = tab.page
    tab.ready()
    choose_class(tab, "be", "bee")
    assert trait(page, "class_name") == "bee"
    legend = page.get_by_label("Legend", exact=True)
    expect(legend).to_contain_text("bee")
    place, heat = trait(page, "camera"), picture(page)
    page.get_by_label("Clear class").click()
    until(page, "get('class_name') === ''")
    expect(legend).not_to_contain_text("bee")
    tab.ready()
    # The colours were the class's: everything else is as it was.
    assert trait(page, "camera") == place
    assert picture(page) != heat
    set_traits(tab, class_name="bee")
    assert picture(page) == heat
    assert tab.errors == []


def test_everything_is_reached_by_keyboard(pages: dict[str, str], open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(pages["file"], offline=True, reduced_motion="reduce")
    page = tab.page
    tab.ready()
    reached = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.getAttribute('aria-label') || ''"))
    for name in ("Find a class", "Lasso", "full screen", "Zoom in"):
        assert any(name.lower() in label.lower() for label in reached), (name, reached)
    page.locator(".aa-stage").focus()
    page.keyboard.press("ArrowRight")
    until(page, "get('hovered').includes('/')")
    said = page.locator("[aria-live=polite]").first
    expect(said).to_contain_text("members")
    first = trait(page, "hovered")
    page.keyboard.press("ArrowDown")
    until(page, f"get('hovered') !== {json.dumps(first)}")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Cell", exact=True)).to_be_visible()
    page.keyboard.press("Space")
    until(page, "get('selection').length === 1")
    before = trait(page, "camera")
    page.keyboard.press("+")
    until(page, f"get('camera')[2] > {before[2]}")
    page.keyboard.press("Home")
    until(page, "get('camera')[2] === 1")
    assert tab.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(pages: dict[str, str], open_tab: Callable[..., Tab], scheme: str) -> None:
    tab = open_tab(pages["file"], color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    tab.ready()
    choose_class(tab, "be", "bee")
    tab.page.locator(".aa-stage").focus()
    first = trait(tab.page, "hovered")
    tab.page.keyboard.press("ArrowRight")
    until(tab.page, f"get('hovered') !== {json.dumps(first)}")
    # The arrow takes the card along.
    expect(tab.page.locator(".aa-pinned")).to_be_visible()
    tab.ready()
    found = Axe().run(tab.page).response["violations"]
    assert [
        (violation["id"], [node["html"][:120] for node in violation["nodes"]])
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ] == []


def test_names_from_data_run_nothing(
    small_acts: Activations, build_small: Callable[..., Atlas], tmp_path: Path, open_tab: Callable[..., Tab]
) -> None:
    world = build_small(small_acts, tmp_path / "evil.atlas")
    assert world.manifest.class_names is not None
    world.manifest.class_names[:] = [f"{EVIL}{i}</script><script>window.hacked=1</script>" for i in range(5)]
    # A reader that bypasses the policy, as an old browser would, is not hacked either.
    for bypass in (False, True):
        page_file = world.to_html(tmp_path / "evil.html", title=EVIL, markers=[Marker(0.5, 0.5, EVIL)])
        tab = open_tab(page_file.as_uri(), bypass_csp=bypass, reduced_motion="reduce")
        tab.ready()
        choose_class(tab, "img", EVIL)
        card = tab.page.get_by_label("Cell", exact=True)
        expect(card).to_contain_text("<img src=x")
        expect(tab.page.locator("[aria-live=polite]").first).to_contain_text("<img src=x")
        tab.page.locator(".aa-stage").focus()
        tab.page.keyboard.press("ArrowRight")
        until(tab.page, "get('hovered').includes('/')")
        expect(card).to_contain_text("<img src=x")
        tab.ready()
        assert tab.page.evaluate("() => window.hacked") is None
        assert tab.page.locator("img[src=x]").count() == 0
        assert tab.errors == []


def test_a_page_works_inside_a_sandboxed_frame(
    pages: dict[str, str], deep_atlas: Atlas, tmp_path: Path, open_tab: Callable[..., Tab]
) -> None:
    inner = deep_atlas.to_html(tmp_path / "inner.html").read_text(encoding="utf-8")
    outer = tmp_path / "outer.html"
    outer.write_text(
        f'<!doctype html><iframe sandbox="allow-scripts" srcdoc="{html.escape(inner)}" width=800 height=600></iframe>',
        encoding="utf-8",
    )
    tab = open_tab(outer.as_uri(), offline=True)
    tab.page.frame_locator("iframe").locator('.aa-root[data-aa-ready="true"]').wait_for()
    assert tab.errors == []


def test_views_that_were_closed_leave_nothing_in_the_page(pages: dict[str, str], open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(pages["folder"])
    tab.ready()
    session = tab.page.context.new_cdp_session(tab.page)
    session.send("HeapProfiler.enable")

    def nodes() -> int:
        for _ in range(2):
            session.send("HeapProfiler.collectGarbage")
        return int(session.send("Memory.getDOMCounters")["nodes"])

    counts = []
    for _ in range(6):
        # Also one that is opened while another is shown takes its place.
        tab.page.evaluate("() => { window.__atlas.close(); window.__atlas.open(); window.__atlas.open(); }")
        tab.ready()
        counts.append(nodes())
    parts = tab.page.evaluate("() => document.querySelectorAll('.aa-root *').length")
    assert counts[-1] - counts[1] < parts, "not even one of eight views is kept"
    assert tab.errors == []


def test_a_missing_sheet_is_told_in_the_view(deep_atlas: Atlas, tmp_path: Path, open_tab: Callable[..., Tab]) -> None:
    index = deep_atlas.to_html(tmp_path / "torn", folder=True)
    held = json.loads(index.read_text(encoding="utf-8").split("window.__atlas=")[1].split(";</script>")[0])
    for level in held["payload"]["levels"].values():
        for sheet in level["sheets"]:
            (index.parent / sheet).unlink()
    tab = open_tab(index.as_uri())
    expect(tab.page.get_by_role("alert")).to_contain_text("keep the page and its folder together")


def test_the_address_carries_the_place(pages: dict[str, str], open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(pages["file"] + "#x=0.25&y=0.75&z=3&level=16&class=bee")
    tab.at_level(16)
    until(tab.page, "get('class_name') === 'bee'")
    assert trait(tab.page, "camera") == pytest.approx([0.25, 0.75, 3])
    tab.page.locator(".aa-stage").focus()
    tab.page.keyboard.press("Home")
    tab.page.wait_for_function("() => !location.hash.includes('x=0.25')")
    assert "class=bee" in tab.page.evaluate("() => location.hash")
