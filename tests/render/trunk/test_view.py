from __future__ import annotations

import numpy as np
import pytest
import torch

from atlas.render import Robustness, warp
from atlas.render.trunk.view import look, look_back, phases
from atlas.render.trunk.window import Window


@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize(
    ("size", "window"), [(32, Window(0, 32)), (33, Window(0, 33)), (48, Window(8, 32)), (48, Window(16, 32))]
)
def test_what_is_seen_is_the_warped_image_and_its_gradient_the_warps(size: int, window: Window, loops: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(4, 3, size, size, generator=generator).requires_grad_()
    maps = torch.from_numpy(Robustness().draw(np.random.default_rng(0), 4, size))
    expected = phases(warp(images, maps)[:, :, window.part, window.part] * 255 - 117, torch.float32)
    push = torch.randn(expected.shape, generator=generator).contiguous(memory_format=torch.channels_last)
    (gradient,) = torch.autograd.grad(expected, images, push)
    with torch.no_grad():
        seen = look(images, maps, torch.float32, window, loops=loops)
        found = look_back(push, images, maps, window, loops=loops)
    assert float((seen - expected.detach()).abs().max()) < 0.02  # of 255
    torch.testing.assert_close(found, gradient, rtol=1e-3, atol=0.05)


def test_phases_are_the_even_and_odd_rows_and_columns_of_the_padded_image() -> None:
    images = torch.arange(3 * 6 * 6, dtype=torch.float32).view(1, 3, 6, 6) + 1
    found = phases(images, torch.float32)
    padded = torch.zeros(1, 3, 12, 12)
    padded[:, :, 2:8, 2:8] = images
    for down in range(2):
        for over in range(2):
            for colour in range(3):
                assert torch.equal(found[0, 6 * down + 3 * over + colour], padded[0, colour, down::2, over::2])
