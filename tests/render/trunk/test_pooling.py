from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from atlas.render.trunk.pooling import MaxPool


@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("stride", "side"), [(1, 1), (1, 5), (1, 6), (2, 2), (2, 3), (2, 6), (2, 7)])
def test_it_pools_as_torch_and_sends_gradients_to_the_same_places(
    stride: int,
    side: int,
    dtype: torch.dtype,
    loops: bool,
) -> None:
    generator = torch.Generator().manual_seed(0)
    # Distinct values, half of them zero as after a ReLU.
    values = torch.randperm(2 * 40 * side * side, generator=generator).view(2, 40, side, side).float()
    x = (values - values.median()).clamp(min=0).to(dtype).contiguous(memory_format=torch.channels_last)
    given = x.float().clone().requires_grad_()
    expected = F.max_pool2d(given, 3, stride=stride, padding=2 - stride, ceil_mode=stride == 2)
    push = torch.randn(expected.shape, generator=generator).to(dtype).contiguous(memory_format=torch.channels_last)
    (gradient,) = torch.autograd.grad(expected, given, push.float())
    more = torch.ones_like(x)
    pool = MaxPool(stride, loops=loops)
    y, origin = pool(x)
    assert torch.equal(y.float(), expected.detach())
    tolerance = 1e-5 if dtype == torch.float32 else 0.05
    # Where bfloat16 makes neighbours equal, either may get the gradient: sums over windows' neighbourhoods agree.
    back, with_more = pool.pull_back(push, x, origin), pool.pull_back(push, x, origin, more)
    if dtype == torch.float32:
        torch.testing.assert_close(back, gradient, rtol=1e-5, atol=1e-5)
    assert float(back.float().sum()) == pytest.approx(float(gradient.sum()), abs=40 * tolerance)
    torch.testing.assert_close(with_more.float(), back.float() + 1, rtol=0.01, atol=0.02)
