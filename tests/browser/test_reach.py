"""Everything is reached and told wherever the focus is, however narrow the view and however long a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.viewing import look_at, middle, set_traits, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from atlas.activations import Activations
    from atlas.atlas import Atlas
    from tests.browser.conftest import Tab


@pytest.fixture(scope="session")
def address(deep_atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> str:
    return deep_atlas.to_html(tmp_path_factory.mktemp("reach") / "deep.html", title="Deep").as_uri()


def test_keys_are_the_views_while_a_button_has_the_focus(address: str, open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(address, reduced_motion="reduce")
    tab.ready()
    page = tab.page
    page.get_by_label("Select with a lasso").click()
    expect(page.locator(".aa-root.aa-lassoing")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".aa-root.aa-lassoing")).to_have_count(0)
    page.get_by_label("Zoom in").click()
    until(page, "get('camera')[2] > 1")
    page.keyboard.press("Home")
    until(page, "get('camera')[2] === 1")
    # Filters are filled in, though nothing has changed since the picture was drawn.
    page.locator(".aa-stage").focus()
    tab.ready()
    page.get_by_label("Display and filters").first.click()
    expect(page.locator(".aa-display input[type=range]").nth(2)).to_have_value("200")
    page.keyboard.press("Escape")
    # A panel that is open closes first; what is typed into a field is the field's.
    set_traits(tab, class_name="bee")
    page.get_by_label("Display and filters").first.click()
    page.keyboard.press("Escape")
    expect(page.locator(".aa-display")).to_be_hidden()
    until(page, "get('class_name') === 'bee'")
    assert tab.errors == []


def test_a_pinned_card_tells_of_the_cell_under_the_pointer(
    address: str, open_tab: Callable[..., Tab], deep_atlas: Atlas
) -> None:
    tab = open_tab(address, reduced_motion="reduce")
    tab.ready()
    page = tab.page
    grid = deep_atlas.level(32).grid
    row = len(grid) // 2
    look_at(tab, int(grid.cell[row]))
    tab.at_level(32)
    x, y = middle(page)
    page.mouse.click(x + 2, y + 2)
    expect(page.locator(".aa-pinned")).to_be_visible()
    expect(page.locator(".aa-card-peek")).to_be_hidden()
    other = next(i for i in range(len(grid)) if i != row)
    look_at(tab, int(grid.cell[other]))
    page.mouse.move(x + 3, y + 3)
    until(page, f"get('hovered') === '32/{grid.cell[other]}'")
    expect(page.locator(".aa-card-peek")).to_contain_text(f"{grid.count[other]} members")
    assert tab.errors == []


def test_the_picture_is_named_by_the_level_on_the_screen(
    address: str, open_tab: Callable[..., Tab], deep_atlas: Atlas
) -> None:
    tab = open_tab(address)
    tab.ready()
    for size in (8, 32):
        set_traits(tab, level=size)
        tab.at_level(size)
        said = f"Activation atlas Deep: body, {size} × {size}, {len(deep_atlas.level(size).grid)} cells."  # noqa: RUF001 - as in the view
        expect(tab.page.get_by_role("application", name=said)).to_be_visible()


def test_in_a_narrow_view_lasso_and_link_are_in_the_panel(address: str, open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(address, viewport={"width": 400, "height": 700})
    tab.ready()
    page = tab.page
    page.get_by_role("button", name="Display and filters").click()
    expect(page.get_by_role("button", name="Copy link")).to_be_visible()
    page.get_by_role("button", name="Select with a lasso").click()
    expect(page.locator(".aa-root.aa-lassoing")).to_be_visible()
    expect(page.locator(".aa-display")).to_be_hidden()
    # Where there is room they are buttons, once.
    page.set_viewport_size({"width": 900, "height": 700})
    page.get_by_role("button", name="Display and filters").click()
    expect(page.get_by_role("button", name="lasso")).to_have_count(1)
    assert tab.errors == []


def test_a_long_name_stays_within_its_panels_and_a_long_list_says_that_it_goes_on(
    small_acts: Activations, build_small: Callable[..., Atlas], tmp_path: Path, open_tab: Callable[..., Tab]
) -> None:
    world = build_small(small_acts, tmp_path / "long.atlas")
    assert world.manifest.class_names is not None
    count = len(world.manifest.class_names)
    long = "Nordamerikanische Wanderdrossel " * 4
    world.manifest.class_names[:] = [f"{long}{i}" for i in range(count)]
    tab = open_tab(world.to_html(tmp_path / "long.html", title=long * 2).as_uri())
    tab.ready()
    page = tab.page
    set_traits(tab, class_name=f"{long}0")
    expect(page.locator(".aa-legend strong")).to_contain_text("Nordamerikanische")
    for part in (".aa-search", ".aa-legend", ".aa-caption"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["width"] <= (264 if part != ".aa-caption" else 800), part
    # More classes than are listed at once.
    page.evaluate("() => window.__atlas.header.classes.push(...Array.from({ length: 60 }, (_, i) => `more ${i}`))")
    page.get_by_label("Find a class and show its heat map").fill("")
    page.get_by_label("Find a class and show its heat map").fill("m")
    shown = page.locator(".aa-search [role=option]")
    expect(shown).to_have_count(40)
    expect(page.locator(".aa-none")).to_have_text(f"{60 + count - 40} more: type to narrow down")
    assert tab.errors == []


def test_the_theme_that_the_page_is_given_is_the_views(address: str, open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(address, color_scheme="light")
    tab.ready()
    for theme in ("dark", "light"):
        tab.page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        expect(tab.page.locator(f'.aa-root[data-aa-theme="{theme}"]')).to_be_visible()
