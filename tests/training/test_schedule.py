from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from atlas.training import TrainSettings
from atlas.training.schedule import image_size, learning_rate

SETTINGS = TrainSettings(sizes=(64, 80, 96), learning_rate=0.2, warm_up=0.1)
shares = st.floats(0, 1)


@given(shares, shares)
def test_the_rate_rises_over_the_warm_up_and_falls_after_it(one: float, other: float) -> None:
    early, late = sorted((one, other))
    first, second = learning_rate(early, SETTINGS), learning_rate(late, SETTINGS)
    assert 0 <= first <= SETTINGS.learning_rate
    if late <= SETTINGS.warm_up:
        assert first <= second
    if early >= SETTINGS.warm_up:
        assert first >= second


def test_the_rate_is_full_after_the_warm_up_half_midway_and_zero_at_the_end() -> None:
    assert learning_rate(0.1, SETTINGS) == 0.2
    assert abs(learning_rate(0.55, SETTINGS) - 0.1) < 1e-12
    assert learning_rate(1.0, SETTINGS) < 1e-12


@given(shares, shares)
def test_images_only_grow(one: float, other: float) -> None:
    early, late = sorted((one, other))
    assert image_size(early, SETTINGS) <= image_size(late, SETTINGS)


def test_every_size_has_an_equal_share() -> None:
    sizes = [image_size((i + 0.5) / 300, SETTINGS) for i in range(300)]
    assert [sizes.count(size) for size in (64, 80, 96)] == [100, 100, 100]
