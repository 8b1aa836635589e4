from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from atlas.render import RenderSettings, render_tiles, spectrum_scale, to_image
from benchmarks.from_pictures import starting_from, to_spectrum
from tests.render.rendering import wanted

if TYPE_CHECKING:
    from atlas.models import VisionModel


def test_an_icon_can_start_from_a_picture(net: VisionModel) -> None:
    smooth = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    picture = torch.nn.functional.interpolate(smooth, size=32, mode="bicubic").clamp(0, 1)
    pixels = (picture * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    settings = RenderSettings(size=32, steps=1, tile=1, learning_rate=1e-12)
    with starting_from(pixels.numpy(), settings.bandwidth_for(net)):
        ((_, icons),) = render_tiles(net, "tail", wanted(1), settings=settings)
    # The random start is a faint noise on top.
    assert np.abs(icons.images.astype(int) - pixels.numpy()).mean() < 12


def test_a_picture_comes_back_from_its_spectrum() -> None:
    smooth = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    picture = torch.nn.functional.interpolate(smooth, size=40, mode="bilinear").clamp(0.02, 0.98)
    pixels = (picture[0] * 255).round().to(torch.uint8).permute(1, 2, 0)
    scale = spectrum_scale(40)
    back = to_image(to_spectrum(pixels, scale)[None], scale)[0].permute(1, 2, 0) * 255
    assert torch.allclose(back, pixels.float(), atol=1.5)
