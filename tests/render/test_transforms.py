from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.render import Robustness, warp

IDENTITY = torch.tensor([[1.0, 0, 0], [0, 1, 0]])


def pictures(n: int, size: int) -> torch.Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [16, 33])
def test_the_identity_map_changes_nothing(size: int) -> None:
    images = pictures(2, size)
    torch.testing.assert_close(warp(images, IDENTITY.expand(2, 2, 3)), images, rtol=0, atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.integers(8, 24), st.integers(-9, 9), st.integers(-9, 9))
def test_a_shift_by_whole_pixels_moves_pixels_and_leaves_grey(size: int, right: int, down: int) -> None:
    images = pictures(1, size)
    move = IDENTITY.clone()
    move[0, 2], move[1, 2] = 2 * right / size, 2 * down / size
    expected = torch.full_like(images, 0.5)
    for y in range(size):
        for x in range(size):
            if 0 <= y + down < size and 0 <= x + right < size:
                expected[:, :, y, x] = images[:, :, y + down, x + right]
    torch.testing.assert_close(warp(images, move[None]), expected, rtol=0, atol=1e-4)


def test_a_quarter_turn_is_numpys() -> None:
    images = pictures(1, 12)
    turn = torch.tensor([[[0.0, -1, 0], [1, 0, 0]]])
    assert np.allclose(warp(images, turn)[0].numpy(), np.rot90(images[0].numpy(), axes=(1, 2)), atol=1e-5)


def test_every_image_has_its_own_map() -> None:
    images = pictures(3, 16)
    maps = torch.from_numpy(Robustness().draw(np.random.default_rng(0), 3, 16))
    alone = [warp(images[i : i + 1], maps[i : i + 1])[0] for i in range(3)]
    assert torch.equal(warp(images, maps), torch.stack(alone))
    assert not torch.equal(alone[0], warp(images[:1], maps[1:2])[0])


def parts(maps: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shift in pixels, scale and angle in degrees."""
    shift = maps[:, :, 2] * size / 2
    scale = np.hypot(maps[:, 0, 0], maps[:, 1, 0])
    return shift, scale, np.degrees(np.arctan2(maps[:, 1, 0], maps[:, 0, 0]))


def test_draws_stay_in_their_ranges_and_most_of_the_rotation_is_small() -> None:
    views = Robustness(jitter=(4, 8), scale=0.05, rotate=20)
    maps = views.draw(np.random.default_rng(0), 20_000, 48)
    assert maps.shape == (20_000, 2, 3)
    assert maps.dtype == np.float32
    shift, scale, angle = parts(maps, 48)
    # A range of 4 px is 2 px to either side.
    assert 5.5 < np.abs(shift).max() <= 6.0001
    assert 1.049 < scale.max() <= 1.05001
    assert 0.94999 <= scale.min() < 0.951
    assert 19.5 < np.abs(angle).max() <= 20.001
    # The angle is a uniform number squared: half of the draws lie within a quarter of the range.
    assert np.median(np.abs(angle)) == pytest.approx(20 / 4, rel=0.05)
    for values in (shift[:, 0], shift[:, 1], scale - 1, angle):
        assert abs(values.mean()) < 5 * values.std() / math.sqrt(20_000)
    # Rotation and scale leave no shear.
    assert np.allclose(maps[:, 0, 0], maps[:, 1, 1])
    assert np.allclose(maps[:, 0, 1], -maps[:, 1, 0])


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 2**32))
def test_a_longer_run_begins_with_the_same_views(steps: int, more: int, seed: int) -> None:
    short = Robustness().draw(np.random.default_rng(seed), steps, 32)
    long = Robustness().draw(np.random.default_rng(seed), steps + more, 32)
    assert np.array_equal(long[:steps], short)


def test_robustness_can_be_turned_off() -> None:
    maps = Robustness(jitter=(), scale=0, rotate=0).draw(np.random.default_rng(0), 5, 32)
    assert np.array_equal(maps, np.broadcast_to(IDENTITY.numpy(), (5, 2, 3)))
