from __future__ import annotations

import pytest
import torch

from atlas.models.normalisation import LocalResponseNorm
from atlas.render.trunk.normalisation import Normalisation


@pytest.mark.parametrize("loops", [True, False])
def test_values_and_gradient_are_those_of_the_definition_in_float64(loops: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    definition = LocalResponseNorm()
    for channels in (14, 64):
        # Large enough for alpha to matter: see the test of the definition.
        x = (300 * torch.randn(2, channels, 3, 5, generator=generator, dtype=torch.float64)).requires_grad_()
        push = torch.randn(x.shape, generator=generator, dtype=torch.float64)
        expected = definition(x)
        (gradient,) = torch.autograd.grad(expected, x, push)
        for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.03)):
            norm = Normalisation(definition, channels, dtype, torch.device("cpu"), loops=loops)
            given, pushed = (t.detach().to(dtype, memory_format=torch.channels_last) for t in (x, push))
            y = norm(given)
            found = norm.pull_back(pushed, given, relu=False)
            for ours, theirs in ((y, expected.detach()), (found, gradient)):
                assert float((ours - theirs).norm() / theirs.norm()) < tolerance
