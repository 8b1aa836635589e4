"""Two views in one exported page, without a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from atlas.atlas import Atlas
    from tests.browser.conftest import Tab


@pytest.fixture(scope="module")
def address(deep_atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A page of two views of one atlas, and a folder of the same."""
    left = deep_atlas.view(title="Left")
    right = deep_atlas.view(title="Right").linked(left)
    right.options = {"density": True}
    left.camera, left.class_name = [0.25, 0.25, 3.0], "dog"
    home = tmp_path_factory.mktemp("linked")
    made = {
        "file": left.to_html(home / "both.html").as_uri(),
        "folder": left.to_html(home / "both", folder=True).as_uri(),
    }
    left.close()
    right.close()
    return made


def traits(page: Page, name: str) -> list[Any]:
    found: list[Any] = page.evaluate("name => window.__atlas.map(one => one.model.get(name))", name)
    return found


def until_both(page: Page, condition: str) -> None:
    """Wait until an expression of `get` is true in both views."""
    page.wait_for_function(
        f"() => window.__atlas.every(one => {{ const get = name => one.model.get(name); return {condition}; }})"
    )


@pytest.mark.parametrize("form", ["file", "folder"])
def test_linked_views_of_a_page_move_together_from_a_disk(
    address: dict[str, str], open_tab: Callable[..., Tab], form: str
) -> None:
    # Each wide enough for all its buttons.
    tab = open_tab(address[form], offline=True, viewport={"width": 1300, "height": 700})
    page = tab.page
    for number in (0, 1):
        tab.ready(number)
    assert traits(page, "camera") == [[0.25, 0.25, 3.0]] * 2
    assert traits(page, "class_name") == ["dog", "dog"]
    assert [options.get("density", False) for options in traits(page, "options")] == [False, True]
    # By hand in the right one.
    right = page.locator(".aa-stage").nth(1)
    right.focus()
    right.press("Home")
    until_both(page, "Math.abs(get('camera')[2] - 1) < 1e-6")
    for number in (0, 1):
        tab.ready(number)
    right.press("ArrowRight")
    until_both(page, "get('hovered') !== ''")
    # By a script in the left one.
    page.evaluate("() => window.__atlas[0].model.set('level', 16)")
    for number in (0, 1):
        tab.at_level(16, number)
    # The address is the left one's, and takes both along.
    page.wait_for_function("() => location.hash.includes('level=16')")
    page.evaluate("() => { location.hash = '#x=0.75&y=0.5&z=2&class=cat'; }")
    until_both(page, "get('camera')[0] === 0.75 && get('class_name') === 'cat'")
    expect(page.get_by_role("button", name="Copy link to this place")).to_have_count(1)
    assert tab.errors == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in tab.requests)


def test_linked_views_lie_beside_or_below_each_other(address: dict[str, str], open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(address["file"])
    page = tab.page
    for width, height in ((1400, 700), (500, 900)):
        page.set_viewport_size({"width": width, "height": height})
        for number in (0, 1):
            tab.ready(number)
        left, top, right, bottom = (
            page.evaluate(
                f"() => [...document.querySelectorAll('.aa-root')].map(r => r.getBoundingClientRect().{side})"
            )
            for side in ("left", "top", "right", "bottom")
        )
        starts, ends, length = (left, right, width) if width > height else (top, bottom, height)
        assert starts == pytest.approx([0, ends[0] + 2])
        assert ends == pytest.approx([length / 2 - 1, length])
        across, other = ((top, bottom), height) if width > height else ((left, right), width)
        assert across == ([0, 0], [other, other])
        assert page.evaluate("() => document.documentElement.scrollHeight <= innerHeight")
    report = Axe().run(page).response
    assert [found["id"] for found in report["violations"] if found["impact"] in ("serious", "critical")] == []
