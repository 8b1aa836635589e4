from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor

from atlas.models.inception import MIXED_WIDTHS, InceptionV1
from atlas.render import RedirectedReLU, Robustness, centre, warp
from atlas.render.trunk import TileTrunk, Trunk, have_tiles, trunk_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.models import VisionModel

    AnyTrunk = Trunk | TileTrunk


def exactly(network: InceptionV1, layer: str, size: int) -> Trunk:
    """In float32."""
    return Trunk(network, layer, size, torch.float32)


def plainly(network: InceptionV1, layer: str, size: int) -> Trunk:
    """In bfloat16, by torch's convolutions, as a processor without matrix tiles does."""
    return Trunk(network, layer, size, torch.bfloat16)


def fastest(network: InceptionV1, layer: str, size: int) -> AnyTrunk:
    """In bfloat16, as this machine does it fastest."""
    return trunk_for(network, layer, size, torch.bfloat16)


BOTH = pytest.mark.parametrize("make", [plainly, fastest])


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


def direction(a: Tensor, b: Tensor) -> float:
    """Cosine between two gradients."""
    return float(torch.nn.functional.cosine_similarity(a.flatten().double(), b.flatten(), dim=0))


@BOTH
@pytest.mark.parametrize("size", [32, 64, 80, 96])
def test_bfloat16_stays_close_in_value_and_in_direction(
    tiny: VisionModel, exact: InceptionV1, size: int, make: Callable[..., AnyTrunk]
) -> None:
    x = images(2, size)
    push = torch.randn(2, tiny.layer("mixed4c").channels, generator=torch.Generator().manual_seed(1))
    reached, gradient = by_autograd(exact, "mixed4c", x.double(), push)
    trunk = make(tiny.module, "mixed4c", size)
    found, saved = trunk(x)
    assert found.dtype == torch.float32
    assert relative(found, reached) < 0.02
    assert direction(trunk.pull_back(push, saved), gradient) > 0.97


@pytest.mark.parametrize("layer", MIXED_WIDTHS)
@pytest.mark.parametrize("size", [33, 81])
def test_the_fastest_way_is_the_network_and_its_gradient_at_every_layer(
    tiny: VisionModel, exact: InceptionV1, layer: str, size: int
) -> None:
    x = images(3, size + 3)[:, :, :size, :size]
    push = torch.randn(3, tiny.layer(layer).channels, generator=torch.Generator().manual_seed(1))
    reached, gradient = by_autograd(exact, layer, x.double(), push)
    trunk = fastest(tiny.module, layer, size)  # type: ignore[arg-type]
    found, saved = trunk(x)
    assert relative(found, reached) < 0.02
    pulled = trunk.pull_back(push, saved)
    assert direction(pulled, gradient) > 0.95
    assert float(pulled.norm()) == pytest.approx(float(gradient.norm()), rel=0.1)


@BOTH
def test_views_are_part_of_the_network(tiny: VisionModel, exact: InceptionV1, make: Callable[..., AnyTrunk]) -> None:
    maps = torch.from_numpy(Robustness().draw(np.random.default_rng(0), 3, 64))
    x = images(3, 64).double().requires_grad_()
    push = torch.randn(3, tiny.layer("mixed3b").channels, generator=torch.Generator().manual_seed(1))
    views = warp(x, maps.double())
    reached, of_views = by_autograd(exact, "mixed3b", views.detach(), push)
    (gradient,) = torch.autograd.grad(views, x, of_views)
    trunk = make(tiny.module, "mixed3b", 64)
    found, saved = trunk(x.detach().float(), maps)
    assert relative(found, reached) < 0.02
    assert direction(trunk.pull_back(push, saved), gradient) > 0.95


@pytest.mark.parametrize(
    ("make", "tolerance"),
    # In bfloat16 an image's gradient is off by more than that; where it is redirected, by far less than it changes.
    [(exactly, 1e-3), (plainly, 0.3), (fastest, 0.3)],
)
def test_dead_images_get_the_redirected_gradient_and_only_those_asked_for(
    tiny: VisionModel, make: Callable[..., AnyTrunk], tolerance: float
) -> None:
    network = InceptionV1(tiny.n_classes)
    network.load_state_dict(tiny.module.state_dict())
    network.requires_grad_(requires_grad=False).eval()
    # Nothing of two branches of the target's block gets over the threshold, whatever the image.
    for name in ("mixed4b_3x3", "mixed4b_pool_reduce", "mixed4a_5x5_bottleneck"):
        torch.nn.init.constant_(network.get_submodule(f"{name}_pre_relu_conv").bias, -1e4)  # type: ignore[arg-type]
    x = images(3, 48)
    push = torch.randn(3, tiny.layer("mixed4b").channels, generator=torch.Generator().manual_seed(1))
    trunk = make(network, "mixed4b", 48)
    _, saved = trunk(x)
    _, true = by_autograd(network, "mixed4b", x, push)
    with RedirectedReLU():
        _, redirected = by_autograd(network, "mixed4b", x, push)
    assert relative(redirected, true) > 2 * tolerance
    found = trunk.pull_back(push, saved, torch.tensor([True, False, True]))
    for i, expected in enumerate((redirected, true, redirected)):
        assert relative(found[i], expected[i]) < tolerance
    assert relative(trunk.pull_back(push, saved), true) < tolerance


@BOTH
def test_an_image_does_not_depend_on_its_place_in_the_batch(tiny: VisionModel, make: Callable[..., AnyTrunk]) -> None:
    x = images(8, 48)
    trunk = make(tiny.module, "mixed4c", 48)
    push = torch.randn(8, 512, generator=torch.Generator().manual_seed(1))
    found, saved = trunk(x)
    gradient = trunk.pull_back(push, saved).clone()
    order = torch.tensor([5, 2, 7, 0, 1, 6, 4, 3])
    shuffled, saved = trunk(x[order])
    assert torch.equal(shuffled, found[order])
    assert torch.equal(trunk.pull_back(push[order], saved), gradient[order])


@BOTH
def test_an_image_hardly_depends_on_how_many_there_are(tiny: VisionModel, make: Callable[..., AnyTrunk]) -> None:
    x = images(18, 48)
    trunk = make(tiny.module, "mixed4a", 48)
    push = torch.randn(18, 508, generator=torch.Generator().manual_seed(1))
    found, saved = trunk(x)
    gradient = trunk.pull_back(push, saved).clone()
    for some in (slice(0, 1), slice(3, 8), slice(2, 18)):
        fewer, saved = trunk(x[some])
        pulled = trunk.pull_back(push[some], saved)
        if isinstance(trunk, TileTrunk):
            # Tiles have the same arithmetic for any number of rows.
            assert torch.equal(fewer, found[some])
            assert torch.equal(pulled, gradient[some])
        else:
            assert relative(fewer, found[some]) < 0.01
            assert direction(pulled, gradient[some].double()) > 0.97


def test_threads_that_share_a_trunk_do_not_disturb_each_other(tiny: VisionModel) -> None:
    trunk = fastest(tiny.module, "mixed3b", 48)  # type: ignore[arg-type]
    x, push = images(4, 48), torch.randn(4, 480, generator=torch.Generator().manual_seed(1))

    def run(i: int) -> Tensor:
        torch.set_num_threads(1)
        with torch.no_grad():
            for _ in range(3):
                _, saved = trunk(x[[i]])
                gradient = trunk.pull_back(push[[i]], saved).clone()
        return gradient

    alone = [run(i) for i in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(run, range(4)))
    for a, b in zip(alone, together, strict=True):
        assert torch.equal(a, b)


def test_tiles_are_used_for_bfloat16_alone_and_where_there_are_some(tiny: VisionModel) -> None:
    assert isinstance(trunk_for(tiny.module, "mixed3b", 48, torch.float32), Trunk)  # type: ignore[arg-type]
    assert isinstance(fastest(tiny.module, "mixed3b", 48), TileTrunk) == have_tiles()  # type: ignore[arg-type]


def test_tiles_are_left_alone_where_loops_are_compiled_for_another_processor() -> None:
    # LLVM would end the process at an instruction that the processor it compiles for does not have.
    code = "from atlas.render.trunk import have_tiles; print(have_tiles())"
    environment = os.environ | {"NUMBA_CPU_NAME": "generic"}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
