from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atlas.render import RedirectedReLU

if TYPE_CHECKING:
    from collections.abc import Callable

RELUS: dict[str, Callable[[Tensor], Tensor]] = {
    "F.relu": F.relu,
    "F.relu in place": lambda x: F.relu(x, inplace=True),
    "torch.relu": torch.relu,
    "torch.relu by keyword": lambda x: torch.relu(input=x),
    "torch.relu_": torch.relu_,
    "Tensor.relu": lambda x: x.relu(),
    "Tensor.relu_": lambda x: x.relu_(),
    "nn.ReLU": nn.ReLU(),
    "nn.ReLU in place": nn.ReLU(inplace=True),
}
# A live image, a dead one whose units are pushed up and down, one half dead.
X = torch.tensor([[1.0, -2.0, 3.0], [-1.0, -2.0, -3.0], [-1.0, 2.0, -3.0]])
PUSH = torch.tensor([[-0.5, 0.7, 0.2], [-0.5, 0.7, -0.2], [0.4, 0.3, -0.9]])


def gradient(relu: Callable[[Tensor], Tensor], x: Tensor, push: Tensor) -> tuple[Tensor, Tensor]:
    x = x.clone().requires_grad_()
    y = relu(x * 1)
    (found,) = torch.autograd.grad(y, x, push)
    return y.detach(), found


@pytest.mark.parametrize("name", RELUS)
def test_only_a_dead_image_gets_a_redirected_gradient_and_only_where_it_wakes(name: str) -> None:
    with RedirectedReLU():
        y, found = gradient(RELUS[name], X, PUSH)
    assert torch.equal(y, X.clamp(min=0))
    expected = torch.tensor(
        [
            [-0.5, 0.0, 0.2],  # alive: the ReLU's own gradient
            [-0.5, 0.0, -0.2],  # dead: descending along +0.7 would push the unit further down
            [0.0, 0.3, 0.0],
        ]
    )
    assert torch.equal(found, expected)


@pytest.mark.parametrize("name", RELUS)
def test_outside_the_context_the_gradient_is_the_true_one(name: str) -> None:
    with RedirectedReLU():
        gradient(RELUS[name], X, PUSH)
    y, found = gradient(RELUS[name], X, PUSH)
    assert torch.equal(y, X.clamp(min=0))
    assert torch.equal(found, torch.where(X > 0, PUSH, 0))


def test_a_live_image_in_the_batch_does_not_keep_a_dead_one_dead() -> None:
    with RedirectedReLU():
        _, together = gradient(F.relu, X, PUSH)
        alone = [gradient(F.relu, X[i : i + 1], PUSH[i : i + 1])[1] for i in range(3)]
    assert torch.equal(together, torch.cat(alone))
    assert together[1].abs().sum() > 0


def test_in_place_relus_change_their_input_also_when_the_result_is_dropped() -> None:
    for relu in (lambda x: F.relu(x, inplace=True), lambda x: x.relu_(), torch.relu_):
        x = X.clone().requires_grad_()
        with RedirectedReLU():
            y = x * 1
            relu(y)
        assert torch.equal(y, X.clamp(min=0))
        (found,) = torch.autograd.grad(y, x, PUSH)
        assert torch.equal(found[1], torch.tensor([-0.5, 0.0, -0.2]))


def test_it_reaches_the_relus_inside_a_network_and_leaves_the_network_alone() -> None:
    torch.manual_seed(0)
    first = nn.Conv2d(3, 4, 3)
    nn.init.constant_(first.bias, -100.0)  # type: ignore[arg-type]
    net = nn.Sequential(first, nn.ReLU(inplace=True), nn.Conv2d(4, 2, 3))
    x = torch.rand(2, 3, 8, 8, requires_grad=True)
    (true,) = torch.autograd.grad(net(x).sum(), x)
    assert not true.any()
    with RedirectedReLU():
        (redirected,) = torch.autograd.grad(net(x).sum(), x)
    assert redirected.flatten(1).abs().sum(1).gt(0).all()
    (after,) = torch.autograd.grad(net(x).sum(), x)
    assert not after.any()
    assert not any(module._forward_hooks for module in net.modules())


def test_everything_but_the_relu_is_as_ever() -> None:
    x = torch.linspace(-2, 2, 9, requires_grad=True)
    with RedirectedReLU():
        y = F.gelu(x) + F.relu6(x) + F.leaky_relu(x, 0.1) + x.clamp(min=0)
    expected = F.gelu(x) + F.relu6(x) + F.leaky_relu(x, 0.1) + x.clamp(min=0)
    assert torch.equal(y, expected)
    assert torch.equal(torch.autograd.grad(y.sum(), x)[0], torch.autograd.grad(expected.sum(), x)[0])
