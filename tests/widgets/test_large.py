"""One cell rendered large, in a thread."""

from __future__ import annotations

import io
import queue
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from atlas.errors import AtlasError
from atlas.render import RenderSettings
from atlas.widgets.large import LargeIcons

if TYPE_CHECKING:
    from atlas.atlas import Atlas
    from atlas.models import VisionModel

SETTINGS = RenderSettings(size=48, steps=40, tile=1, rescues=0)
Messages = queue.Queue[tuple[dict[str, Any], list[bytes]]]


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


def test_a_new_request_takes_the_place_of_the_one_before(small_atlas: Atlas, small_net: VisionModel) -> None:
    sent: Messages = queue.Queue()
    long = RenderSettings(size=48, steps=100_000, tile=1, rescues=0)
    large = LargeIcons(small_atlas, small_net, lambda *message: sent.put(message), long)
    first, second = request(small_atlas, 0), request(small_atlas, 1)
    large.start(first)
    assert sent.get(timeout=60)[0]["cell"] == first["cell"]
    large.start(second)
    while sent.get(timeout=60)[0]["cell"] != second["cell"]:
        pass
    # Ends the second one too; without stopping it would go on for an hour.
    large.close()
    assert all(content["cell"] == second["cell"] for content, _ in list(sent.queue))


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
