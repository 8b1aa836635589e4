from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.activations.positions import default_per_image, interior, positions_per_image, sample_positions
from atlas.errors import AtlasError


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1, 1), [(0, 0)]),
        ((2, 2), [(0, 0), (0, 1), (1, 0), (1, 1)]),
        ((3, 3), [(1, 1)]),
        ((4, 4), [(1, 1), (1, 2), (2, 1), (2, 2)]),
        ((2, 5), [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]),
        ((1, 3), [(0, 1)]),
    ],
)
def test_the_interior_leaves_out_the_ring_and_keeps_the_centre_of_small_maps(
    size: tuple[int, int], expected: list[tuple[int, int]]
) -> None:
    assert [tuple(position) for position in interior(*size).tolist()] == expected


@given(st.integers(4, 40), st.integers(4, 40))
def test_no_interior_position_touches_the_edge(h: int, w: int) -> None:
    inside = interior(h, w)
    assert len(inside) == (h - 2) * (w - 2)
    assert inside.min() == 1
    assert inside[:, 0].max() == h - 2
    assert inside[:, 1].max() == w - 2


@pytest.mark.parametrize(("images", "expected"), [(500, 40), (1_000, 20), (15_000, 2), (20_000, 1), (100_000, 1)])
def test_the_default_aims_at_twenty_thousand_activations(images: int, expected: int) -> None:
    assert default_per_image(images) == expected


def test_positions_per_image_stop_at_the_interior() -> None:
    assert positions_per_image(None, 10, (12, 12)) == 100
    assert positions_per_image(None, 100_000, (12, 12)) == 1
    assert positions_per_image("all", 100_000, (12, 12)) == 100
    assert positions_per_image(7, 100_000, (3, 3)) == 1


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True, "every"])
def test_a_wrong_number_of_positions_is_refused_by_value(wrong: object) -> None:
    with pytest.raises(AtlasError, match=f"per_image is {wrong!r}"):
        positions_per_image(wrong, 10, (12, 12))  # type: ignore[arg-type]


@given(st.text(max_size=20), st.integers(1, 15), st.integers(1, 15), st.integers(1, 60), st.integers(0, 2**70))
def test_a_sample_is_distinct_inside_in_order_and_repeatable(image: str, h: int, w: int, k: int, seed: int) -> None:
    drawn = sample_positions(image, "layer", (h, w), k, seed)
    inside = [tuple(position) for position in interior(h, w).tolist()]
    chosen = [tuple(position) for position in drawn.tolist()]
    assert len(chosen) == len(set(chosen)) == min(k, len(inside))
    assert chosen == sorted(chosen)
    assert set(chosen) <= set(inside)
    np.testing.assert_array_equal(drawn, sample_positions(image, "layer", (h, w), k, seed))


def test_image_layer_and_seed_each_change_the_draw() -> None:
    base = sample_positions("a.jpg", "mixed4c", (30, 30), 5, 0)
    for other in (("b.jpg", "mixed4c", 0), ("a.jpg", "mixed4d", 0), ("a.jpg", "mixed4c", 1)):
        image, layer, seed = other
        assert not np.array_equal(base, sample_positions(image, layer, (30, 30), 5, seed))


def test_every_position_is_drawn_equally_often() -> None:
    draws = np.concatenate([sample_positions(f"{n}.jpg", "mixed4c", (6, 6), 3, 0) for n in range(4_000)])
    counts = np.bincount(draws[:, 0] * 6 + draws[:, 1], minlength=36).reshape(6, 6)[1:-1, 1:-1]
    expected = 4_000 * 3 / 16
    # Six standard deviations of a binomial count.
    assert np.abs(counts - expected).max() < 6 * np.sqrt(expected)


def test_draws_stay_what_they_were_in_earlier_releases() -> None:
    assert sample_positions("folder/photo.jpg", "mixed4c", (14, 14), 4, 0).tolist() == [[3, 3], [7, 9], [8, 8], [9, 11]]
