from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from atlas.activations import attribute
from atlas.activations.attribution import MAX_DUALS
from atlas.errors import AtlasError
from atlas.models import wrap_model
from atlas.models.inception import HEAD, InceptionV1

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.models.vision import VisionModel


def images64(n: int) -> Tensor:
    return torch.rand((n, 3, 24, 24), generator=torch.Generator().manual_seed(n), dtype=torch.float64)


def by_reverse_mode(model: VisionModel, images: Tensor, layer: str, rows: Tensor, cols: Tensor) -> Tensor:
    """The definition, one image, class and position after another: h_xy . d logit_c / d h_xy."""
    result = []
    for image, image_rows, image_cols in zip(images, rows, cols, strict=True):
        held: list[Tensor] = []

        def hold(h: Tensor, held: list[Tensor] = held) -> Tensor:
            held.append(h.detach().clone().requires_grad_())
            return held[0] * 1

        logits = model.logits_with(image[None], layer, hold)[0]
        gradients = [torch.autograd.grad(logit, held[0], retain_graph=True)[0] for logit in logits]
        for row, col in zip(image_rows.tolist(), image_cols.tolist(), strict=True):
            result.append(torch.stack([(held[0] * g)[0, :, row, col].sum() for g in gradients]))
    return torch.stack(result).reshape(*rows.shape, -1).detach()


def positions(n: int, k: int, side: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    chosen = torch.stack([torch.randperm(side * side, generator=generator)[:k] for _ in range(n)])
    return chosen // side, chosen % side


@pytest.mark.parametrize(("layer", "side"), [("early", 12), ("late", 6)])
@pytest.mark.parametrize(("n", "k"), [(1, 1), (1, 5), (3, 1), (3, 4)])
def test_attributions_equal_explicit_gradients(plain64: VisionModel, layer: str, side: int, n: int, k: int) -> None:
    rows, cols = positions(n, k, side)
    found = attribute(plain64, images64(n), layer, rows, cols)
    torch.testing.assert_close(found, by_reverse_mode(plain64, images64(n), layer, rows, cols), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (1, 5), (3, 1), (3, 4)])
def test_a_connection_around_the_layer_changes_nothing(skip64: VisionModel, n: int, k: int) -> None:
    rows, cols = positions(n, k, 12)
    found = attribute(skip64, images64(n), "inner", rows, cols)
    torch.testing.assert_close(found, by_reverse_mode(skip64, images64(n), "inner", rows, cols), rtol=1e-10, atol=1e-12)


def test_one_position_for_each_image_may_come_without_an_axis(plain64: VisionModel) -> None:
    rows, cols = positions(3, 1, 6)
    flat = attribute(plain64, images64(3), "late", rows[:, 0], cols[:, 0])
    assert flat.shape == (3, 7)
    torch.testing.assert_close(flat, attribute(plain64, images64(3), "late", rows, cols)[:, 0])


def test_more_positions_than_fit_in_one_pass_give_the_same_as_one_by_one(skip64: VisionModel) -> None:
    rows, cols = positions(3, 144, 12)
    assert rows.numel() > MAX_DUALS
    whole = attribute(skip64, images64(3), "inner", rows, cols)
    for at in (0, 100, 143):
        single = attribute(skip64, images64(3), "inner", rows[:, at], cols[:, at])
        torch.testing.assert_close(whole[:, at], single)


def test_before_global_pooling_and_a_linear_head_they_sum_to_the_logits_without_bias(plain64: VisionModel) -> None:
    images = images64(2)
    row, col = torch.meshgrid(torch.arange(6), torch.arange(6), indexing="ij")
    rows, cols = row.reshape(1, -1).expand(2, -1), col.reshape(1, -1).expand(2, -1)
    total = attribute(plain64, images, "late", rows, cols).sum(1)
    bias = plain64.module.get_parameter("head.bias")
    torch.testing.assert_close(total, plain64.logits(images) - bias)


class MeanOfLargePool(nn.Module):
    """The value of a max-pool with the gradient of sum(x²) / sum(x) over the window, written out window by window."""

    def forward(self, x: Tensor) -> Tensor:
        largest = nn.functional.max_pool2d(x, 3, 2, ceil_mode=True)
        windows = [
            [x[..., 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] for j in range(largest.shape[3])]
            for i in range(largest.shape[2])
        ]
        relaxed = torch.stack(
            [torch.stack([(w**2).sum((2, 3)) / (w.sum((2, 3)) + 1e-300) for w in row], dim=-1) for row in windows],
            dim=-2,
        )
        return relaxed + (largest - relaxed).detach()


def test_smooth_pooling_passes_derivatives_on_by_weight_and_leaves_the_network_alone(
    plain64: VisionModel, wrapped: Callable[..., VisionModel]
) -> None:
    rows, cols = positions(2, 5, 12)
    found = attribute(plain64, images64(2), "early", rows, cols, smooth_pooling=True)
    spelled_out = wrapped(type(plain64.module), torch.float64)
    spelled_out.module.add_module("pool", MeanOfLargePool())
    torch.testing.assert_close(spelled_out.logits(images64(2)), plain64.logits(images64(2)))
    expected = by_reverse_mode(spelled_out, images64(2), "early", rows, cols)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6)
    assert not torch.allclose(found, attribute(plain64, images64(2), "early", rows, cols), rtol=1e-2)


def test_smooth_pooling_changes_nothing_where_no_pool_follows(plain64: VisionModel) -> None:
    rows, cols = positions(2, 5, 6)
    smooth = attribute(plain64, images64(2), "late", rows, cols, smooth_pooling=True)
    torch.testing.assert_close(smooth, attribute(plain64, images64(2), "late", rows, cols))


@pytest.mark.parametrize("layer", ["mixed4e", "mixed5b"])
def test_of_inceptionv1_they_equal_explicit_gradients(inception64: VisionModel, layer: str) -> None:
    images = torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rows, cols = positions(1, 3, 4 if layer == "mixed4e" else 2)
    found = attribute(inception64, images, layer, rows, cols)
    torch.testing.assert_close(found, by_reverse_mode(inception64, images, layer, rows, cols), rtol=1e-9, atol=0)
    assert (found != 0).any()


def test_at_mixed5b_of_inceptionv1_they_add_up_to_the_logits_without_bias(inception64: VisionModel) -> None:
    images = torch.rand((2, 3, 64, 64), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    row, col = torch.meshgrid(torch.arange(2), torch.arange(2), indexing="ij")
    rows, cols = (grid.reshape(1, -1).expand(2, -1) for grid in (row, col))
    total = attribute(inception64, images, "mixed5b", rows, cols).sum(1)
    bias = inception64.module.get_parameter(f"{HEAD}.bias")
    torch.testing.assert_close(total, inception64.logits(images) - bias, rtol=1e-9, atol=0)


def test_the_callers_gradient_mode_does_not_matter(plain64: VisionModel) -> None:
    rows, cols = positions(2, 2, 6)
    expected = attribute(plain64, images64(2), "late", rows, cols)
    assert not expected.requires_grad
    images = images64(2)
    with torch.inference_mode():
        torch.testing.assert_close(attribute(plain64, images, "late", rows, cols), expected)


@pytest.fixture(scope="module")
def inception64() -> VisionModel:
    """InceptionV1 with nine outputs and random weights, scaled to keep signals alive, in double precision."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        network = InceptionV1(9)
        for parameter in network.parameters():
            if parameter.ndim == 4:
                nn.init.kaiming_normal_(parameter)
    return wrap_model(network.double(), input_size=64, name="inception64")


class Doubling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:  # noqa: ARG004 - torch's signature
        return 2 * x


class OwnFunctionNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        doubled: Tensor = Doubling.apply(self.conv(x))
        return doubled.mean((2, 3))


class DetachedNet(OwnFunctionNet):
    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.conv(x)
        return h.detach().mean((2, 3))


class SharedNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.conv(self.conv(x))
        return h.mean((2, 3))


class AttentionNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 8, stride=8)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.conv(x).flatten(2).transpose(1, 2)
        mixed: Tensor = nn.functional.scaled_dot_product_attention(tokens, tokens, tokens)
        return mixed.mean(1)


@pytest.mark.parametrize("network", [OwnFunctionNet, DetachedNet])
def test_a_network_that_has_no_forward_derivative_is_refused_with_the_remedy(
    wrapped: Callable[..., VisionModel], network: type[nn.Module]
) -> None:
    model = wrapped(network)
    ones = torch.ones((2, 1), dtype=torch.int64)
    with pytest.raises(AtlasError, match=r"attributions=False"):
        attribute(model, torch.rand(2, 3, 24, 24), "conv", ones, ones)


def test_attention_has_attributions_too(wrapped: Callable[..., VisionModel]) -> None:
    model = wrapped(AttentionNet, torch.float64)
    rows, cols = positions(2, 3, 3)
    found = attribute(model, images64(2), "conv", rows, cols)
    torch.testing.assert_close(found, by_reverse_mode(model, images64(2), "conv", rows, cols))


def test_of_a_layer_that_runs_twice_the_first_run_counts(wrapped: Callable[..., VisionModel]) -> None:
    model = wrapped(SharedNet, torch.float64)
    rows, cols = positions(2, 3, 24)
    found = attribute(model, images64(2), "conv", rows, cols)
    torch.testing.assert_close(found, by_reverse_mode(model, images64(2), "conv", rows, cols))
