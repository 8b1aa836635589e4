"""How a view looks and where its parts lie, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

import atlas

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.atlas import Atlas
    from tests.browser.conftest import Tab


@pytest.fixture(scope="session")
def address(deep_atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> str:
    return deep_atlas.to_html(tmp_path_factory.mktemp("looks") / "deep.html", title="Deep").as_uri()


@pytest.fixture(scope="session")
def layered(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with a choice of layers: all that a toolbar can hold."""
    return atlas.sample().to_html(tmp_path_factory.mktemp("looks") / "sample.html", levels=[10, 20]).as_uri()


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


#: Boxes of what is seen of panels and buttons, by what they are.
BOXES = """selector => [...document.querySelectorAll(selector)].map(element => {
    const { left, top, right, bottom, width } = element.getBoundingClientRect();
    return { name: element.className, left, top, right, bottom, seen: width > 0 };
}).filter(box => box.seen)"""
SIZES = [(320, 640), (320, 300), (420, 800), (460, 700), (520, 300), (641, 500), (700, 760), (800, 600), (1400, 900)]


def apart(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(
        one["right"] <= other["left"]
        or other["right"] <= one["left"]
        or one["bottom"] <= other["top"]
        or other["bottom"] <= one["top"]
    )


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_panels_lie_within_the_view_and_apart(
    layered: str, open_tab: Callable[..., Tab], width: int, height: int
) -> None:
    tab = open_tab(layered, viewport={"width": width, "height": height})
    tab.ready()
    tab.page.evaluate("() => window.__atlas.model.set('class_name', window.__atlas.header.classes[0])")
    tab.page.locator(".aa-legend").wait_for()
    tab.ready()
    panels = tab.page.evaluate(BOXES, ".aa-panel, .aa-caption > *")
    buttons = tab.page.evaluate(BOXES, ".aa-tool, .aa-icon-button")
    assert len(panels) >= 4
    for box in panels + buttons:
        assert box["left"] >= 0, box
        assert box["top"] >= 0, box
        assert box["right"] <= width, box
        assert box["bottom"] <= height, box
    for i, one in enumerate(panels):
        for other in panels[i + 1 :]:
            assert apart(one, other), (one, other)
    for button in buttons:
        assert min(button["right"] - button["left"], button["bottom"] - button["top"]) >= 24


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_card_leaves_its_cell_and_the_buttons_in_sight(
    address: str, open_tab: Callable[..., Tab], width: int, height: int
) -> None:
    tab = open_tab(address, viewport={"width": width, "height": height}, reduced_motion="reduce")
    tab.ready()
    page = tab.page
    page.evaluate("() => window.__atlas.model.set('class_name', window.__atlas.header.classes[0])")
    page.locator(".aa-legend").wait_for()
    tab.ready()
    page.locator(".aa-stage").focus()
    page.keyboard.press("ArrowRight")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator(".aa-card.aa-pinned").wait_for()
    tab.ready()
    (card,) = page.evaluate(BOXES, ".aa-card")
    for box in page.evaluate(BOXES, ".aa-top .aa-tool, .aa-search, .aa-legend"):
        assert apart(card, box), (card, box)
    x, y = page.evaluate("""() => {
        const { model } = window.__atlas, [size, cell] = model.get("hovered").split("/").map(Number);
        const [cx, cy, zoom] = model.get("camera"), stage = document.querySelector(".aa-stage");
        const { clientWidth: width, clientHeight: height } = stage;
        const side = 0.94 * zoom * Math.max(1, Math.min(width, Math.max(0.8 * height, height - 104)));
        const place = (at, middle, length) => (at - middle) * side + length / 2;
        const [column, row] = [cell % size, Math.floor(cell / size)];
        return [place((column + 0.5) / size, cx, width), place((row + 0.5) / size, cy, height)];
    }""")
    inside = card["left"] <= x <= card["right"] and card["top"] <= y <= card["bottom"]
    assert not inside
    assert 0 <= x <= width
    assert 0 <= y <= height


def test_a_narrow_view_opens_its_search_over_the_buttons(address: str, open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(address, viewport={"width": 390, "height": 800})
    tab.ready()
    search = tab.page.locator(".aa-search")
    closed = search.bounding_box()
    search.click()
    tab.page.keyboard.type("bee")
    expect(tab.page.get_by_role("option").first).to_be_visible()
    opened = search.bounding_box()
    assert closed is not None
    assert opened is not None
    assert closed["width"] < 50
    assert opened["width"] > 300
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator(".aa-legend")).to_contain_text("bee")


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
    assert f"level {level} " in said
    page.evaluate("() => window.__atlas.model.set('camera', [0.5, 0.5, 4])")
    tab.ready()
    page.wait_for_function("level => document.querySelector('.aa-root').dataset.aaLevel !== level", arg=str(level))
    assert card.inner_text() == said
    assert tab.errors == []


def test_a_pinch_about_the_middle_leaves_the_middle_where_it_is(address: str, open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(address, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    tab.ready()
    fingers = tab.page.context.new_cdp_session(tab.page)
    for kind, apart_px in [("touchStart", 45), *(("touchMove", 45 + 8 * i) for i in range(1, 10)), ("touchEnd", 0)]:
        points = [{"x": 195 + side * apart_px, "y": 400, "id": i} for i, side in enumerate((-1, 1))]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points if kind != "touchEnd" else []})
    tab.page.wait_for_function("() => window.__atlas.model.get('camera')[2] > 2")
    tab.ready()
    x, y, _zoom = tab.page.evaluate("() => window.__atlas.model.get('camera')")
    assert (x, y) == pytest.approx((0.5, 0.5), abs=0.01)
