from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from atlas.activations import select
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from atlas.activations import Activations


def test_selected_rows_keep_everything_that_belongs_to_them(made_up: Activations) -> None:
    rows = np.array([7, 3, 120])
    part = select(made_up, "block/1.conv", rows)
    assert part.layers == ("block/1.conv",)
    whole, some = made_up["block/1.conv"], part["block/1.conv"]
    np.testing.assert_array_equal(some.vectors, np.asarray(whole.vectors)[rows])
    np.testing.assert_array_equal(some.attributions, np.asarray(whole.attributions)[rows])
    np.testing.assert_array_equal(some.position, whole.position[rows])
    assert [part.image_ids[i] for i in some.image] == [made_up.image_ids[i] for i in whole.image[rows]]
    assert some.labels == [whole.labels[row] for row in rows]


def test_its_digest_stands_for_the_rows_and_their_order(made_up: Activations) -> None:
    digests = {select(made_up, "block/1.conv", np.array(rows)).digest for rows in ([1, 2], [2, 1], [1], [1, 2, 3])} | {
        select(made_up, "mixed5b", np.array([1, 2])).digest,
        made_up.digest,
    }
    assert len(digests) == 6
    assert select(made_up, "mixed5b", np.array([1, 2])).digest in digests


@pytest.mark.parametrize("rows", [[], [1, 1], [-1], [130]])
def test_rows_that_cannot_be_chosen_are_refused(made_up: Activations, rows: list[int]) -> None:
    with pytest.raises(AtlasError, match="chosen each once, from 0 to 129"):
        select(made_up, "block/1.conv", np.array(rows, dtype=np.int64))
