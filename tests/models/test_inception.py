from __future__ import annotations

from typing import Any

import pytest
import torch
from lucent.modelzoo.inceptionv1.InceptionV1 import InceptionV1 as LucentInceptionV1
from torch import Tensor, nn
from torch.nn import functional as F

from atlas.models.inception import HEAD, LAYER_NAMES, MIXED_WIDTHS, InceptionV1, out_channels
from atlas.models.load import inception_range
from atlas.models.normalisation import LocalResponseNorm

# Channels as published for the ImageNet network.
CHANNELS = {
    "conv2d0": 64,
    "conv2d1": 64,
    "conv2d2": 192,
    "mixed3a": 256,
    "mixed3b": 480,
    "mixed4a": 508,
    "mixed4b": 512,
    "mixed4c": 512,
    "mixed4d": 528,
    "mixed4e": 832,
    "mixed5a": 832,
    "mixed5b": 1024,
}


def trained_like(n_classes: int = 1008) -> InceptionV1:
    """Random weights that keep activations from fading away with depth."""
    torch.manual_seed(0)
    network = InceptionV1(n_classes).eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
            nn.init.normal_(module.bias, std=0.1)  # type: ignore[arg-type]
    return network


def outputs(network: nn.Module, images: Tensor) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            found[name] = output

        return hook

    handles = [network.get_submodule(name).register_forward_hook(keep(name)) for name in (*LAYER_NAMES, HEAD)]
    with torch.no_grad():
        network(images)
    for handle in handles:
        handle.remove()
    return found


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    """Smooth random pictures, contrast up to black and white."""
    coarse = torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    return inception_range(torch.sigmoid(3 * F.interpolate(coarse, size=224, mode="bilinear")))


def test_with_lucents_normalisation_every_layer_agrees_with_lucents_network(pictures: Tensor) -> None:
    ours = trained_like()
    theirs = LucentInceptionV1(pretrained=False, redirected_ReLU=False).eval()
    theirs.load_state_dict(ours.state_dict())
    # lucent: size 9, k 1, and torch divides alpha by the size.
    ours.normalise0 = ours.normalise1 = LocalResponseNorm(radius=4, bias=1.0, alpha=9.99999974738e-05 / 9)
    expected, found = outputs(theirs, pictures), outputs(ours, pictures)
    assert set(CHANNELS) < set(found)
    for name, value in expected.items():
        assert value.abs().max() > 0.1, f"{name} is nearly dead, the comparison would say nothing"
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5 * float(value.abs().max()), msg=name)


def test_the_true_normalisation_is_another_network_than_lucents(pictures: Tensor) -> None:
    true, as_lucent = trained_like(), trained_like()
    as_lucent.normalise0 = as_lucent.normalise1 = LocalResponseNorm(radius=4, bias=1.0, alpha=1e-4 / 9)
    a, b = outputs(true, pictures)["mixed3a"], outputs(as_lucent, pictures)["mixed3a"]
    assert (a - b).norm() > 0.1 * b.norm()


def test_layers_have_the_published_channels_and_halve_as_published() -> None:
    found = outputs(InceptionV1(5).eval(), torch.zeros(1, 3, 96, 96))
    assert {name: found[name].shape[1] for name in CHANNELS} == CHANNELS
    assert {name: out_channels(name) for name in MIXED_WIDTHS} == {name: CHANNELS[name] for name in MIXED_WIDTHS}
    sides = [48, 24, 24, 12, 12, 6, 6, 6, 6, 6, 3, 3]
    assert [tuple(found[name].shape[2:]) for name in LAYER_NAMES] == [(side, side) for side in sides]


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (80, 64), (96, 96)])
def test_any_size_from_32_px_gives_finite_logits(height: int, width: int) -> None:
    logits = trained_like(7)(torch.full((2, 3, height, width), 138.0))
    assert logits.shape == (2, 7)
    assert logits.isfinite().all()


def test_the_head_sees_the_mean_over_the_whole_map() -> None:
    network = trained_like(7)
    found = outputs(network, inception_range(torch.rand(2, 3, 160, 96, generator=torch.Generator().manual_seed(0))))
    assert found["mixed5b"].shape[2:] == (5, 3)
    head = network.get_submodule(HEAD)
    torch.testing.assert_close(found[HEAD], head(found["mixed5b"].mean((2, 3))))
