"""Published settings, limits and clamping."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.errors import AtlasError
from atlas.layout import LayoutSettings


@pytest.mark.parametrize("name", ["mixed4a", "mixed4c", "mixed5b", "inception4c", "layer3"])
def test_deep_layers_get_fifty_neighbours_by_cosine(name: str) -> None:
    settings = LayoutSettings.for_layer(name)
    assert (settings.n_neighbors, settings.min_dist, settings.metric) == (50, 0.05, "cosine")


@pytest.mark.parametrize("name", ["conv2d0", "conv2d2", "mixed3a", "mixed3b"])
def test_early_layers_get_two_hundred_neighbours_by_distance(name: str) -> None:
    settings = LayoutSettings.for_layer(name)
    assert (settings.n_neighbors, settings.min_dist, settings.metric) == (200, 0.05, "euclidean")


@given(st.integers(10, 2_000_000), st.integers(2, 300))
def test_neighbours_are_clamped_to_what_there_is(n_points: int, n_neighbors: int) -> None:
    used = LayoutSettings(n_neighbors=n_neighbors).clamped(n_points)
    assert 2 <= used.n_neighbors <= min(n_neighbors, n_points - 1)
    assert used.n_neighbors == n_neighbors or used.n_neighbors in {5, n_points // 4}
    assert used.n_epochs == (500 if n_points <= 10_000 else 200)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_neighbors": 1},
        {"min_dist": -0.1},
        {"metric": "manhattan"},
        {"seed": -1},
        {"n_components_pca": 1},
        {"clip": (99.0, 1.0)},
        {"margin": -0.1},
        {"n_epochs": 0},
        {"n_epochs": 249, "method": "tsne"},
        {"method": "mds"},
        {"perplexity": 0.5},
        {"landmarks": 0},
    ],
)
def test_a_setting_out_of_range_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(AtlasError, match=next(iter(wrong))):
        LayoutSettings(**wrong)


def test_settings_of_the_other_method_decide_nothing() -> None:
    assert LayoutSettings(perplexity=5).record() == LayoutSettings().record()
    assert LayoutSettings(min_dist=0.5).record() != LayoutSettings().record()
    tsne = LayoutSettings(method="tsne")
    assert LayoutSettings(method="tsne", n_neighbors=5, min_dist=0.5).record() == tsne.record()
    assert LayoutSettings(method="tsne", perplexity=5).record() != tsne.record()
    assert tsne.record() != LayoutSettings().record()


def test_perplexity_is_clamped_to_what_there_is() -> None:
    assert LayoutSettings(method="tsne").clamped(31).perplexity == 10
    assert LayoutSettings(method="tsne").clamped(5000).perplexity == 30
    assert LayoutSettings(method="tsne").clamped(5000).n_epochs == 1000
