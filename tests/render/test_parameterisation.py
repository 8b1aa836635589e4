from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from atlas.render import spectrum_scale, start_spectrum, to_image
from atlas.render.parameterisation import frequencies

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=r".*torch\.jit\.script")
    from lucent.optvis.param.color import to_valid_rgb
    from lucent.optvis.param.spatial import fft_image


def spectra(size: int, n: int = 2, deviation: float = 0.5) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(np.stack([start_spectrum(rng, size, deviation) for _ in range(n)]))


@pytest.mark.parametrize("size", [16, 33, 80])
@pytest.mark.parametrize("bandwidth", [0.5, 0.2])
def test_the_scale_is_one_over_frequency_with_a_butterworth_fall(size: int, bandwidth: float) -> None:
    scale = spectrum_scale(size, bandwidth).numpy()
    assert scale.shape == (size, size // 2 + 1)
    for i, j in np.ndindex(scale.shape):
        down, across = min(i, size - i) / size, j / size
        frequency = (down**2 + across**2) ** 0.5
        expected = 1 / frequency if (i, j) != (0, 0) else float(size)
        if bandwidth < 0.5:
            expected /= 1 + (frequency / bandwidth) ** 8
        assert scale[i, j] == pytest.approx(expected, rel=1e-5)


def test_frequencies_are_those_of_numpys_transform() -> None:
    x = np.cos(2 * np.pi * (3 * np.arange(20)[:, None] + 4 * np.arange(20)) / 20)
    peak = np.unravel_index(np.argmax(np.abs(np.fft.rfft2(x))), (20, 11))
    assert frequencies(20)[peak] == pytest.approx(np.hypot(3, 4) / 20)


@pytest.mark.parametrize("size", [16, 32, 33, 47])
def test_images_of_even_and_odd_sizes_lie_strictly_between_black_and_white(size: int) -> None:
    images = to_image(spectra(size), spectrum_scale(size, 0.2))
    assert images.shape == (2, 3, size, size)
    assert images.min() > 0
    assert images.max() < 1
    assert images.std() > 0.05


@pytest.mark.parametrize("size", [32, 33])
def test_an_image_is_its_spectrum_transformed_coloured_and_squashed(size: int) -> None:
    spectrum = spectra(size)
    waves = spectrum[..., 0].double().numpy() + 1j * spectrum[..., 1].double().numpy()
    plane = np.fft.irfft2(waves * spectrum_scale(size).double().numpy(), s=(size, size), norm="ortho") / 4
    colours = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
    colours /= np.linalg.norm(colours, axis=0).max()
    expected = 1 / (1 + np.exp(-np.einsum("dc,bchw->bdhw", colours, plane)))
    assert np.allclose(to_image(spectrum, spectrum_scale(size)).numpy(), expected, atol=2e-6)


def test_without_a_bandwidth_it_is_lucents_parameterisation() -> None:
    (parameter,), image_f = fft_image((2, 3, 32, 32))
    spectrum = spectra(32)
    with torch.no_grad():
        parameter.copy_(spectrum)
        expected = to_valid_rgb(image_f, decorrelate=True)()
    torch.testing.assert_close(to_image(spectrum, spectrum_scale(32)), expected.cpu(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [32, 33, 37])
def test_an_image_does_not_depend_on_its_place_in_the_batch(size: int) -> None:
    (spectrum,) = spectra(size, 1)
    images = to_image(spectrum.repeat(5, 1, 1, 1, 1), spectrum_scale(size))
    assert all(torch.equal(image, images[0]) for image in images)


def test_a_start_is_a_grey_image_decided_by_its_generator() -> None:
    a, b = (start_spectrum(np.random.default_rng(1), 32) for _ in range(2))
    assert np.array_equal(a, b)
    assert a.shape == (3, 32, 17, 2)
    assert a.dtype == np.float32
    image = to_image(torch.from_numpy(a)[None], spectrum_scale(32))
    assert (image - 0.5).abs().max() < 0.2
