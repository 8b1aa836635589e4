"""The viewer as it is seen, compared with pictures of it that somebody has looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import atlas
from tests.browser.pictures import REFERENCES, difference, looks_like, reference, same_font, screenshot, set_anew
from tests.browser.viewing import set_traits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.browser.conftest import Tab

WIDE, NARROW = {"width": 800, "height": 600}, {"width": 420, "height": 720}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of the atlas that ships: its icons are the same everywhere."""
    page = tmp_path_factory.mktemp("pictures") / "sample.html"
    return atlas.sample().to_html(page, layers=["mixed5b"], levels=(10, 20), title="Sample").as_uri()


@pytest.fixture
def scene(address: str, open_tab: Callable[..., Tab]) -> Callable[[str], Tab]:
    """Opens a page and brings it to what a reference shows."""

    def show(name: str) -> Tab:
        settings: dict[str, Any] = {
            "color_scheme": "dark" if name == "dark" else "light",
            "viewport": NARROW if name == "narrow" else WIDE,
            "reduced_motion": "reduce",
        }
        tab = open_tab(None, **settings)
        same_font(tab.page)
        tab.page.goto(address)
        tab.ready()
        if name == "comparison":
            axes = {"left": "wok", "right": "frying pan", "vertical": "likeness"}
            tab.page.evaluate("axes => { window.__atlas.header.axes = axes; }", axes)
        set_anew(tab)
        if name == "heat":
            set_traits(tab, class_name="bullet train", camera=[0.5, 0.5, 1])
            tab.page.locator(".aa-legend").wait_for()
        if name in ("card", "narrow"):
            tab.page.locator(".aa-stage").focus()
            tab.page.keyboard.press("ArrowRight")
            tab.page.keyboard.press("ArrowDown")
            tab.page.keyboard.press("Enter")
            tab.page.locator(".aa-pinned").wait_for()
            tab.page.locator(".aa-card-icon:not(.aa-waiting)").wait_for()
        tab.ready()
        return tab

    return show


@pytest.mark.parametrize("name", ["light", "dark", "heat", "card", "narrow", "comparison"])
def test_it_looks_as_it_did_when_somebody_looked(name: str, scene: Callable[[str], Tab], tmp_path: Path) -> None:
    tab = scene(name)
    looks_like(name, screenshot(tab.page), tmp_path)
    assert tab.errors == []


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("light", ".aa-canvas { visibility: hidden }"),
        ("light", ".aa-minimap { display: none }"),
        ("light", ".aa-search { display: none }"),
        ("light", ".aa-top { translate: 0 24px }"),
        ("heat", ".aa-canvas { filter: hue-rotate(180deg) }"),
        ("heat", ".aa-legend { display: none }"),
        ("card", ".aa-card-icon { visibility: hidden }"),
        ("card", ".aa-bar { visibility: hidden }"),
    ],
)
def test_what_a_person_would_see_is_told(name: str, harm: str, scene: Callable[[str], Tab]) -> None:
    page = scene(name).page
    whole = screenshot(page)
    assert not difference(whole, reference(name)).seen
    page.add_style_tag(content=harm)
    assert difference(screenshot(page), reference(name)).seen


def test_light_is_not_dark_and_what_nobody_sees_is_passed_over() -> None:
    light = reference("light")
    assert difference(light, reference("dark")).seen
    noise = np.random.Generator(np.random.Philox(3)).integers(-6, 7, np.asarray(light).shape)
    grainy = Image.fromarray((np.asarray(light) + noise).clip(0, 255).astype(np.uint8))
    assert not difference(grainy, light).seen
    assert not difference(light.resize((390, 290)).resize(light.size), light).seen


def test_references_are_small() -> None:
    kept = list(REFERENCES.iterdir())
    assert len(kept) == 6
    assert all(picture.stat().st_size < 60_000 for picture in kept)
