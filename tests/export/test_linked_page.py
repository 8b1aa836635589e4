"""Views that are linked, in one page."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from atlas.atlas import Atlas
from tests.export.test_page import part

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from atlas.activations import Activations
    from atlas.widgets import AtlasView


def views_of(text: str) -> list[dict[str, Any]]:
    (script,) = re.findall(r"<script>window\.__atlas=(.*?);</script>", text, re.DOTALL)
    content: list[dict[str, Any]] = json.loads(script)
    return content


@pytest.fixture(scope="module")
def other_atlas(small_acts: Activations, build_small: Callable[..., Atlas], tmp_path_factory: Any) -> Atlas:
    """The same activations on a finer grid: its zoom reaches further, and it lacks the other's levels."""
    return build_small(small_acts, tmp_path_factory.mktemp("other") / "other.atlas", grids=(8,))


def closed(*views: AtlasView) -> None:
    for view in views:
        view.close()


def test_linked_views_of_one_atlas_share_everything_but_their_state(small_atlas: Atlas, tmp_path: Path) -> None:
    left = small_atlas.view(level=4)
    right = Atlas(shutil.copytree(small_atlas.path, tmp_path / "copy.atlas")).view(title="Copy").linked(left)
    right.selection = [f"2/{small_atlas.level(2).grid.cell[0]}"]
    right.options = {"density": True}
    left.camera, left.class_name = [0.25, 0.5, 2.0], "cat"
    text = right.to_html(tmp_path / "both.html").read_text(encoding="utf-8")
    first, second = views_of(text)
    assert (first["at"], second["at"]) == ("atlas-0", "atlas-1")
    assert re.findall(r'<div id="([^"]+)">', text) == ["atlas-0", "atlas-1"]
    assert (first["follows"], second["follows"]) == (False, True)
    assert first["header"]["id"] == second["header"]["id"]
    assert second["payload"] == 0
    assert text.count('<script type="text/plain"') == len(set(re.findall(r'id="part-[^"]+"', text))) == 6
    shared = {"camera": [0.25, 0.5, 2.0], "class_name": "cat", "level": 4, "layer": "body"}
    link = first["state"].pop("link")
    assert second["state"].pop("link") == link != ""
    assert first["state"] == shared | {"selection": [], "options": {}}
    assert second["state"] == shared | {"selection": list(right.selection.ids), "options": {"density": True}}
    assert "<title>small · Copy</title>" in text
    assert left.to_html(tmp_path / "again.html").read_text(encoding="utf-8") == text
    closed(left, right)


def test_atlases_that_differ_keep_their_own_parts_levels_and_reach(
    small_atlas: Atlas, other_atlas: Atlas, tmp_path: Path
) -> None:
    fine = other_atlas.view()
    coarse = small_atlas.view().linked(fine)
    fine.level, fine.camera = 8, [0.5, 0.5, 7.0]
    text = fine.to_html(tmp_path / "both.html").read_text(encoding="utf-8")
    first, second = views_of(text)
    assert (first["state"]["level"], second["state"]["level"]) == (8, 0)
    assert (first["state"]["camera"][2], second["state"]["camera"][2]) == (7.0, 4.0)
    for content, world, size in ((first, other_atlas, 8), (second, small_atlas, 4)):
        icons = world.level(size).icons
        assert icons is not None
        assert part(text, content["payload"]["levels"][f"body/{size}"]["sheets"][0]) == icons.read(0)
    closed(fine, coarse)


def test_a_view_alone_and_a_closed_neighbour_make_a_page_of_one(small_atlas: Atlas, tmp_path: Path) -> None:
    left, unlinked = small_atlas.view(), small_atlas.view()
    right = small_atlas.view().linked(left)
    right.close()
    text = left.to_html(tmp_path / "one.html").read_text(encoding="utf-8")
    (script,) = re.findall(r"<script>window\.__atlas=(.*?);</script>", text, re.DOTALL)
    assert set(json.loads(script)) == {"header", "payload", "state"}
    closed(left, unlinked)


def test_a_folder_holds_linked_views_too(small_atlas: Atlas, other_atlas: Atlas, tmp_path: Path) -> None:
    left = small_atlas.view()
    right = other_atlas.view().linked(left)
    index = left.to_html(tmp_path / "both", folder=True)
    for content in views_of(index.read_text(encoding="utf-8")):
        for level in content["payload"]["levels"].values():
            assert all((index.parent / sheet).is_file() for sheet in level["sheets"])
    closed(left, right)


def test_what_python_sets_in_one_view_holds_in_the_linked_ones(small_atlas: Atlas) -> None:
    first = small_atlas.view()
    second = small_atlas.view().linked(first)
    third = small_atlas.view().linked(second)
    apart = small_atlas.view()
    third.camera, first.level, second.class_name = [0.1, 0.2, 2.0], 4, "bee"
    assert [view.camera for view in (first, second, third)] == [[0.1, 0.2, 2.0]] * 3
    assert [view.level for view in (first, second, third)] == [4] * 3
    assert [view.class_name for view in (first, second, third)] == ["bee"] * 3
    assert (apart.camera, apart.level, apart.class_name) == ([0.5, 0.5, 1.0], 0, "")
    closed(first, second, third, apart)
