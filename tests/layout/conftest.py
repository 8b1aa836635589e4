"""Planted clusters, and one layout of them for all tests that only look."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.layout import Layout, LayoutSettings, layout


@pytest.fixture(scope="session")
def cluster() -> np.ndarray:
    """Which of four clusters each of 320 vectors belongs to."""
    cluster = np.random.default_rng(0).integers(0, 4, 320)
    cluster[10:13] = cluster[9]
    return cluster


@pytest.fixture(scope="session")
def vectors(cluster: np.ndarray) -> np.ndarray:
    """(320, 80) float16, non-negative; row 5 is zero, rows 10 to 12 are equal to row 9."""
    rng = np.random.default_rng(1)
    centres = np.maximum(rng.normal(size=(4, 80)), 0) * 3
    vectors: np.ndarray = np.maximum(centres[cluster] + rng.normal(scale=0.5, size=(320, 80)), 0).astype(np.float16)
    vectors[5] = 0
    vectors[10:13] = vectors[9]
    return vectors


@pytest.fixture(scope="session")
def quick() -> LayoutSettings:
    return LayoutSettings(n_neighbors=15, n_epochs=60, seed=3)


@pytest.fixture(scope="session")
def laid_out(vectors: np.ndarray, quick: LayoutSettings) -> Layout:
    return layout(vectors, quick)
