"""Icons that start from pictures instead of from noise: what `benchmarks.starts` measures of children and parents.

No part of the package: it did not win.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

import torch

from atlas.render import engine, spectrum_scale
from atlas.render.batch import Batch, Job
from atlas.render.parameterisation import COLOUR_BASIS, CONTRAST

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

#: Of an envelope that is 2 and more where there is detail at all (1/f up to 0.5 cycles a pixel).
_LEAST_SCALE = 0.03


@contextmanager
def starting_from(pictures: NDArray[np.uint8], bandwidth: float) -> Iterator[None]:
    """Within, icon i starts from its random noise on top of picture i, of pictures (M, S, S, 3)."""
    scale = spectrum_scale(pictures.shape[1], bandwidth)

    class Begun(Batch):
        def _start(self, i: int, job: Job) -> None:
            super()._start(i, job)
            spectrum = self._ascent.spectrum
            spectrum[i] += to_spectrum(torch.from_numpy(pictures[job.row]), scale).to(spectrum.device)

    with patch.object(engine, "Batch", Begun):
        yield


def to_spectrum(picture: Tensor, scale: Tensor) -> Tensor:
    """Spectrum (3, S, S // 2 + 1, 2) whose image is `picture` (S, S, 3), uint8, as far as `scale` lets it.

    What the envelope all but forbids, detail above the bandwidth, is left out instead of blown up.
    """
    colours = torch.logit((picture / 255).clamp(1 / 255, 254 / 255)).permute(2, 0, 1)
    waves = torch.einsum("dc,chw->dhw", torch.linalg.inv(COLOUR_BASIS * CONTRAST), colours)
    transformed = torch.fft.rfft2(waves, norm="ortho")
    return torch.view_as_real(transformed * scale / (scale.square() + _LEAST_SCALE**2))
