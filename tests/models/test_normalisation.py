from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from atlas.models.normalisation import LocalResponseNorm


def by_definition(x: np.ndarray, radius: int = 5, bias: float = 2.0, alpha: float = 1e-4) -> np.ndarray:
    out = np.empty_like(x, dtype=np.float64)
    for b, c, i, j in np.ndindex(x.shape):
        total = 0.0
        for k in range(max(0, c - radius), min(x.shape[1], c + radius + 1)):
            total += float(x[b, k, i, j]) ** 2
        out[b, c, i, j] = float(x[b, c, i, j]) / np.sqrt(bias + alpha * total)
    return out


@pytest.mark.parametrize("size", [1.0, 117.0, 5000.0])
def test_it_is_the_definition_also_on_inputs_large_enough_for_alpha_to_matter(size: float) -> None:
    x = np.random.default_rng(0).uniform(-size, size, (2, 24, 3, 2))
    expected = by_definition(x)
    if size > 1:
        assert np.abs(expected - x / np.sqrt(2)).max() > 0.1 * np.abs(expected).max()
    assert np.allclose(LocalResponseNorm()(torch.from_numpy(x)).numpy(), expected, rtol=1e-12)
    in_float32 = LocalResponseNorm()(torch.from_numpy(x.astype(np.float32))).numpy()
    assert np.allclose(in_float32, expected, rtol=1e-5, atol=1e-6 * size)


def test_it_is_torchs_with_alpha_times_the_window() -> None:
    x = 117 * torch.randn(2, 40, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    theirs = F.local_response_norm(x, size=11, alpha=1.1e-3, beta=0.5, k=2.0)
    torch.testing.assert_close(LocalResponseNorm()(x), theirs, rtol=1e-12, atol=1e-12)


def test_a_window_wider_than_the_channels_covers_all_of_them() -> None:
    x = np.random.default_rng(0).uniform(-900, 900, (1, 3, 2, 2))
    assert np.allclose(LocalResponseNorm()(torch.from_numpy(x)).numpy(), by_definition(x), rtol=1e-12)


# torch compiles its forward-mode rules with a function that it has deprecated itself.
@pytest.mark.filterwarnings(r"ignore:`torch.jit.script` is deprecated")
def test_its_gradients_are_right_in_reverse_and_in_forward_mode() -> None:
    x = 60 * torch.randn(1, 14, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.autograd.gradcheck(LocalResponseNorm(), x.requires_grad_(), check_forward_ad=True)
