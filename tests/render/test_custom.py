from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from atlas.errors import AtlasError
from atlas.render import render_objective
from atlas.render.global_random import seeded_globals

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=r".*torch\.jit\.script")
    from lucent.optvis import objectives, param, transform
    from lucent.optvis.render import render_vis

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.models import VisionModel


def clean(model: VisionModel, images: np.ndarray, layer: str) -> Tensor:
    with torch.no_grad():
        return model.activations(torch.from_numpy(images).permute(0, 3, 1, 2) / 255, [layer])[layer]


class Preprocessed(nn.Module):
    def __init__(self, model: VisionModel) -> None:
        super().__init__()
        self.net, self.model = model.module, (model.preprocess,)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.net(self.model[0](x))
        return logits


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (objectives.channel("tail_1", 3), objectives.channel("net_tail_1", 3)),
        (objectives.neuron("block_conv2", 2), objectives.neuron("net_block_conv2", 2)),
        (
            objectives.channel("tail.1", 3) - 0.5 * objectives.neuron("stem", 1, x=4, y=5),
            objectives.channel("net_tail_1", 3) - 0.5 * objectives.neuron("net_stem", 1, x=4, y=5),
        ),
        (
            objectives.direction("tail", torch.arange(12.0)) + objectives.diversity("stem"),
            objectives.direction("net_tail", torch.arange(12.0)) + objectives.diversity("net_stem"),
        ),
        (
            objectives.Objective.sum([objectives.channel("tail", 1, batch=0), objectives.channel("tail", 2, batch=1)]),
            objectives.Objective.sum(
                [objectives.channel("net_tail", 1, batch=0), objectives.channel("net_tail", 2, batch=1)]
            ),
        ),
    ],
    ids=["channel", "neuron", "difference", "direction", "batch"],
)
def test_lucents_objectives_and_images_give_what_lucents_own_loop_gives(
    net: VisionModel, ours: Any, theirs: Any
) -> None:
    def images() -> Any:
        return param.image(32, batch=2)

    found = render_objective(net, ours, parameterisation=images, steps=6, seed=4, transforms=[], redirect_steps=0)
    with seeded_globals([4]):
        (expected,) = render_vis(
            Preprocessed(net),
            theirs,
            images,
            transforms=[],
            preprocess=False,
            thresholds=(6,),
            progress=False,
            show_image=False,
            fixed_image_size=32,
        )
    for module in net.module.modules():
        module._forward_hooks.clear()  # lucent's
    assert found.shape == (2, 32, 32, 3)
    assert np.abs(found - 255 * expected).max() < 2


def test_our_own_parameterisation_is_the_default_and_raises_what_was_asked_for(net: VisionModel) -> None:
    images = render_objective(net, objectives.channel("tail", 3), steps=24, size=40, batch=3)
    start = render_objective(net, objectives.channel("tail", 3), steps=1, size=40, batch=3, learning_rate=1e-9)
    assert images.shape == (3, 40, 40, 3)
    assert images.dtype == np.uint8
    raised = clean(net, images, "tail")[:, 3].mean((1, 2)) - clean(net, start, "tail")[:, 3].mean((1, 2))
    assert (raised > 0.02).all()
    assert not np.array_equal(images[0], images[1])


def test_lucents_transforms_can_be_handed_in(net: VisionModel) -> None:
    images = render_objective(
        net, objectives.channel("tail", 3), steps=4, size=32, transforms=transform.standard_transforms
    )
    assert images.shape == (1, 32, 32, 3)


def test_a_plain_callable_is_an_objective(net: VisionModel) -> None:
    def bright(layers: Callable[[str], Tensor]) -> Tensor:
        assert layers("input").shape == (1, 3, 32, 32)
        assert layers("labels").shape == (1, 5)
        return -layers("input").mean() + 0 * layers("labels").sum()

    assert render_objective(net, bright, steps=30, size=32).mean() > 140


def test_the_same_seed_gives_the_same_images_and_the_global_generators_are_put_back(net: VisionModel) -> None:
    def images(seed: int) -> np.ndarray:
        return render_objective(
            net, objectives.channel("tail", 1), parameterisation=lambda: param.image(32), steps=3, seed=seed
        )

    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    expected = torch.rand(3), np.random.rand(3)  # noqa: NPY002
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    first = images(1)
    assert torch.equal(torch.rand(3), expected[0])
    assert np.array_equal(np.random.rand(3), expected[1])  # noqa: NPY002
    assert np.array_equal(images(1), first)
    assert not np.array_equal(images(2), first)


def test_only_the_layers_asked_for_run(net: VisionModel) -> None:
    calls: list[str] = []
    handles = [
        net.module.get_submodule(name).register_forward_hook(lambda *_, name=name: calls.append(name))
        for name in ("stem", "block.conv2", "head")
    ]
    render_objective(net, objectives.channel("stem", 1) + objectives.channel("block_conv1", 1), steps=3, size=32)
    for handle in handles:
        handle.remove()
    assert set(calls) == {"stem"}
    # One pass for each of the two layers in the first step, then one for both.
    assert len(calls) == 2 + 2


def test_nothing_is_left_behind_on_the_network(net: VisionModel) -> None:
    render_objective(net, objectives.channel("tail", 1), steps=2, size=32)
    assert not any(module._forward_hooks for module in net.module.modules())


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (lambda layers: layers("tial").mean(), "no layer 'tial'; the nearest names are tail"),
        (lambda layers: layers("tail"), r"must return a scalar tensor.*not \(1, 12, 8, 8\)"),
        (lambda _layers: 3.0, r"must return a scalar tensor.*not float"),
        (lambda _layers: torch.zeros(()), "does not depend on the images"),
    ],
)
def test_objectives_that_cannot_be_minimised_are_refused(net: VisionModel, objective: Any, message: str) -> None:
    with pytest.raises(AtlasError, match=message):
        render_objective(net, objective, steps=2, size=32)


def test_images_that_are_not_square_need_views_of_their_own(net: VisionModel) -> None:
    def wide() -> Any:
        return param.image(40, 32)

    with pytest.raises(AtlasError, match=r"square images, not 32 x 40; give transforms"):
        render_objective(net, objectives.channel("tail", 1), parameterisation=wide, steps=2)
    images = render_objective(net, objectives.channel("tail", 1), parameterisation=wide, steps=2, transforms=[])
    assert images.shape == (1, 32, 40, 3)
