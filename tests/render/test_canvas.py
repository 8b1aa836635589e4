from __future__ import annotations

import numpy as np
import pytest
import torch

from atlas.render import Robustness, spectrum_scale, to_image, warp
from atlas.render.canvas import Canvas


@pytest.mark.parametrize(("size", "bandwidth"), [(32, 0.5), (33, 0.2), (48, 0.2)])
def test_it_sees_what_warped_images_are_and_its_gradient_is_theirs(size: int, bandwidth: float) -> None:
    generator = torch.Generator().manual_seed(0)
    spectrum = torch.randn(3, 3, size, size // 2 + 1, 2, generator=generator).requires_grad_()
    maps = torch.from_numpy(Robustness().draw(np.random.default_rng(0), 3, size))
    push = torch.randn(3, 3, size, size, generator=generator)
    expected = warp(to_image(spectrum, spectrum_scale(size, bandwidth)), maps)
    (gradient,) = torch.autograd.grad(expected, spectrum, push)
    canvas = Canvas(size, bandwidth, torch.device("cpu"))
    with torch.no_grad():
        images = canvas.images(spectrum)
        seen, grid = canvas.look(images, maps)
        found = canvas.pull_back(push, images, grid)
    torch.testing.assert_close(seen, expected.detach(), rtol=0, atol=1e-6)
    torch.testing.assert_close(found, gradient, rtol=1e-4, atol=1e-6)
