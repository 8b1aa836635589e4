"""The map under the hand: throws, pinches and double clicks, by real input events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.browser.jupyter import PATIENCE_S
from tests.browser.viewing import middle, set_traits, trait, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from atlas.atlas import Atlas
    from tests.browser.conftest import Tab

HERE = [0.5, 0.5, 6.0]


@pytest.fixture(scope="session")
def address(deep_atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> str:
    return deep_atlas.to_html(tmp_path_factory.mktemp("gestures") / "deep.html", title="Deep").as_uri()


def place_under(page: Page, x: float, y: float) -> list[float]:
    """The place of the atlas under a point of the page, as the view's own frame tells it."""
    found: list[float] = page.evaluate(
        """([x, y]) => {
            const box = document.querySelector(".aa-stage").getBoundingClientRect();
            const [cx, cy, zoom] = window.__atlas.model.get("camera");
            const free = Math.max(1, Math.min(box.width, Math.max(0.8 * box.height, box.height - 104)));
            const side = 0.94 * free * zoom;
            return [cx + (x - box.left - box.width / 2) / side, cy + (y - box.top - box.height / 2) / side];
        }""",
        [x, y],
    )
    return found


def throw(tab: Tab) -> tuple[list[float], list[float]]:
    """Throw the map up and to the left; gives the camera when it was let go, and when it came to rest."""
    page = tab.page
    set_traits(tab, camera=HERE)
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y - 30, steps=4)
    page.evaluate(
        """() => addEventListener("pointerup", () => { window.letGo = window.__atlas.model.get("camera"); },
            { capture: true, once: true })"""
    )
    page.mouse.move(x - 90, y - 45, steps=3)
    page.mouse.up()
    tab.ready()
    return page.evaluate("() => window.letGo"), trait(page, "camera")


def test_a_map_that_is_thrown_goes_on_and_comes_to_rest(address: str, open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(address, offline=True)
    tab.ready()
    last = time.monotonic() + PATIENCE_S
    while True:
        released, rested = throw(tab)
        # A hand that stops before it lets go does not throw, and on a busy machine this one may stop.
        if rested != released or time.monotonic() > last:
            break
    assert rested[0] > released[0] > HERE[0]
    assert rested[1] > released[1] > HERE[1]
    assert rested[2] == HERE[2]
    page = tab.page
    page.evaluate("async () => { for (let i = 0; i < 10; i++) await new Promise(requestAnimationFrame); }")
    assert trait(page, "camera") == rested
    assert tab.errors == []


def test_where_motion_is_not_wanted_a_map_stays_where_it_is_let_go(address: str, open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(address, offline=True, reduced_motion="reduce")
    tab.ready()
    released, rested = throw(tab)
    assert rested == released
    assert released[0] > HERE[0]


def test_a_double_click_goes_closer_to_what_it_hits(address: str, open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(address, offline=True)
    tab.ready()
    set_traits(tab, camera=HERE)
    page = tab.page
    x, y = middle(page)
    at = (x + 150, y - 90)
    there = place_under(page, *at)
    page.mouse.dblclick(*at)
    until(page, "get('camera')[2] === 12")
    tab.ready()
    assert place_under(page, *at) == pytest.approx(there, abs=1e-6)
    page.keyboard.down("Shift")
    page.mouse.dblclick(*at)
    page.keyboard.up("Shift")
    until(page, "get('camera')[2] === 6")
    tab.ready()
    assert place_under(page, *at) == pytest.approx(there, abs=1e-6)
    assert tab.errors == []


def test_two_fingers_pinch_about_their_middle_and_leave_the_map_at_rest(
    address: str, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab(address, offline=True, has_touch=True)
    tab.ready()
    set_traits(tab, camera=[0.5, 0.5, 2.0])
    page = tab.page
    hand = page.context.new_cdp_session(page)
    x, y = middle(page)
    at = (x + 60, y + 40)
    there = place_under(page, *at)

    def touch(kind: str, apart: float | None) -> None:
        fingers = [] if apart is None else [{"x": at[0] - apart, "y": at[1]}, {"x": at[0] + apart, "y": at[1]}]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    for goes, factor in ((range(40, 121, 10), 3.0), (range(120, 59, -10), 0.5)):
        before = trait(page, "camera")[2]
        touch("touchStart", goes[0])
        for apart in goes[1:]:
            touch("touchMove", apart)
        touch("touchEnd", None)
        until(page, f"Math.abs(get('camera')[2] / {before * factor} - 1) < 1e-3")
        tab.ready()
        # Fingers that let go together after a pinch do not throw.
        assert place_under(page, *at) == pytest.approx(there, abs=1e-3)
    assert tab.errors == []
