from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.widgets.listening import Listening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atlas.atlas import Atlas
    from atlas.models import VisionModel


@pytest.fixture
def view(small_atlas: Atlas, small_net: VisionModel) -> Iterator[Listening]:
    made = Listening(small_atlas, model=small_net)
    yield made
    made.close()
