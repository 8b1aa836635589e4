from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor

from atlas.models.inception import MIXED_WIDTHS, InceptionV1
from atlas.render import RedirectedReLU, centre
from atlas.render.trunk import Trunk

if TYPE_CHECKING:
    from atlas.models import VisionModel


def images(n: int, size: int) -> Tensor:
    """Pictures of smooth noise, so that no two neighbours of a max-pool are equal."""
    coarse = torch.rand(n, 3, size // 4, size // 4, generator=torch.Generator().manual_seed(size))
    return torch.nn.functional.interpolate(coarse, size=size, mode="bicubic")


def by_autograd(network: InceptionV1, layer: str, x: Tensor, push: Tensor) -> tuple[Tensor, Tensor]:
    """Centre of a layer and the gradient of its product with `push`, by torch's own differentiation."""
    found: list[Tensor] = []
    hook = network.get_submodule(layer).register_forward_hook(lambda _m, _i, output: found.append(output))
    x = x.clone().requires_grad_()
    network(x * 255 - 117)
    hook.remove()
    reached = centre(found[0])
    return reached.detach(), torch.autograd.grad((reached * push.to(x.dtype)).sum(), x)[0]


def relative(a: Tensor, b: Tensor) -> float:
    return float((a - b).norm() / b.norm())


@pytest.fixture(scope="module")
def exact(tiny: VisionModel) -> InceptionV1:
    """The embedded network in float64."""
    network = InceptionV1(tiny.n_classes)
    network.load_state_dict(tiny.module.state_dict())
    return network.double().eval()


@pytest.mark.parametrize("layer", MIXED_WIDTHS)
@pytest.mark.parametrize("size", [48, 81])
def test_it_is_the_network_and_its_gradient(tiny: VisionModel, exact: InceptionV1, layer: str, size: int) -> None:
    x = images(2, size)
    push = torch.randn(2, tiny.layer(layer).channels, generator=torch.Generator().manual_seed(1))
    reached, gradient = by_autograd(exact, layer, x.double(), push)
    for module, dtype, tolerance in (
        (exact, torch.float64, 1e-5),
        # Near-equal neighbours of a max-pool may change places in float32.
        (tiny.module, torch.float32, 2e-2),
    ):
        trunk = Trunk(module, layer, size, dtype)  # type: ignore[arg-type]
        found, saved = trunk(x)
        assert relative(found, reached) < 2e-6
        assert relative(trunk.pull_back(push, saved), gradient) < tolerance


@pytest.mark.parametrize("size", [32, 64, 80, 96])
def test_bfloat16_stays_close_in_value_and_in_direction(tiny: VisionModel, exact: InceptionV1, size: int) -> None:
    x = images(2, size)
    push = torch.randn(2, tiny.layer("mixed4c").channels, generator=torch.Generator().manual_seed(1))
    reached, gradient = by_autograd(exact, "mixed4c", x.double(), push)
    trunk = Trunk(tiny.module, "mixed4c", size, torch.bfloat16)  # type: ignore[arg-type]
    found, saved = trunk(x)
    assert found.dtype == torch.float32
    assert relative(found, reached) < 0.02
    pulled = trunk.pull_back(push, saved)
    assert torch.nn.functional.cosine_similarity(pulled.flatten().double(), gradient.flatten(), dim=0) > 0.97


def test_dead_images_get_the_redirected_gradient_and_only_those_asked_for(tiny: VisionModel) -> None:
    network = InceptionV1(tiny.n_classes)
    network.load_state_dict(tiny.module.state_dict())
    network.requires_grad_(requires_grad=False).eval()
    # Nothing of two branches of the target's block gets over the threshold, whatever the image.
    for name in ("mixed4b_3x3", "mixed4b_pool_reduce", "mixed4a_5x5_bottleneck"):
        torch.nn.init.constant_(network.get_submodule(f"{name}_pre_relu_conv").bias, -1e4)  # type: ignore[arg-type]
    x = images(3, 48)
    push = torch.randn(3, tiny.layer("mixed4b").channels, generator=torch.Generator().manual_seed(1))
    trunk = Trunk(network, "mixed4b", 48, torch.float32)
    _, saved = trunk(x)
    _, true = by_autograd(network, "mixed4b", x, push)
    with RedirectedReLU():
        _, redirected = by_autograd(network, "mixed4b", x, push)
    assert relative(redirected, true) > 0.1
    found = trunk.pull_back(push, saved, torch.tensor([True, False, True]))
    for i, expected in enumerate((redirected, true, redirected)):
        assert relative(found[i], expected[i]) < 1e-3
    assert relative(trunk.pull_back(push, saved), true) < 1e-3


def test_an_image_does_not_depend_on_its_place_in_the_batch(tiny: VisionModel) -> None:
    x = images(8, 48)
    trunk = Trunk(tiny.module, "mixed4c", 48, torch.bfloat16)  # type: ignore[arg-type]
    push = torch.randn(8, 512, generator=torch.Generator().manual_seed(1))
    found, saved = trunk(x)
    gradient = trunk.pull_back(push, saved)
    order = torch.tensor([5, 2, 7, 0, 1, 6, 4, 3])
    shuffled, saved = trunk(x[order])
    assert torch.equal(shuffled, found[order])
    assert torch.equal(trunk.pull_back(push[order], saved), gradient[order])
