"""Exported pages as a reader opens them: from a disk, without a network, in a frame, by keyboard alone."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from atlas.export import Marker
from tests.browser.viewing import card, choose_class, look_at, middle, picture, set_traits, trait, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

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
    expect(page.locator(".aa-pinned")).to_be_visible()
    assert card(page)["numbers"]["Members"] == grid.count[len(grid) // 2]
    before = trait(page, "camera")
    page.mouse.down()
    page.mouse.move(x + 122, y + 62, steps=6)
    page.mouse.up()
    until(page, f"get('camera')[0] < {before[0]} && get('camera')[1] < {before[1]}")
    assert tab.errors == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in tab.requests)


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


def two_digits(values: NDArray[np.float32]) -> list[float]:
    """Values as a card writes them, with two digits."""
    return [float(f"{value:.2g}") for value in values]


@pytest.mark.parametrize("name", ["bee", "eel"])
def test_a_class_is_flown_to_where_it_is_strongest_and_the_card_says_what_python_knows(
    pages: dict[str, str], open_tab: Callable[..., Tab], deep_atlas: Atlas, name: str
) -> None:
    tab = open_tab(pages["file"], offline=True, reduced_motion="reduce")
    tab.ready()
    choose_class(tab, name, name)
    said = card(tab.page)
    place = re.fullmatch(r"body · level (\d+) · row (\d+), column (\d+)", said["where"])
    assert place, said
    size, i, j = map(int, place.groups())
    x, y, _ = trait(tab.page, "camera")
    assert [x, y] == pytest.approx([(j - 0.5) / size, (i - 0.5) / size])
    level = deep_atlas.level(size)
    names, grid = deep_atlas.class_names, level.grid
    assert names is not None
    assert grid.attribution is not None
    assert level.cosine is not None
    values = grid.attribution[:, names.index(name)]
    (row,) = np.flatnonzero(grid.cell == (i - 1) * size + j - 1)
    # The page holds a byte for each: where two are as strong to within half a step, either is the strongest.
    assert values[row] >= values.max() - np.abs(values).max() / 127
    top = grid.top_classes[row]
    assert said["title"] == names[top[0]]
    assert [shown for shown, _ in said["classes"]] == [names[i] for i in top]
    assert [value for _, value in said["classes"]] == pytest.approx(two_digits(grid.attribution[row, top]), rel=1e-6)
    assert said["chosen"] == [name]
    assert said["numbers"]["Members"] == grid.count[row]
    # Written with two decimals.
    assert said["numbers"]["Spread"] == pytest.approx(grid.spread[row], abs=0.0051)
    assert said["numbers"]["Cosine"] == pytest.approx(level.cosine[row], abs=0.0051)


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
        shown = tab.page.get_by_label("Cell", exact=True)
        expect(shown).to_contain_text("<img src=x")
        expect(tab.page.locator("[aria-live=polite]").first).to_contain_text("<img src=x")
        tab.page.locator(".aa-stage").focus()
        tab.page.keyboard.press("ArrowRight")
        until(tab.page, "get('hovered').includes('/')")
        expect(shown).to_contain_text("<img src=x")
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
