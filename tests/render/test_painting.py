from __future__ import annotations

import numpy as np
import pytest
import torch

from atlas.render.canvas import Canvas
from atlas.render.fourier import factors, from_real, plan, to_real, transform
from atlas.render.painting import LANES, can_paint, laid, lay
from atlas.render.precision import instructions

#: Without registers of 16 numbers the loops run too, several times slower.
SIDES = [2, 3, 4, 5, 6, 8, 12, 15, 16, 20, 45, 48, 50, 96]


@pytest.mark.parametrize("n", SIDES)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_transform_is_numpys(n: int, sign: int) -> None:
    rng = np.random.default_rng(n)
    x = rng.standard_normal((n, 2, LANES)).astype(np.float32)
    numbers, room = x.copy(), np.empty_like(x)
    transform(numbers.ctypes.data, room.ctypes.data, *plan(n), np.float32(sign))
    complex_ = x[:, 0].astype(np.float64) + 1j * x[:, 1]
    expected = np.fft.fft(complex_, axis=0) if sign == 1 else n * np.fft.ifft(complex_, axis=0)
    np.testing.assert_allclose(numbers[:, 0] + 1j * numbers[:, 1], expected, rtol=0, atol=3e-6 * np.abs(expected).max())


@pytest.mark.parametrize("n", [4, 6, 16, 30, 48, 96])
def test_real_numbers_there_and_back(n: int) -> None:
    rng = np.random.default_rng(n)
    x = rng.standard_normal((n, LANES)).astype(np.float32)
    numbers = np.zeros((n // 2 + 1, 2, LANES), dtype=np.float32)
    numbers[: n // 2] = x.reshape(n // 2, 2, LANES)
    room = np.empty_like(numbers)
    given = *plan(n // 2), plan(n)[1]
    from_real(numbers.ctypes.data, room.ctypes.data, *given)
    expected = np.fft.rfft(x.astype(np.float64), axis=0)
    np.testing.assert_allclose(numbers[:, 0] + 1j * numbers[:, 1], expected, rtol=0, atol=3e-6 * np.abs(expected).max())
    # What has no real counterpart is left out, as torch and numpy do.
    numbers[[0, -1], 1] = 7
    to_real(numbers.ctypes.data, room.ctypes.data, *given)
    np.testing.assert_allclose(numbers[: n // 2].reshape(n, LANES) / n, x, rtol=0, atol=3e-6)


def test_lengths_with_other_factors_have_no_transform() -> None:
    assert factors(96) == [4, 4, 2, 3]
    assert factors(14) == []
    assert not can_paint(112)
    assert not can_paint(72)
    assert can_paint(96) == ("avx512f" in instructions())


def test_spectra_lie_icon_by_icon_innermost_and_are_still_indexed_by_icon() -> None:
    spectra = lay(3, 2, 5)
    spectra[1] = torch.arange(10.0).view(2, 5)
    assert laid(spectra)
    assert not laid(spectra.contiguous())
    assert spectra.shape == (3, 2, 5)
    assert spectra.stride() == (1, 5 * LANES, LANES)
    assert float(spectra.sum()) == 45


@pytest.mark.parametrize("size", [32, 48])
def test_an_image_and_its_gradient_are_the_same_alone_and_in_company(size: int) -> None:
    generator = torch.Generator().manual_seed(0)
    canvas = Canvas(size, 0.3, torch.device("cpu"))
    spectra = canvas.spectra(7)
    spectra.copy_(torch.randn(spectra.shape, generator=generator))
    push = torch.randn(7, 3, size, size, generator=generator)
    images = canvas.images(spectra)
    gradient = canvas.pull_back(push.clone(), images).clone()
    images = images.clone()
    for i in range(7):
        alone = canvas.images(spectra[[i]])
        assert torch.equal(alone[0], images[i])
        assert torch.equal(canvas.pull_back(push[[i]].clone(), alone)[0], gradient[i])
