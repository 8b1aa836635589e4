"""One cell rendered large, in a thread."""

from __future__ import annotations

import dataclasses
import io
import queue
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from atlas.errors import AtlasError
from atlas.render import RenderSettings
from atlas.widgets.large import LargeIcons

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atlas.atlas import Atlas
    from atlas.models import VisionModel

SETTINGS = RenderSettings(size=48, steps=40, tile=1, rescues=0)
Messages = queue.Queue[tuple[dict[str, Any], list[bytes]]]


def threads() -> list[threading.Thread]:
    """Those that draw a cell."""
    return [thread for thread in threading.enumerate() if thread.name == "atlas-large-icon"]


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """Threads that the test before has stopped may take a step to end."""
    yield
    for thread in threads():
        thread.join(60)
    assert threads() == []


def request(world: Atlas, row: int = 0) -> dict[str, Any]:
    return {"layer": "body", "level": 4, "cell": int(world.level(4).grid.cell[row])}


def test_a_cell_comes_large_with_its_progress_and_its_cosine(small_atlas: Atlas, small_net: VisionModel) -> None:
    sent: Messages = queue.Queue()
    large = LargeIcons(small_atlas, small_net, lambda *message: sent.put(message), SETTINGS)
    large.start(request(small_atlas))
    messages = [sent.get(timeout=60)]
    while messages[-1][0]["kind"] != "rendered":
        messages.append(sent.get(timeout=60))
    steps = [content["step"] for content, _ in messages[:-1]]
    assert steps == sorted(steps)
    assert steps[-1] == SETTINGS.steps
    content, (picture,) = messages[-1]
    assert content["cell"] == request(small_atlas)["cell"]
    assert 0 < content["cosine"] <= 1
    with Image.open(io.BytesIO(picture)) as image:
        assert image.size == (48, 48)
        assert np.asarray(image).std() > 1
    large.close()


#: Without being stopped it would go on for an hour.
LONG = RenderSettings(size=48, steps=100_000, tile=1, rescues=0)


def test_a_new_request_takes_the_place_of_the_one_before_which_is_told(
    small_atlas: Atlas, small_net: VisionModel
) -> None:
    sent: Messages = queue.Queue()
    large = LargeIcons(small_atlas, small_net, lambda *message: sent.put(message), LONG)
    first, second = request(small_atlas, 0), request(small_atlas, 1)
    large.start(first)
    assert sent.get(timeout=60)[0]["cell"] == first["cell"]
    large.start(second)
    content: dict[str, Any] = {}
    # The second one may begin before the first has ended.
    while content.get("kind") != "rendered":
        content, buffers = sent.get(timeout=60)
    assert (content["cell"], content["error"], buffers) == (first["cell"], "Another cell is drawn instead.", [])
    while sent.get(timeout=60)[0].get("step", 0) == 0:
        pass
    large.close()


def test_asking_again_for_the_cell_that_is_drawn_goes_on_with_it(small_atlas: Atlas, small_net: VisionModel) -> None:
    sent: Messages = queue.Queue()
    drawing, go_on = threading.Event(), threading.Event()

    def send(*message: Any) -> None:
        sent.put(message)
        drawing.set()
        assert go_on.wait(60)

    large = LargeIcons(small_atlas, small_net, send, SETTINGS)
    large.start(request(small_atlas))
    assert drawing.wait(60)
    large.start(request(small_atlas))
    go_on.set()
    kinds = []
    while "rendered" not in kinds:
        content, _ = sent.get(timeout=60)
        assert "error" not in content
        kinds.append(content["kind"])
    for thread in threads():
        thread.join(60)
    assert sent.empty()


def test_closing_waits_for_nobody_and_nothing_is_sent_after(small_atlas: Atlas, small_net: VisionModel) -> None:
    sent: Messages = queue.Queue()
    stuck, go_on = threading.Event(), threading.Event()
    released: list[bool] = []

    def send(*message: Any) -> None:
        sent.put(message)
        stuck.set()
        released.append(go_on.wait(60))

    large = LargeIcons(small_atlas, small_net, send, LONG)
    large.start(request(small_atlas))
    assert stuck.wait(60)
    (thread,) = threads()
    # Would wait for as long as the thread does, if it waited for the thread.
    large.close()
    go_on.set()
    thread.join(60)
    assert not thread.is_alive()
    assert released == [True]
    large.start(request(small_atlas))
    assert threads() == []
    assert sent.qsize() == 1


def test_a_view_that_is_closed_while_another_renders_does_not_wait_for_its_turn(
    small_atlas: Atlas, small_net: VisionModel
) -> None:
    heard: Messages = queue.Queue()
    waiting: Messages = queue.Queue()
    other = LargeIcons(small_atlas, small_net, lambda *message: heard.put(message), LONG)
    other.start(request(small_atlas))
    while heard.get(timeout=60)[0]["step"] == 0:
        pass
    (busy,) = threads()
    large = LargeIcons(small_atlas, small_net, lambda *message: waiting.put(message), SETTINGS)
    large.start(request(small_atlas))
    # It says again and again that it has not begun, for as long as it waits.
    assert [waiting.get(timeout=60)[0]["step"] for _ in range(2)] == [0, 0]
    (thread,) = (thread for thread in threads() if thread is not busy)
    large.close()
    thread.join(60)
    assert not thread.is_alive()
    assert busy.is_alive()
    other.close()
    busy.join(60)
    assert not busy.is_alive()


def test_a_fault_of_the_program_is_told_and_keeps_its_traceback(
    small_atlas: Atlas, small_net: VisionModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: queue.Queue[threading.ExceptHookArgs] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", kept.put)
    sent: Messages = queue.Queue()
    torn = LargeIcons(small_atlas, small_net, lambda *message: sent.put(message), SETTINGS)
    monkeypatch.setattr(torn, "_settings", dataclasses.replace(SETTINGS, power=None))  # type: ignore[arg-type]
    torn.start(request(small_atlas))
    assert sent.get(timeout=60)[0]["kind"] == "rendering"
    content, _ = sent.get(timeout=60)
    assert content["kind"] == "rendered"
    assert content["error"].startswith("TypeError: ")
    assert kept.get(timeout=60).exc_type is TypeError


def test_an_empty_cell_is_refused_and_a_lost_network_told(small_atlas: Atlas) -> None:
    sent: Messages = queue.Queue()
    large = LargeIcons(small_atlas, None, lambda *message: sent.put(message), SETTINGS)
    with pytest.raises(AtlasError, match="Cell 99 of level 4 is empty"):
        large.start({"layer": "body", "level": 4, "cell": 99})
    large.start(request(small_atlas))
    assert sent.get(timeout=60)[0]["kind"] == "rendering"
    content, _ = sent.get(timeout=60)
    assert "came from small, which has no known weights; give model=" in content["error"]
    large.close()
