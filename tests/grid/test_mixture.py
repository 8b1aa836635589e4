"""Two planted groups are flagged, one is not."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.grid import members as members_module
from atlas.grid.members import Members
from atlas.grid.mixture import is_mixture


def flagged_share(vectors: np.ndarray, n_cells: int) -> float:
    slot = np.repeat(np.arange(n_cells), len(vectors) // n_cells)
    return float(is_mixture(Members(vectors, slot, n_cells).units()).mean())


def one_group(n: int, C: int, power: float, n_cells: int, *, flat: bool = False) -> np.ndarray:
    """Clouds around random directions; the variances along the channels fall by a power law.

    With ``flat`` the first and widest channel is uniform: a cell that lies across a continuum.
    """
    rng = np.random.default_rng(n * C)
    noise = rng.normal(size=(n * n_cells, C))
    if flat:
        noise[:, 0] = rng.uniform(-1.73, 1.73, n * n_cells)
    scale = (1.0 + np.arange(C)) ** -power
    centre = rng.normal(size=(n_cells, C))
    centre /= np.linalg.norm(centre, axis=1, keepdims=True)
    return np.repeat(centre, n, axis=0) + noise * scale * 0.5 / np.linalg.norm(scale)


def two_groups(n: int, C: int, share: float, n_cells: int) -> np.ndarray:
    """Non-negative vectors around two random directions a cell; ``share`` of the members are of the second."""
    rng = np.random.default_rng(n + C)
    centre = np.maximum(rng.normal(size=(n_cells, 2, C)), 0)
    of_second = np.arange(n) < share * n
    picked = centre[:, of_second.astype(int), :].reshape(n * n_cells, C)
    return np.maximum(picked + rng.normal(scale=0.25, size=picked.shape), 0)


@pytest.mark.parametrize("n", [5, 8, 12, 20, 60, 200])
@pytest.mark.parametrize(("C", "power"), [(2, 0), (8, 0), (64, 0), (64, 1), (64, 2), (256, 0.5)])
def test_at_most_two_percent_of_gaussian_cells_are_flagged(n: int, C: int, power: float) -> None:
    n_cells = 60 if C * n > 10_000 else 200
    assert flagged_share(one_group(n, C, power, n_cells), n_cells) <= 0.02


@pytest.mark.parametrize("n", [8, 20, 60])
@pytest.mark.parametrize(("C", "power"), [(8, 0), (64, 1), (64, 2)])
def test_at_most_three_percent_of_cells_across_a_continuum_are_flagged(n: int, C: int, power: float) -> None:
    assert flagged_share(one_group(n, C, power, 200, flat=True), 200) <= 0.03


@pytest.mark.parametrize("n", [12, 20, 60, 200])
@pytest.mark.parametrize("C", [32, 256])
@pytest.mark.parametrize("share", [0.5, 0.3])
def test_cells_with_two_groups_are_flagged(n: int, C: int, share: float) -> None:
    assert flagged_share(two_groups(n, C, share, 30), 30) >= 0.9


def test_one_stray_member_is_not_a_group() -> None:
    assert flagged_share(two_groups(40, 64, 0.02, 30), 30) == 0


def test_groups_that_look_alike_are_not_flagged() -> None:
    rng = np.random.default_rng(0)
    centre = rng.uniform(1, 2, size=(2, 64)) * [[1.0], [1.0]]
    centre[1] = centre[0] + 0.05 * (centre[1] - centre[0])
    vectors = np.repeat(centre, 20, axis=0) + rng.normal(scale=1e-4, size=(40, 64))
    assert flagged_share(vectors, 1) == 0


def test_equal_members_are_one_group() -> None:
    assert flagged_share(np.tile(np.random.default_rng(0).normal(size=24), (50, 1)), 1) == 0


def test_cells_are_judged_alone_and_alike_however_rows_are_read() -> None:
    vectors = np.concatenate([two_groups(20, 32, 0.5, 5), one_group(20, 32, 0.5, 5)])
    slot = np.repeat(np.arange(10), 20)
    order = np.random.default_rng(1).permutation(200)
    together = is_mixture(Members(vectors, slot, 10).units())
    shuffled = is_mixture(Members(vectors[order], slot[order], 10, chunk_rows=17).units())
    alone = [is_mixture(Members(vectors[slot == cell], np.zeros(20, np.int64), 1).units())[0] for cell in range(10)]
    assert together.tolist() == [True] * 5 + [False] * 5
    assert together.tolist() == shuffled.tolist() == alone


def test_vectors_that_do_not_fit_into_memory_are_judged_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.concatenate([two_groups(20, 32, 0.5, 5), one_group(20, 32, 0.5, 5)])
    slot = np.repeat(np.arange(10), 20)
    kept = is_mixture(Members(vectors, slot, 10).units())
    monkeypatch.setattr(members_module, "_KEPT_BYTES", 0)
    assert is_mixture(Members(vectors, slot, 10, chunk_rows=30).units()).tolist() == kept.tolist()
