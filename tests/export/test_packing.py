"""Columns as a browser reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atlas.errors import AtlasError
from atlas.export.packing import PackedCells, class_attribution, pack_cells, quantise_attribution

if TYPE_CHECKING:
    from atlas.atlas import Atlas


def column(packed: PackedCells, name: str) -> np.ndarray[Any, Any]:
    """As a typed array over the buffer sees it."""
    about = packed.columns[name]
    assert about["offset"] % 4 == 0
    count = int(np.prod(about["shape"]))
    array = np.frombuffer(packed.data, np.dtype(about["dtype"]).newbyteorder("<"), count, about["offset"])
    assert array.nbytes == about["bytes"]
    return array.reshape(about["shape"])


def test_every_column_comes_out_as_the_table_says(small_atlas: Atlas) -> None:
    level = small_atlas.level(4)
    packed = pack_cells(level)
    table = small_atlas.cells(4)
    assert packed.n == len(table)
    for name in ("cell", "count", "spread", "cosine", "mixture"):
        np.testing.assert_array_equal(column(packed, name), table[name])
    np.testing.assert_array_equal(column(packed, "top_class")[:, 0], table["class_index"])
    np.testing.assert_array_equal(column(packed, "top_value")[:, 0], table["attribution"])
    assert (np.diff(column(packed, "top_value"), axis=1) <= 0).all()


def test_attribution_to_a_class_is_that_of_its_column(small_atlas: Atlas) -> None:
    level = small_atlas.level(4)
    assert level.grid.attribution is not None
    np.testing.assert_array_equal(class_attribution(level, 3), level.grid.attribution[:, 3])
    for beyond in (-1, 5):
        with pytest.raises(AtlasError, match=f"no class {beyond}: this atlas knows 0 to 4"):
            class_attribution(level, beyond)


@given(arrays(np.float32, (7, 3), elements=st.floats(-1e6, 1e6, width=32)))
def test_a_byte_an_attribution_is_off_by_half_a_step_at_most(table: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    codes, scale = quantise_attribution(table)
    assert codes.dtype == np.int8
    back = codes.astype(np.float64) * scale
    assert (np.abs(back - table) <= 0.5001 * scale + 1e-30).all()
    assert (np.sign(codes) * np.sign(table) >= 0).all()
