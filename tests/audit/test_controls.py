"""What controls keep of a patch, and what they destroy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from atlas.audit.controls import noise_like, random_part, resized, shuffled


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


@pytest.fixture(scope="module")
def stripes() -> np.ndarray:
    """Slanted stripes in two colours: every kind of structure that noise should lose."""
    y, x = np.mgrid[:48, :48]
    share = (np.sin((x + y) * 2 * np.pi / 8) + 1)[..., None] / 2
    picture: np.ndarray = np.rint(share * (200, 120, 90) + (1 - share) * (70, 100, 140)).astype(np.uint8)
    return picture


def test_noise_has_the_mean_and_the_covariance_of_the_colours(stripes: np.ndarray) -> None:
    noise = noise_like(stripes, generator())
    before, after = stripes.reshape(-1, 3).astype(float), noise.reshape(-1, 3).astype(float)
    assert after.mean(axis=0) == pytest.approx(before.mean(axis=0), abs=1)
    np.testing.assert_allclose(np.cov(after.T), np.cov(before.T), atol=0.04 * np.cov(before.T).max())


def test_noise_has_the_energy_of_every_scale_but_no_direction(stripes: np.ndarray) -> None:
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(48), np.fft.fftfreq(48)))
    ring = (frequency > 0.12) & (frequency < 0.24)

    def power(picture: np.ndarray) -> np.ndarray:
        grey = picture.mean(axis=2)
        return np.asarray(np.abs(np.fft.fft2(grey - grey.mean())) ** 2)

    powers = [power(noise_like(stripes, generator(seed))) for seed in range(20)]
    mean, own = np.mean(powers, axis=0), power(stripes)
    assert mean[ring].sum() / mean.sum() > 0.9
    assert own[ring].sum() / own.sum() > 0.9
    # The stripes put their energy into two points; the noise spreads it over the ring.
    assert own[ring].max() / own[ring].sum() > 0.3
    assert mean[ring].max() / mean[ring].sum() < 0.06


def test_noise_of_two_colours_has_the_two_colours_each_as_often() -> None:
    x = np.mgrid[:64, :64][1] // 8 % 2
    picture = np.where(x[..., None] == 1, [255, 250, 240], [0, 10, 30]).astype(np.uint8)
    noise = noise_like(picture, generator())
    assert sorted(map(tuple, noise.reshape(-1, 3).tolist())) == sorted(map(tuple, picture.reshape(-1, 3).tolist()))
    # The stripes run down; the noise runs nowhere.
    down, across = (np.abs(np.diff(noise[..., 0].astype(float), axis=axis)).mean() for axis in (0, 1))
    assert 0.7 < down / across < 1.4


@given(st.integers(0, 50))
def test_noise_has_each_colour_about_as_often_as_the_picture(seed: int) -> None:
    rng = generator(seed)
    coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(coarse).resize((32, 32), Image.Resampling.BICUBIC))
    noise = noise_like(picture, rng)
    for direction in (*np.eye(3), np.ones(3) / np.sqrt(3)):
        own, drawn = (np.sort(one.reshape(-1, 3) @ direction) for one in (picture, noise))
        assert np.abs(own - drawn).mean() < 0.15 * own.std()


@given(st.integers(4, 40), st.integers(0, 3))
def test_noise_of_any_size_and_of_one_colour_is_a_picture_again(side: int, channel: int) -> None:
    plain = np.full((side, side, 3), 77, dtype=np.uint8)
    np.testing.assert_array_equal(noise_like(plain, generator()), plain)
    if channel < 3:
        plain[: side // 2, :, channel] = 200
    assert noise_like(plain, generator()).shape == (side, side, 3)


@given(st.integers(4, 50), st.integers(0, 9))
def test_shuffling_keeps_every_pixel(side: int, seed: int) -> None:
    picture = generator(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    mixed = shuffled(picture, generator(seed + 1))
    assert sorted(map(tuple, mixed.reshape(-1, 3).tolist())) == sorted(map(tuple, picture.reshape(-1, 3).tolist()))


def test_shuffling_destroys_what_is_larger_than_an_eighth(stripes: np.ndarray) -> None:
    ramp = np.repeat(np.linspace(0, 255, 48).astype(np.uint8)[:, None, None], 48, axis=1).repeat(3, axis=2)
    mixed = shuffled(ramp, generator())
    rows = np.arange(48)
    assert abs(np.corrcoef(rows, mixed.mean(axis=(1, 2)))[0, 1]) < 0.6
    assert not np.array_equal(mixed, shuffled(ramp, generator(1)))


def test_a_random_part_is_a_part(stripes: np.ndarray) -> None:
    photograph = generator().integers(0, 256, (3, 20, 20), dtype=np.uint8)
    part = random_part(photograph, 7, generator(3))
    found = [
        np.array_equal(photograph[:, y : y + 7, x : x + 7].transpose(1, 2, 0), part)
        for y in range(14)
        for x in range(14)
    ]
    assert sum(found) == 1
    assert resized(stripes, 48) is stripes
    assert resized(stripes, 20).shape == (20, 20, 3)
