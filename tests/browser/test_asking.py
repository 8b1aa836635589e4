"""Questions that a page has no answer to are told of once, or cannot be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from atlas.activations import collect
from tests.browser.viewing import card, set_traits, trait, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from atlas.atlas import Atlas
    from atlas.models import VisionModel
    from tests.browser.conftest import Tab


@pytest.fixture(scope="session")
def address(deep_atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> str:
    return deep_atlas.to_html(tmp_path_factory.mktemp("asking") / "deep.html", title="Deep").as_uri()


def test_an_address_with_unknown_names_is_told_and_otherwise_followed(
    address: str, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab(f"{address}#class=nosuch&level=999&layer=zz&x=0.25&y=0.5&z=3")
    tab.ready()
    page = tab.page
    expect(page.get_by_role("alert")).to_contain_text("layer zz, level 999, class nosuch")
    assert trait(page, "camera") == pytest.approx([0.25, 0.5, 3])
    assert [trait(page, name) for name in ("class_name", "level", "layer")] == ["", 0, "body"]
    page.get_by_label("Dismiss").click()
    expect(page.get_by_role("alert")).to_be_empty()
    # What another address leaves out is as at the start.
    page.evaluate("() => { location.hash = '#class=bee'; }")
    until(page, "get('class_name') === 'bee' && get('camera')[2] === 1")
    assert tab.errors == []


def test_an_atlas_without_attributions_offers_no_heat_maps(
    small_net: VisionModel,
    small_pictures: NDArray[np.uint8],
    build_small: Callable[..., Atlas],
    tmp_path: Path,
    open_tab: Callable[..., Tab],
) -> None:
    bare = collect(small_net, small_pictures, "body", per_image=8, attributions=False)
    world = build_small(bare, tmp_path / "bare.atlas")
    tab = open_tab(world.to_html(tmp_path / "bare.html").as_uri())
    tab.ready()
    page = tab.page
    expect(page.locator(".aa-search")).to_be_hidden()
    set_traits(tab, class_name="bee")
    page.locator(".aa-stage").focus()
    page.keyboard.press("ArrowRight")
    until(page, "get('hovered').includes('/')")
    tab.ready()
    expect(page.get_by_role("alert")).to_be_empty()
    assert tab.errors == []


def test_where_labels_mean_little_a_card_still_tells_the_value_of_the_class_that_is_asked_for(
    small_net: VisionModel,
    small_pictures: NDArray[np.uint8],
    build_small: Callable[..., Atlas],
    tmp_path: Path,
    open_tab: Callable[..., Tab],
) -> None:
    world = build_small(collect(small_net, small_pictures, "body", per_image=8), tmp_path / "vague.atlas")
    assert not world.label_meaning("body").informative
    tab = open_tab(world.to_html(tmp_path / "vague.html").as_uri())
    tab.ready()
    page = tab.page
    page.locator(".aa-stage").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".aa-pinned")).to_be_visible()
    assert card(page)["classes"] == []
    set_traits(tab, class_name="bee")
    expect(page.locator(".aa-card .aa-chosen")).to_have_count(1)
    said = card(page)
    assert [name for name, _ in said["classes"]] == said["chosen"] == ["bee"]
    assert tab.errors == []
