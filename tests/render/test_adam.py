from __future__ import annotations

import pytest
import torch

from atlas.render.adam import Adam, factors
from atlas.render.painting import lay


@pytest.mark.parametrize(("loops", "beside"), [(True, False), (False, False), (True, True)])
def test_each_image_moves_as_under_torchs_adam_at_a_step_and_a_rate_of_its_own(loops: bool, beside: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    ours = torch.randn(2, 3, 5, 4, generator=generator)
    theirs = [ours[i].clone().requires_grad_() for i in range(2)]
    optimisers = [torch.optim.Adam([values]) for values in theirs]
    if beside:
        ours = lay(2, 3, 5, 4).copy_(ours)
    adam = Adam(ours, loops=loops)
    steps = [0, 0]
    for step in range(12):
        if step == 5:
            # The second image is another one from here on.
            adam.restart(1)
            steps[1] = 0
            theirs[1] = ours[1].clone().requires_grad_()
            optimisers[1] = torch.optim.Adam([theirs[1]])
        gradient = torch.randn(ours.shape, generator=generator) * 10 ** float(step - 6)
        if beside:
            gradient = lay(2, 3, 5, 4).copy_(gradient)
        rates = [0.1, 0.1 / (step + 1)]
        steps = [done + 1 for done in steps]
        adam.step(gradient, *torch.from_numpy(factors(steps, rates)))
        for values, optimiser, g, rate in zip(theirs, optimisers, gradient, rates, strict=True):
            values.grad = g.clone()
            optimiser.param_groups[0]["lr"] = rate
            optimiser.step()
    for i in range(2):
        torch.testing.assert_close(ours[i], theirs[i].detach(), rtol=1e-5, atol=1e-6)
