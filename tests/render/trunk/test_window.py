from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from atlas.models import VisionModel, load_model
from atlas.models.inception import MIXED_WIDTHS, InceptionV1
from atlas.render import Robustness, centre, warp
from atlas.render.trunk import TileTrunk, Trunk, network, trunk_for
from atlas.render.trunk.tiles import network as tiles_network
from atlas.render.trunk.window import Window, window_of

EARLY = ("mixed3a", "mixed3b", "mixed4a", "mixed4b")


@pytest.fixture(scope="module")
def exact() -> InceptionV1:
    """The embedded network in float64."""
    model = load_model("inceptionv1-tiny", device="cpu")
    found = InceptionV1(model.n_classes)
    found.load_state_dict(model.module.state_dict())
    return found.double().eval().requires_grad_(requires_grad=False)


def pictures(n: int, size: int) -> Tensor:
    """Smooth noise, so that no two neighbours of a max-pool are equal."""
    coarse = torch.rand(n, 3, size // 4, size // 4, generator=torch.Generator().manual_seed(size))
    return torch.nn.functional.interpolate(coarse, size=size, mode="bicubic")


def on_the_whole(exact: InceptionV1, layer: str, x: Tensor, maps: Tensor, push: Tensor) -> tuple[Tensor, Tensor]:
    """Centre of the layer for whole views, and the gradient of its product with `push`, by torch's differentiation."""
    found: list[Tensor] = []
    hook = exact.get_submodule(layer).register_forward_hook(lambda _m, _i, output: found.append(output))
    x = x.clone().requires_grad_()
    exact((warp(x, maps) * 255 - 117).double())
    hook.remove()
    reached = centre(found[0])
    return reached.detach(), torch.autograd.grad((reached * push).sum(), x)[0]


# At 60 px nothing can be left out, at 64 and 96 one border is met, at 128 none; odd sizes have other borders.
@given(layer=st.sampled_from(EARLY[:2]), size=st.integers(32, 150))
@example(layer="mixed3a", size=60)
@example(layer="mixed3b", size=97)
@example(layer="mixed4a", size=224)
@settings(max_examples=12, deadline=None, derandomize=True)
def test_the_centre_and_its_gradient_are_those_of_the_whole_view(exact: InceptionV1, layer: str, size: int) -> None:
    x = pictures(1, size)
    maps = torch.from_numpy(Robustness().draw(np.random.default_rng(size), 1, size))
    channels = torch.Generator().manual_seed(1)
    push = torch.randn(1, sum(MIXED_WIDTHS[layer][i] for i in (0, 2, 4, 5)), generator=channels).double()
    reached, gradient = on_the_whole(exact, layer, x, maps, push)
    trunk = Trunk(exact, layer, size, torch.float64)
    with torch.no_grad():
        found, saved = trunk(x, maps)
        pulled = trunk.pull_back(push, saved)
    torch.testing.assert_close(found.double(), reached, rtol=1e-5, atol=1e-5)
    assert float((pulled - gradient).norm() / gradient.norm()) < 1e-5


@given(layer=st.sampled_from(sorted(MIXED_WIDTHS)), size=st.integers(32, 500))
@settings(max_examples=200, deadline=None)
def test_a_window_lies_on_the_view_and_larger_views_need_no_larger_one(layer: str, size: int) -> None:
    window = window_of(layer, size)
    assert 0 <= window.first <= window.first + window.side <= size
    # Larger by one position of the deepest layer: borders lie alike.
    assert window.side <= window_of(layer, size + 32).side


@pytest.mark.parametrize(
    ("layer", "size", "window"),
    [
        ("mixed3b", 80, Window(0, 80)),
        ("mixed4c", 128, Window(0, 128)),
        ("mixed3a", 128, Window(40, 61)),
        ("mixed3b", 128, Window(24, 93)),
        ("mixed3b", 384, Window(152, 93)),
    ],
)
def test_at_mixed3b_a_centre_sees_91_pixels_and_from_mixed4c_on_all_of_an_icon(
    layer: str, size: int, window: Window
) -> None:
    assert window_of(layer, size) == window


@pytest.mark.parametrize("redirected", [False, True])
@pytest.mark.parametrize(("layer", "size"), [("mixed3a", 64), ("mixed3b", 97), ("mixed3b", 128)])
def test_the_fastest_way_leaves_out_only_what_changes_nothing(
    layer: str, size: int, redirected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model: VisionModel = load_model("inceptionv1-tiny", device="cpu")
    maps = torch.from_numpy(Robustness().draw(np.random.default_rng(0), 3, size))
    x = pictures(3, size)
    push = torch.randn(3, model.layer(layer).channels, generator=torch.Generator().manual_seed(1))
    redirect = torch.tensor([True, False, True]) if redirected else None

    def both() -> tuple[Tensor, Tensor, bool]:
        trunk = trunk_for(model.module, layer, size, torch.bfloat16)  # type: ignore[arg-type]
        with torch.no_grad():
            found, saved = trunk(x, maps)
            return found.clone(), trunk.pull_back(push, saved, redirect).clone(), isinstance(trunk, TileTrunk)

    found, gradient, by_tiles = both()
    for module in (network, tiles_network):
        monkeypatch.setattr(module, "window_of", lambda _layer, size: Window(0, size))
    whole, whole_gradient, _ = both()
    if by_tiles:
        # Tiles have the same arithmetic at every position.
        assert torch.equal(found, whole)
        assert torch.equal(gradient, whole_gradient)
    else:
        assert float((found - whole).norm() / whole.norm()) < 0.02
        assert float(torch.cosine_similarity(gradient.flatten(), whole_gradient.flatten(), dim=0)) > 0.97
