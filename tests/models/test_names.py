from __future__ import annotations

import pytest
import torch

from atlas.errors import AtlasError
from atlas.models.inception import InceptionV1
from atlas.models.names import to_lucent_names


def captum_shapes(*, auxiliary: tuple[str, str, str] | None = None) -> dict[str, tuple[int, ...]]:
    """Names and shapes of captum's InceptionV1, written down from its constructor."""
    convolutions = {"conv1": (64, 3, 7), "conv2": (64, 64, 1), "conv3": (192, 64, 3)}
    for block, (inputs, one, reduce3, three, reduce5, five, pool) in {
        "mixed3a": (192, 64, 96, 128, 16, 32, 32),
        "mixed3b": (256, 128, 128, 192, 32, 96, 64),
        "mixed4a": (480, 192, 96, 204, 16, 48, 64),
        "mixed4b": (508, 160, 112, 224, 24, 64, 64),
        "mixed4c": (512, 128, 128, 256, 24, 64, 64),
        "mixed4d": (512, 112, 144, 288, 32, 64, 64),
        "mixed4e": (528, 256, 160, 320, 32, 128, 128),
        "mixed5a": (832, 256, 160, 320, 48, 128, 128),
        "mixed5b": (832, 384, 192, 384, 48, 128, 128),
    }.items():
        convolutions |= {
            f"{block}.conv_1x1": (one, inputs, 1),
            f"{block}.conv_3x3_reduce": (reduce3, inputs, 1),
            f"{block}.conv_3x3": (three, reduce3, 3),
            f"{block}.conv_5x5_reduce": (reduce5, inputs, 1),
            f"{block}.conv_5x5": (five, reduce5, 5),
            f"{block}.pool_proj": (pool, inputs, 1),
        }
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (outputs, inputs, kernel) in convolutions.items():
        shapes |= {f"{name}.weight": (outputs, inputs, kernel, kernel), f"{name}.bias": (outputs,)}
    if auxiliary:
        conv, hidden, classifier = auxiliary
        for head, inputs in (("aux1", 508), ("aux2", 528)):
            shapes |= {f"{head}.{conv}.weight": (128, inputs, 1, 1), f"{head}.{conv}.bias": (128,)}
            shapes |= {f"{head}.{hidden}.weight": (1024, 2048), f"{head}.{hidden}.bias": (1024,)}
            shapes |= {f"{head}.{classifier}.weight": (1008, 1024), f"{head}.{classifier}.bias": (1008,)}
    return shapes | {"fc.weight": (1008, 1024), "fc.bias": (1008,)}


def empty(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def network_shapes() -> dict[str, torch.Size]:
    with torch.device("meta"):
        return {name: value.shape for name, value in InceptionV1().state_dict().items()}


@pytest.mark.parametrize(
    "auxiliary",
    [None, ("conv", "fc1", "fc2"), ("loss_conv", "loss_fc", "loss_classifier")],
    ids=["plain", "auxiliary", "auxiliary, older"],
)
def test_captums_names_give_every_parameter_of_the_network(auxiliary: tuple[str, str, str] | None) -> None:
    renamed = to_lucent_names(empty(captum_shapes(auxiliary=auxiliary)))
    assert {name: value.shape for name, value in renamed.items()} == network_shapes()


def test_each_captum_tensor_goes_to_its_own_place() -> None:
    state = {name: torch.tensor(float(number)) for number, name in enumerate(captum_shapes())}
    renamed = to_lucent_names(state)
    for captum, lucent in {
        "conv1.weight": "conv2d0_pre_relu_conv.weight",
        "conv3.bias": "conv2d2_pre_relu_conv.bias",
        "mixed4c.conv_1x1.weight": "mixed4c_1x1_pre_relu_conv.weight",
        "mixed4c.conv_3x3_reduce.weight": "mixed4c_3x3_bottleneck_pre_relu_conv.weight",
        "mixed4c.conv_3x3.weight": "mixed4c_3x3_pre_relu_conv.weight",
        "mixed4c.conv_5x5_reduce.bias": "mixed4c_5x5_bottleneck_pre_relu_conv.bias",
        "mixed4c.conv_5x5.bias": "mixed4c_5x5_pre_relu_conv.bias",
        "mixed4c.pool_proj.bias": "mixed4c_pool_reduce_pre_relu_conv.bias",
        "fc.weight": "softmax2_pre_activation_matmul.weight",
    }.items():
        assert renamed[lucent] is state[captum]


def test_lucents_names_stay_as_they_are() -> None:
    state = {name: torch.empty(shape, device="meta") for name, shape in network_shapes().items()}
    renamed = to_lucent_names(state)
    assert list(renamed) == list(state)
    assert all(renamed[name] is state[name] for name in state)


def test_the_graphs_auxiliary_classifiers_are_left_out() -> None:
    state = {name: torch.zeros(1) for name in ("conv2d0_pre_relu_conv.bias", "nn0_pre_relu_matmul.bias")}
    assert list(to_lucent_names(state)) == ["conv2d0_pre_relu_conv.bias"]


def test_weights_of_another_network_are_refused_by_name() -> None:
    state = {name: torch.zeros(1) for name in ("fc.bias", "layer1.0.conv1.weight", "bn1.bias", "bn1.a", "bn1.b")}
    with pytest.raises(
        AtlasError, match=r"4 of 5 names are unknown \(layer1\.0\.conv1\.weight, bn1\.bias, bn1\.a, …\)"
    ):
        to_lucent_names(state)


def test_an_unknown_auxiliary_part_is_refused() -> None:
    state = empty(captum_shapes()) | {"aux1.conv9.weight": torch.zeros(1)}
    with pytest.raises(AtlasError, match=r"aux1\.conv9\.weight"):
        to_lucent_names(state)


def test_a_parameter_under_both_names_is_refused() -> None:
    state = {"conv1.bias": torch.zeros(64), "conv2d0_pre_relu_conv.bias": torch.zeros(64)}
    with pytest.raises(AtlasError, match=r"conv2d0_pre_relu_conv\.bias is in these weights under two names"):
        to_lucent_names(state)
