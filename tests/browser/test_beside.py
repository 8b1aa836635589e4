"""Views beside other things in a notebook: in a row of widgets, and above pictures that are not theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.atlas import Atlas
    from tests.browser.jupyter import Notebook

_ROW = """import atlas
from IPython.display import display
from ipywidgets import HBox
from PIL import Image
world = atlas.open({path!r})
display(HBox([world.view(), world.view()]))
display(Image.new("RGB", (40, 30), "red"))"""


def test_views_in_a_row_share_its_width_and_leave_the_next_picture_alone(
    deep_atlas: Atlas, open_notebook: Callable[..., Notebook]
) -> None:
    notebook = open_notebook("row.ipynb", _ROW.format(path=str(deep_atlas.path)))
    page, tab = notebook.page, notebook.tab
    page.locator(".aa-root").nth(1).wait_for()
    tab.ready()
    tab.ready(1)
    first, second = (page.locator(".aa-root").nth(i).bounding_box() for i in range(2))
    assert first is not None
    assert second is not None
    assert first["width"] > 320
    assert abs(first["width"] - second["width"]) < 2
    expect(page.locator(".jp-OutputArea-output img")).to_be_visible()
    assert tab.errors == []
