"""Points that UMAP leaves without coordinates, and the frame."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from atlas.layout import Frame
from atlas.layout.embed import place_disconnected, principal_components
from atlas.layout.neighbours import Neighbours


def chain(*rows: list[int]) -> Neighbours:
    indices = np.array(rows, dtype=np.int32)
    return Neighbours(indices, np.zeros(indices.shape, np.float32))


def test_disconnected_points_go_where_their_neighbours_are() -> None:
    raw = np.array([[0.0, 0], [2, 4], [np.nan, np.nan], [np.nan, np.nan], [9, 9]])
    placed = place_disconnected(raw, chain([0, 1], [1, 0], [2, 1], [3, 2], [4, 0]))
    assert placed.tolist() == [[0, 0], [2, 4], [2, 4], [2, 4], [9, 9]]


def test_disconnected_points_without_placed_neighbours_go_to_the_middle() -> None:
    raw = np.array([[0.0, 0], [2, 4], [np.nan, np.nan], [np.nan, np.nan]])
    placed = place_disconnected(raw, chain([0, 1], [1, 0], [2, 3], [3, -1]))
    assert placed[2:].tolist() == [[1, 2], [1, 2]]


def test_if_all_points_are_disconnected_all_go_to_one_place() -> None:
    placed = place_disconnected(np.full((3, 2), np.nan), chain([0, 1], [1, 2], [2, 0]))
    assert placed.tolist() == [[0, 0]] * 3


def test_principal_components_keep_distances_in_the_plane() -> None:
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(20, 2)) @ np.linalg.qr(rng.normal(size=(7, 2)))[0].T + 3
    placed = principal_components(plane.astype(np.float32))
    apart = np.linalg.norm(plane[:, None] - plane, axis=2)
    np.testing.assert_allclose(np.linalg.norm(placed[:, None] - placed, axis=2), apart, atol=1e-5)
    np.testing.assert_allclose(placed.mean(axis=0), 0, atol=1e-6)


@given(hnp.arrays(np.float64, st.tuples(st.integers(0, 40), st.just(2)), elements=st.floats(-50, 50)))
def test_the_frame_puts_the_percentiles_a_margin_from_the_edge(raw: np.ndarray) -> None:
    xy = Frame.around(raw, (1, 99), 0.1)(raw)
    assert np.isfinite(xy).all()
    for axis in (0, 1):
        if len(raw) and np.ptp(np.percentile(raw[:, axis], [1, 99])) > 1e-3:
            np.testing.assert_allclose(np.percentile(xy[:, axis], [1, 99]), [1 / 12, 11 / 12], atol=1e-3)


def test_outliers_keep_their_distance() -> None:
    raw = np.stack([np.linspace(0, 1, 1001), np.linspace(0, 1, 1001)], axis=1)
    raw[0], raw[-1] = -500, 500
    xy = Frame.around(raw, (1, 99), 0.1)(raw)
    assert xy[0, 0] < -300
    assert xy[-1, 1] > 300
    assert ((xy[1:-1] > 0) & (xy[1:-1] < 1)).all()


def test_points_without_coordinates_do_not_move_the_frame() -> None:
    raw = np.random.default_rng(0).normal(size=(50, 2))
    with_gaps = np.concatenate([raw, np.full((30, 2), np.nan)])
    assert Frame.around(with_gaps, (1, 99), 0.1) == Frame.around(raw, (1, 99), 0.1)


@pytest.mark.parametrize("value", [0.0, 7.0, -1e6])
def test_points_on_one_spot_are_in_the_middle(value: float) -> None:
    raw = np.full((5, 2), value)
    assert (Frame.around(raw, (1, 99), 0.1)(raw) == 0.5).all()


def test_a_layout_leaves_torch_the_threads_that_it_had() -> None:
    # In a program of its own: numba sets them when it starts, once.
    code = """
import numpy as np, torch
from atlas.layout import LayoutSettings, layout

vectors = np.random.default_rng(0).random((60, 5), dtype=np.float32)
for threads in (1, 2):
    torch.set_num_threads(threads)
    layout(vectors, LayoutSettings(n_epochs=1))
    assert torch.get_num_threads() == threads
"""
    subprocess.run([sys.executable, "-c", code], check=True)
