"""Zeros, duplicates and the projection of wide vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from atlas.layout.prepare import find_distinct, fit_reduction, reduce_rows
from atlas.layout.rows import iter_chosen, unit_rows


@settings(deadline=None)
@given(
    hnp.arrays(
        np.float16, st.tuples(st.integers(0, 12), st.integers(1, 3)), elements=st.sampled_from([0.0, -0.0, 1.0, 0.5])
    )
)
def test_every_row_finds_the_first_row_that_equals_it(vectors: np.ndarray) -> None:
    distinct = find_distinct(vectors)
    rows = [tuple(row) for row in vectors.tolist()]
    firsts = sorted({rows.index(row) for row in rows if any(row)})
    assert distinct.first.tolist() == firsts
    for number, row in enumerate(rows):
        point = distinct.point[number]
        assert (point == -1) == (not any(row))
        if point >= 0:
            assert rows[distinct.first[point]] == row
    assert distinct.n_zero == sum(not any(row) for row in rows)
    assert distinct.n_duplicates + distinct.n_zero + len(firsts) == len(rows)


@given(hnp.arrays(np.float32, (4, 3), elements=st.floats(-(2.0**99), 2.0**99, width=32)))
def test_unit_rows_have_length_one_or_zero(rows: np.ndarray) -> None:
    lengths = np.linalg.norm(unit_rows(rows).astype(np.float64), axis=1)
    for row, length in zip(rows, lengths, strict=True):
        assert length == (pytest.approx(1, abs=1e-5) if np.abs(row).max() > 1e-37 else pytest.approx(length))
        assert (length == 0) == (not row.any())


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_projection_is_the_uncentred_singular_value_decomposition(metric: str) -> None:
    rng = np.random.default_rng(0)
    vectors = np.abs(rng.normal(size=(400, 30)) * (1.0 + np.arange(30)) ** -0.7)
    distinct = find_distinct(vectors)
    reduction = fit_reduction(vectors, distinct, metric, 8, seed=0)  # type: ignore[arg-type]
    scaled = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) if metric == "cosine" else vectors
    expected = np.linalg.svd(scaled)[2][:8]
    assert reduction.basis is not None
    np.testing.assert_allclose(np.abs(expected @ reduction.basis), np.eye(8), atol=1e-3)
    kept = np.linalg.norm(expected @ (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).T, axis=0)
    np.testing.assert_allclose(reduction.kept_length(vectors.astype(np.float32)), kept, atol=1e-4)


def test_cosines_survive_a_projection_that_loses_nothing() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.random((50, 6)) @ rng.random((6, 90))
    distinct = find_distinct(vectors)
    reduced = reduce_rows(vectors, distinct, fit_reduction(vectors, distinct, "cosine", 6, seed=0))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(reduced @ reduced.T, unit @ unit.T, atol=1e-5)


def test_narrow_vectors_are_not_projected() -> None:
    vectors = np.random.default_rng(0).random((20, 8))
    distinct = find_distinct(vectors)
    assert fit_reduction(vectors, distinct, "cosine", 8, seed=0).basis is None


@given(st.sets(st.integers(0, 20_000), max_size=50))
def test_chosen_rows_are_read_in_order(numbers: set[int]) -> None:
    rows = np.array(sorted(numbers), dtype=np.int64)
    read = [part[:, 0] for part in iter_chosen(np.arange(20_001, dtype=np.float32)[:, None], rows)]
    assert np.array_equal(np.concatenate([np.empty(0), *read]), rows)
