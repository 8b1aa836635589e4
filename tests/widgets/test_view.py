"""The widget on Python's side: traits, selections, markers; what the browser does is in tests/browser."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import atlas
from atlas.activations import collect
from atlas.errors import AtlasError
from atlas.export import Marker
from atlas.sprites import SheetGeometry
from atlas.widgets.still import picture_of
from tests.widgets.listening import Listening

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from atlas.atlas import Atlas
    from atlas.models import VisionModel
    from atlas.widgets import AtlasView, Selection


def cells(world: Atlas, size: int) -> list[str]:
    return [f"{size}/{cell}" for cell in world.level(size).grid.cell]


def test_the_header_says_what_there_is_and_where_icons_lie(view: Listening, small_atlas: Atlas) -> None:
    header = view.header
    assert header["classes"] == ["ant", "bee", "cat", "dog", "eel"]
    (layer,) = header["layers"]
    assert layer["labels"]
    finest = layer["levels"][1]
    count = len(small_atlas.level(4).grid)
    assert finest == {"size": 4, "cells": count, "icons": True, "overview_px": 0, "blocks": True} | {
        name: finest[name] for name in ("icon_px", "pitch", "frame", "columns", "sheet_px", "sheets")
    }
    geometry = SheetGeometry(finest["icon_px"])
    assert (finest["icon_px"], finest["sheets"]) == (32, 1)
    for index in range(count):
        row, column = divmod(index, finest["columns"])
        place = 0, row * finest["pitch"] + finest["frame"], column * finest["pitch"] + finest["frame"]
        assert geometry.place(index) == place


def test_a_view_opens_where_labels_mean_something_or_where_markers_are() -> None:
    world = atlas.sample()
    informative = [name for name in world.layers if world.label_meaning(name).informative]
    assert informative
    assert informative[0] != world.layers[0]
    assert world.view().layer == informative[0]
    assert world.view(layer=world.layers[0]).layer == world.layers[0]
    assert world.view(markers=[Marker(0.5, 0.5, "here")]).layer == world.layers[0]


def test_a_selection_gives_cells_with_their_vectors_and_members(view: Listening, small_atlas: Atlas) -> None:
    grid = small_atlas.level(4).grid
    chosen = [cells(small_atlas, 4)[3], cells(small_atlas, 2)[0]]
    view.set_state({"selection": chosen})
    selection = view.selection
    assert selection.ids == tuple(chosen)
    assert view.get_state("selection") == {"selection": chosen}
    first = selection[0]
    assert (first.row, first.column) == divmod(int(grid.cell[3]), 4)
    np.testing.assert_array_equal(first.vector, grid.mean[3])
    np.testing.assert_array_equal(first.members, grid.members(int(grid.cell[3])))
    assert first.count == len(first.members) == grid.count[3]
    assert first.label == small_atlas.cells(4)["class"][3]
    assert first.icon is not None
    np.testing.assert_array_equal(selection.vectors, np.stack([cell.vector for cell in selection]))
    assert [len(rows) for rows in selection.members] == [cell.count for cell in selection]
    assert selection[1:].ids == (chosen[1],)


def test_python_selects_and_is_told_of_cells_that_are_not_there(view: Listening, small_atlas: Atlas) -> None:
    view.selection = cells(small_atlas, 4)[:2]
    view.selection = [view.selection[1]]
    assert view.selection.ids == (cells(small_atlas, 4)[1],)
    for wrong in (["4/99"], ["3/0"], ["x"], ["4/-1"]):
        with pytest.raises(AtlasError, match=r"no cell .* in body"):
            view.selection = wrong
    with pytest.raises(AtlasError, match="give a list of cell ids"):
        view.selection = "4/1"


def test_what_a_browser_selects_of_another_layer_is_left_out(view: Listening, small_atlas: Atlas) -> None:
    good = cells(small_atlas, 4)[0]
    view.set_state({"selection": [good, "40/1", "</script>", 5]})
    assert view.selection.ids == (good,)


def test_observers_hear_of_a_new_selection(view: Listening, small_atlas: Atlas) -> None:
    heard: list[Selection] = []
    view.observe(lambda change: heard.append(change["new"]), "selection")
    view.set_state({"selection": cells(small_atlas, 2)[:1]})
    view.set_state({"selection": cells(small_atlas, 2)[:1]})
    assert [len(selection) for selection in heard] == [1]


def set_together(view: AtlasView, **values: Any) -> None:
    with view.hold_trait_notifications():
        for name, value in values.items():
            setattr(view, name, value)


def test_bad_traits_are_refused_with_what_there_is_and_change_nothing(view: Listening) -> None:
    before = view.state
    for name, value, sentence in (
        ("level", 7, "no level 7; there are 2, 4"),
        ("layer", "x", "no layer 'x'; it has body"),
        ("class_name", "cta", "no class 'cta'; the nearest are cat"),
        ("camera", [0.5, 0.5], "give \\[x, y, zoom\\]"),
        ("camera", [0.5, float("nan"), 1.0], "x and y from 0 to 1"),
        ("camera", [0.5, 1.01, 1.0], "x and y from 0 to 1"),
        ("camera", [0.5, 0.5, 1e5], "zoom from 0.5 to 4 here"),
        ("options", {"filters": {"count": 3}}, "Option 'filters' is"),
    ):
        with pytest.raises(AtlasError, match=sentence):
            setattr(view, name, value)
        with pytest.raises(AtlasError, match=sentence):
            set_together(view, hovered="4/0", **{name: value})
        assert view.state == before
        assert view.hovered == ""


def test_what_a_browser_says_is_taken_as_far_as_it_makes_sense(view: Listening) -> None:
    view.class_name, view.level = "dog", 4
    view.set_state(
        {
            "layer": "elsewhere",
            "level": 99,
            "class_name": "unicorn",
            "camera": [7.0, 0.5, 1e9],
            "options": {"mode": "blink"},
            "hovered": 3,
            "selection": 5,
            "header": {},
        }
    )
    assert view.state == {
        "layer": "body",
        "level": 4,
        "camera": [1.0, 0.5, 4.0],
        "class_name": "dog",
        "selection": [],
        "options": {},
    }
    assert view.hovered == ""
    assert view.header["layers"]
    view.set_state({"camera": None})
    view.set_state({"camera": [0.5, None, 1.0]})
    assert view.camera == [1.0, 0.5, 4.0]


def test_another_class_lets_go_of_bounds_on_the_attribution_to_the_last(view: Listening) -> None:
    view.class_name = "dog"
    view.options = {"labels": False, "filters": {"count": (2, 9), "attribution": (0.1, 0.5)}}
    assert view.options["filters"]["attribution"] == [0.1, 0.5]
    view.class_name = "cat"
    assert view.options == {"labels": False, "filters": {"count": [2.0, 9.0], "attribution": None}}
    # A browser has seen to it itself: what it says of the new class holds.
    bounds = {"filters": {"attribution": [0.2, 0.3]}}
    view.set_state({"class_name": "bee", "options": bounds})
    assert view.options == bounds


@pytest.fixture(scope="module")
def two_layers(
    small_net: VisionModel,
    small_pictures: NDArray[np.uint8],
    build_small: Callable[..., Atlas],
    tmp_path_factory: pytest.TempPathFactory,
) -> Atlas:
    acts = collect(small_net, small_pictures, ["body", "in/side"], per_image=8)
    out = tmp_path_factory.mktemp("layers") / "layers.atlas"
    return build_small(acts, out, grids=(2, 4))


def test_markers_are_shown_on_the_map_of_their_layer(two_layers: Atlas) -> None:
    red = (0xE5, 0x48, 0x4D)
    there = [Marker(0.5, 0.5, "", layer="in/side")]
    view = two_layers.view(markers=there)
    assert view.layer == view.header["markers"][0]["layer"] == "in/side"
    view.close()
    has_red = [
        (np.asarray(two_layers.picture(2, layer=layer, markers=there)) == red).all(axis=2).any()
        for layer in ("body", "in/side")
    ]
    assert has_red == [False, True]
    with pytest.raises(AtlasError, match="no layer 'x'"):
        two_layers.view(markers=[Marker(0.5, 0.5, "", layer="x")])


def test_the_picture_beside_a_view_shows_its_layer_level_and_markers(two_layers: Atlas) -> None:
    view = two_layers.view(layer="in/side", level=2, markers=[Marker(0.25, 0.75, "here", layer="in/side")])
    shown = Image.open(io.BytesIO(picture_of(view)["image/png"]))
    expected = two_layers.picture(2, layer="in/side", icon_px=80, markers=view.markers)
    np.testing.assert_array_equal(np.asarray(shown), np.asarray(expected))
    view.close()


def test_another_layer_lets_go_of_cells_that_are_others_there(two_layers: Atlas) -> None:
    view = Listening(two_layers)
    there = [name for name in cells(two_layers, 2) if int(name[2:]) in two_layers.level(2, "in/side").grid.cell]
    view.layer, view.selection, view.hovered = "body", there, there[0]
    view.layer = "in/side"
    assert (view.selection.ids, view.selection.layer, view.hovered) == ((), "in/side", "")
    # Said at once by a browser, whichever comes first, they are cells of the new layer.
    view.set_state({"selection": there, "layer": "body"})
    assert (view.selection.ids, view.selection.layer) == (tuple(there), "body")
    view.set_state({"layer": "in/side"})
    assert (view.selection.ids, view.selection.layer) == ((), "in/side")
    view.close()


def test_flying_moves_an_unseen_view_at_once_and_a_seen_one_by_message(view: Listening, small_atlas: Atlas) -> None:
    view.fly_to((0.25, 0.75), zoom=3)
    assert view.camera == [0.25, 0.75, 3.0]
    view.ask(kind="cells", layer="body", level=2)
    cell = small_atlas.level(4).grid
    view.fly_to(cells(small_atlas, 4)[0], seconds=0.5)
    sent, _ = view.sent[-1]
    assert sent["kind"] == "fly"
    assert sent["seconds"] == 0.5
    assert sent["camera"][:2] == pytest.approx(cell.centre[0])
    view.selection = cells(small_atlas, 4)[:3]
    view.fly_to(view.selection, seconds=0)
    left, top, right, bottom = view.selection.bounds()
    assert view.camera[:2] == pytest.approx([(left + right) / 2, (top + bottom) / 2])
    for target in ("4/99", (0.5, 1.5), (1, 2, 3)):
        with pytest.raises(AtlasError):
            view.fly_to(target)


def test_linked_views_share_a_link_and_a_place(view: Listening, small_atlas: Atlas) -> None:
    view.camera = [0.2, 0.3, 4.0]
    other = small_atlas.view().linked(view)
    assert other.link == view.link != ""
    assert other.camera == view.camera
    other.close()
