from __future__ import annotations

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from atlas.activations.encoding import Quantizer, StoredArray, checked
from atlas.errors import AtlasError

ROWS, COLUMNS = 23, 5
VALUES = np.random.default_rng(0).normal(size=(ROWS, COLUMNS)).astype(np.float16)


@pytest.fixture(scope="module")
def stored() -> StoredArray:
    array = zarr.create_array({}, shape=(40, COLUMNS), chunks=(4, COLUMNS), dtype="float16", fill_value=np.nan)
    array[:ROWS] = VALUES
    return StoredArray(array, ROWS, "test")


indices = st.one_of(
    st.integers(-ROWS, ROWS - 1),
    st.slices(ROWS),
    st.lists(st.integers(-ROWS, ROWS - 1), max_size=8).map(lambda rows: np.array(rows, dtype=np.int64)),
    hnp.arrays(np.bool_, ROWS),
)


@given(indices)
def test_rows_come_out_as_from_numpy(stored: StoredArray, index: int | slice) -> None:
    np.testing.assert_array_equal(stored[index], VALUES[index])


@given(indices, st.one_of(st.integers(-COLUMNS, COLUMNS - 1), st.slices(COLUMNS)))
def test_rows_and_columns_come_out_as_from_numpy(stored: StoredArray, rows: int | slice, columns: int | slice) -> None:
    np.testing.assert_array_equal(stored[rows, columns], VALUES[rows, columns])


def test_a_stored_array_turns_into_numpys(stored: StoredArray) -> None:
    assert stored.shape == (len(stored), COLUMNS) == VALUES.shape
    np.testing.assert_array_equal(np.asarray(stored), VALUES)
    assert np.asarray(stored, dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("index", [ROWS, -ROWS - 1, [0, ROWS], 0.5, np.ones(3, dtype=bool), (0, 0, 0), (0, COLUMNS)])
def test_an_index_outside_or_of_the_wrong_kind_is_an_index_error(stored: StoredArray, index: object) -> None:
    with pytest.raises(IndexError):
        stored[index]


@pytest.mark.parametrize("index", [30, slice(None), np.array([1, 12]), (slice(10, 20), 3)])
def test_a_missing_chunk_is_damage_not_zeros(index: object) -> None:
    array = zarr.create_array({}, shape=(40, COLUMNS), chunks=(4, COLUMNS), dtype="uint8", fill_value=255)
    array[:8] = 1
    quantizer = Quantizer.fit(np.zeros(COLUMNS), np.ones(COLUMNS))
    with pytest.raises(AtlasError, match="lacks some of its chunks"):
        StoredArray(array, 40, "test", quantizer)[index]


columns = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.floats(-1e6, 1e6, width=32)
)


@given(columns)
def test_one_byte_a_number_is_right_to_half_a_step_and_keeps_zero(values: np.ndarray) -> None:
    quantizer = Quantizer.fit(values.min(axis=0), values.max(axis=0))
    decoded = quantizer.decode(quantizer.encode(values))
    half_a_step = quantizer.scale / 2
    assert (np.abs(decoded - values) <= half_a_step * 1.01 + 1e-30).all()
    assert (decoded[values == 0] == 0).all()
    reach = np.maximum(values.max(axis=0), 0) - np.minimum(values.min(axis=0), 0)
    assert (quantizer.scale[reach > 1e-30] <= 1.001 * reach[reach > 1e-30] / 254).all()


@given(columns)
def test_no_value_is_encoded_as_a_hole(values: np.ndarray) -> None:
    assert Quantizer.fit(values.min(axis=0), values.max(axis=0)).encode(values).max() < 255


def test_a_number_beyond_float16_is_refused_with_the_remedy() -> None:
    values = np.array([[1.0, -7e4]], dtype=np.float32)
    with pytest.raises(AtlasError, match=r"activations of mixed4c reach 7e\+04.*encoding='float32'"):
        checked(values, "float16", "activations of mixed4c")
    np.testing.assert_array_equal(checked(values, "float32", "activations of mixed4c"), values)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(AtlasError, match="attributions of early are not finite"):
        checked(np.array([[bad]], dtype=np.float32), "float32", "attributions of early")
