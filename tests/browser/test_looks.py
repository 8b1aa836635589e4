"""How a view looks and where its parts lie, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.atlas import Atlas
    from tests.browser.conftest import Tab


@pytest.fixture(scope="session")
def address(deep_atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> str:
    return deep_atlas.to_html(tmp_path_factory.mktemp("looks") / "deep.html", title="Deep").as_uri()


def test_a_switch_to_dark_leaves_nothing_light(address: str, open_tab: Callable[..., Tab]) -> None:
    dark = open_tab(address, color_scheme="dark")
    dark.ready()
    switched = open_tab(address, color_scheme="light")
    switched.ready()
    light = switched.page.locator(".aa-canvas").screenshot()
    switched.page.emulate_media(color_scheme="dark")
    switched.page.wait_for_selector('.aa-root[data-aa-theme="dark"]')
    switched.page.wait_for_timeout(300)
    switched.ready()
    assert light != switched.page.locator(".aa-canvas").screenshot()
    assert switched.page.locator(".aa-canvas").screenshot() == dark.page.locator(".aa-canvas").screenshot()


def test_a_narrow_view_holds_every_button(address: str, open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(address, viewport={"width": 390, "height": 800})
    tab.ready()
    boxes = [one.bounding_box() for one in tab.page.locator(".aa-top .aa-tool").all() if one.is_visible()]
    search = tab.page.locator(".aa-search").bounding_box()
    assert boxes
    assert search is not None
    for box in boxes:
        assert box is not None
        assert box["x"] + box["width"] <= 390
        assert box["y"] + box["height"] <= search["y"]


def test_a_searched_class_is_flown_to_and_its_card_outlives_the_level(
    address: str, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab(address, reduced_motion="reduce")
    page = tab.page
    tab.ready()
    before = page.evaluate("() => window.__atlas.model.get('camera')")
    page.get_by_label("Find a class and show its heat map").fill("bee")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "before => String(window.__atlas.model.get('camera')) !== before", arg=",".join(map(str, before))
    )
    card = page.get_by_label("Cell", exact=True)
    expect(card).to_be_visible()
    tab.ready()
    level, said = tab.level(), card.inner_text()
    page.evaluate("() => window.__atlas.model.set('camera', [0.5, 0.5, 0.5])")
    tab.ready()
    page.wait_for_function("level => document.querySelector('.aa-root').dataset.aaLevel !== level", arg=str(level))
    assert card.inner_text() == said
    assert tab.errors == []
