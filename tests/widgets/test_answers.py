"""What a view answers to requests of the browser, until it is closed."""

from __future__ import annotations

import gc
import shutil
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from atlas.atlas import Atlas
from tests.widgets.listening import Listening

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atlas.models import VisionModel


def test_requests_are_answered_with_buffers(view: Listening, small_atlas: Atlas) -> None:
    level = small_atlas.level(4)
    assert level.icons is not None
    assert level.grid.attribution is not None
    answer, (data,) = view.ask(kind="cells", layer="body", level=4)
    assert (answer["ok"], answer["id"], answer["n"]) == (True, 7, len(level.grid))
    counts = answer["columns"]["count"]
    np.testing.assert_array_equal(
        np.frombuffer(data, "<i4", answer["n"], counts["offset"]), level.grid.count.astype(np.int32)
    )
    assert view.ask(kind="sheet", layer="body", level=4, sheet=0)[1] == [level.icons.read(0)]
    _, (values,) = view.ask(kind="attribution", layer="body", level=4, class_index=2)
    np.testing.assert_array_equal(np.frombuffer(values, "<f4"), level.grid.attribution[:, 2])


@pytest.mark.parametrize(
    "request_",
    [
        {"kind": "cells", "layer": "body", "level": 9},
        {"kind": "cells"},
        {"kind": "sheet", "layer": "body", "level": 4, "sheet": 5},
        {"kind": "sheet", "layer": "../..", "level": 4, "sheet": 0},
        {"kind": "attribution", "layer": "body", "level": 4, "class_index": 99},
        {"kind": "patches", "layer": "body", "level": 4, "cell": 0},
        {"kind": "render", "layer": "body", "level": 4, "cell": 99},
        {"kind": "shell", "command": "rm"},
        {"kind": ["cells"], "layer": {}, "level": None},
    ],
)
def test_a_request_that_cannot_be_met_is_answered_with_a_sentence(view: Listening, request_: dict[str, Any]) -> None:
    answer, buffers = view.ask(**request_)
    assert answer["ok"] is False
    assert answer["id"] == 7
    assert len(answer["error"]) > 10
    assert buffers == []


def test_a_deleted_sheet_and_a_deleted_atlas_are_told(small_atlas: Atlas, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small_atlas.path, tmp_path / "copy.atlas"))
    view = Listening(Atlas(folder))
    assert view.ask(kind="sheet", layer="body", level=4, sheet=0)[0]["ok"]
    (sheet,) = folder.glob("layers/body/levels/0004/icons-*/icons-000.webp")
    sheet.unlink()
    answer, _ = view.ask(kind="sheet", layer="body", level=4, sheet=0)
    assert "is missing or is a link: build this level again" in answer["error"]
    assert str(tmp_path) not in answer["error"]
    shutil.rmtree(folder)
    answer, _ = view.ask(kind="sheet", layer="body", level=4, sheet=0)
    assert answer["error"].startswith("copy.atlas is not on the disk any more")
    view.close()


def test_real_patches_come_from_the_photographs(
    small_atlas: Atlas, small_pictures: NDArray[np.uint8], small_net: VisionModel
) -> None:
    plain = small_atlas.view(model=small_net)
    assert plain.header["patches"] == "none"
    plain.close()
    from atlas.patches import Patches  # noqa: PLC0415

    view = Listening(small_atlas, patches=Patches(small_atlas, small_pictures))
    assert view.header["patches"] == "kernel"
    cell = int(small_atlas.level(4).grid.cell[0])
    answer, patches = view.ask(kind="patches", layer="body", level=4, cell=cell)
    assert answer["count"] == len(patches) > 0
    assert {patch[8:12] for patch in patches} == {b"WEBP"}
    view.close()


def test_closing_ends_the_conversation_and_lets_go_of_the_view(small_atlas: Atlas, small_net: VisionModel) -> None:
    view = Listening(small_atlas, model=small_net)
    assert view.ask(kind="cells", layer="body", level=2)[0]["ok"]
    told = len(view.sent)
    handle = view._handle_custom_msg
    view.close()
    handle({"id": 8, "kind": "cells", "layer": "body", "level": 2}, [])
    handle({"id": 9, "kind": "render", "layer": "body", "level": 2, "cell": 0}, [])
    view.push({"kind": "progress", "stage": "icons", "done": 1, "total": 2, "seconds_left": None})
    assert len(view.sent) == told
    assert view.comm is None
    gone = weakref.ref(view)
    del view, handle
    gc.collect()
    assert gone() is None
