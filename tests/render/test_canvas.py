from __future__ import annotations

import pytest
import torch

from atlas.render import spectrum_scale, to_image
from atlas.render.canvas import Canvas


@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize(("size", "bandwidth"), [(32, 0.5), (33, 0.2), (48, 0.2), (80, 0.2), (96, 0.3)])
def test_its_images_and_their_gradient_are_those_of_the_parameterisation(
    size: int,
    bandwidth: float,
    loops: bool,
) -> None:
    generator = torch.Generator().manual_seed(0)
    spectrum = torch.randn(3, 3, size, size // 2 + 1, 2, generator=generator).requires_grad_()
    push = torch.randn(3, 3, size, size, generator=generator)
    expected = to_image(spectrum, spectrum_scale(size, bandwidth))
    (gradient,) = torch.autograd.grad(expected, spectrum, push)
    canvas = Canvas(size, bandwidth, torch.device("cpu"), loops=loops)
    with torch.no_grad():
        images = canvas.images(spectrum)
        found = canvas.pull_back(push, images)
    torch.testing.assert_close(images, expected.detach(), rtol=0, atol=1e-6)
    torch.testing.assert_close(found, gradient, rtol=1e-4, atol=1e-6)
