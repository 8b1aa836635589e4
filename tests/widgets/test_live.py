"""What a view is sent while its atlas is built."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from atlas.atlas import Atlas
from atlas.errors import AtlasError
from atlas.progress import Watcher
from atlas.render import RenderSettings
from atlas.widgets.live import LiveView
from tests.widgets.listening import Listening

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from atlas.activations import Activations


class Opened(LiveView):
    """Opens its view without a notebook around it."""

    def changed(self, folder: Path) -> None:
        if self.view is None:
            self.view = Listening(Atlas(folder))
        super().changed(folder)


@pytest.fixture(autouse=True)
def _once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent does not depend on how long a build takes."""
    monkeypatch.setattr("atlas.widgets.live._REPEAT_AFTER_S", ())


def test_cells_icons_and_progress_are_sent_as_they_come(
    small_acts: Activations, build_small: Callable[..., Atlas], tmp_path: Path, recorder: Any
) -> None:
    report = recorder()
    live = Opened(report)
    assert isinstance(live, Watcher)
    with live:
        quick = RenderSettings(size=32, steps=14, tile=4, rescues=0)
        world = build_small(small_acts, tmp_path / "live.atlas", progress=live, rendering=quick)
    assert isinstance(live.view, Listening)
    sent = live.view.sent
    cells = [content["level"] for content, _ in sent if content["kind"] == "cells"]
    assert cells == [2, 2, 4, 4]
    for size in (2, 4):
        icons = world.level(size).icons
        assert icons is not None
        last: dict[int, bytes] = {}
        times = 0
        for content, buffers in sent:
            if content["kind"] == "icons" and content["level"] == size:
                assert content["icon_px"] == 32
                last |= zip(content["rows"], buffers, strict=True)
                times += len(buffers)
        assert sorted(last) == list(range(len(world.level(size).grid)))
        # Unfinished ones came before.
        assert times > len(last)
        for row, data in last.items():
            with Image.open(io.BytesIO(data)) as image:
                assert np.abs(np.asarray(image).astype(int) - icons[row]).mean() < 12
    progress = [content for content, _ in sent if content["kind"] == "progress"]
    assert progress[-1]["stage"] == ""
    # Every stage that began while the view was open is told to its end.
    ended = [(stage, done) for stage, done, total in report.calls if done == total and stage.startswith("icons")]
    assert ended == [("icons body 2", 4), ("icons body 4", len(world.level(4).grid))]
    assert [(p["stage"], p["done"]) for p in progress if p["stage"] and p["done"] == p["total"]] == ended
    assert all(p["seconds_left"] is None or p["seconds_left"] >= 0 for p in progress)
    assert any("icons" in line for line in report.notes)
    assert all(level["icons"] for level in live.view.header["layers"][0]["levels"])
    live.view.close()


def test_an_interrupted_build_keeps_what_was_shown(
    small_acts: Activations, build_small: Callable[..., Atlas], tmp_path: Path, recorder: Any
) -> None:
    live = Opened(recorder(stop=lambda stage, done, _total: stage == "icons body 4" and done > 4))
    with pytest.raises(KeyboardInterrupt), live:
        build_small(small_acts, tmp_path / "live.atlas", progress=live)
    assert isinstance(live.view, Listening)
    assert live.view.sent[-1][0]["stage"] == ""
    assert [level["icons"] for level in live.view.header["layers"][0]["levels"]] == [True, False]
    assert any(content["kind"] == "icons" and content["level"] == 4 for content, _ in live.view.sent)
    assert live.view._answers({"id": 1, "kind": "cells", "layer": "body", "level": 4})[0]["ok"]
    live.view.close()


def test_a_browser_that_comes_late_is_sent_what_it_has_missed(
    small_acts: Activations, build_small: Callable[..., Atlas], tmp_path: Path, recorder: Any
) -> None:
    live = Opened(recorder(stop=lambda stage, done, _total: stage == "icons body 4" and done > 4))
    answered: list[dict[str, Any]] = []

    def ask(level: int) -> list[tuple[dict[str, Any], list[bytes]]]:
        assert isinstance(live.view, Listening)
        before = len(live.view.sent)
        live.view._handle_custom_msg({"id": 1, "kind": "cells", "layer": "body", "level": level}, [])
        return live.view.sent[before:]

    icons = live.icons

    def heard(layer: str, size: int, rows: Any, images: Any) -> None:
        icons(layer, size, rows, images)
        if size == 4 and not answered:
            answered.extend(content for content, _ in ask(4))

    live.icons = heard  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt), live:
        build_small(small_acts, tmp_path / "live.atlas", progress=live)
    assert [content["kind"] for content in answered] == ["cells", "icons", "progress"]
    assert answered[2]["stage"] == "icons body 4"
    assert isinstance(live.view, Listening)
    newest: dict[int, bytes] = {}
    for content, buffers in live.view.sent:
        if content["kind"] == "icons" and content["level"] == 4:
            newest |= zip(content["rows"], buffers, strict=True)
    # After the interruption too, and without a bar.
    cells, missed = ask(4)
    assert cells[0]["ok"]
    assert dict(zip(missed[0]["rows"], missed[1], strict=True)) == newest
    assert missed[0]["icon_px"] == 32
    # What has its sheets is had from them.
    assert [content["kind"] for content, _ in ask(2)] == ["cells"]
    live.view.close()


def test_what_was_sent_before_a_browser_could_hear_is_sent_again(
    small_acts: Activations,
    build_small: Callable[..., Atlas],
    tmp_path: Path,
    recorder: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("atlas.widgets.live._REPEAT_AFTER_S", (0.0, 0.0))
    live = Opened(recorder())
    with live:
        build_small(small_acts, tmp_path / "live.atlas", progress=live)
    assert isinstance(live.view, Listening)
    cells = [content["level"] for content, _ in live.view.sent if content["kind"] == "cells"]
    # Level 2 twice more than without; nobody has asked.
    assert cells.count(2) == 4
    assert cells[:3] == [2, 2, 2]
    live.view.close()


def test_a_view_is_refused_at_once_where_there_is_no_notebook(
    small_acts: Activations, build_small: Callable[..., Atlas], tmp_path: Path
) -> None:
    with pytest.raises(AtlasError, match="view=True shows the atlas in a notebook"):
        build_small(small_acts, tmp_path / "none.atlas", view=True)
    assert not (tmp_path / "none.atlas").exists()
