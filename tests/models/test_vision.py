from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet18

from atlas.errors import AtlasError
from atlas.models import LayerInfo, VisionModel, wrap_model


class Forbidden(nn.Module):
    def forward(self, _x: Tensor) -> Tensor:
        raise AssertionError("ran after the layer that was asked for")


class Net(nn.Module):
    """In-place ReLUs everywhere; `shared` is called twice; `spare` never."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(inplace=True))
        self.shared = nn.Conv2d(6, 6, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.spare = nn.Conv2d(6, 6, 1)
        self.after: nn.Module = nn.Conv2d(6, 8, 3, stride=2, padding=1)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.shared(self.stem(x)))
        x = self.relu(self.after(self.relu(self.shared(x))))
        logits: Tensor = self.head(x.mean((2, 3)))
        return logits


def network() -> Net:
    torch.manual_seed(0)
    return Net()


def wrapped(module: nn.Module | None = None, input_size: int = 24) -> VisionModel:
    return wrap_model(module or network(), preprocess=lambda x: 4 * x - 2, input_size=input_size)


def pictures(n: int = 2, size: int = 24) -> Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(1))


def hooks(module: nn.Module) -> int:
    return sum(len(part._forward_hooks) for part in module.modules())


def test_layers_come_in_the_order_of_the_forward_pass_with_channels_and_stride() -> None:
    assert wrapped().layers() == (
        LayerInfo("stem.0", 6, 2),
        LayerInfo("stem.1", 6, 2),
        LayerInfo("stem", 6, 2),
        LayerInfo("shared", 6, 2),
        LayerInfo("relu", 6, 2),
        LayerInfo("after", 8, 4),
    )


def test_the_network_is_frozen_and_in_evaluation_mode() -> None:
    model = wrapped(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    assert torch.equal(model.logits(pictures()), model.logits(pictures()))
    assert not any(parameter.requires_grad for parameter in model.module.parameters())
    assert model.n_classes == 4


def test_activations_are_the_modules_outputs_as_they_were_before_later_in_place_changes() -> None:
    net = network().eval()
    first = net.stem[0](4 * pictures() - 2)
    second = net.shared(first.clamp(min=0))
    assert (first < 0).any()
    assert (second < 0).any()
    found = wrapped().activations(pictures(), ["after", "stem.0", "shared"])
    assert set(found) == {"after", "stem.0", "shared"}
    torch.testing.assert_close(found["stem.0"], first)
    torch.testing.assert_close(found["shared"], second)
    for name, expected in (("stem.0", first), ("shared", second)):
        torch.testing.assert_close(wrapped().activations(pictures(), [name])[name], expected)


def test_a_module_called_twice_counts_with_its_first_call_whatever_else_is_asked_for() -> None:
    model = wrapped()
    alone = model.activations(pictures(), ["shared"])["shared"]
    assert torch.equal(alone, model.activations(pictures(), ["shared", "after"])["shared"])
    net = network().eval()
    edited = net.relu(torch.full_like(alone, 0.5))
    edited = net.relu(net.after(net.relu(net.shared(edited))))
    torch.testing.assert_close(
        model.logits_with(pictures(), "shared", lambda h: torch.full_like(h, 0.5)), net.head(edited.mean((2, 3)))
    )


def test_nothing_after_the_layer_runs() -> None:
    model = wrapped()
    model.layers()
    expected = model.activations(pictures(), ["after"])["after"]
    model.module.head = Forbidden()
    assert torch.equal(model.activations(pictures(), ["after"])["after"], expected)
    assert torch.equal(model.activations(pictures(), ["after", "shared"])["after"], expected)
    with pytest.raises(AssertionError, match="ran after"):
        model.logits(pictures())


def test_logits_are_the_modules_own_and_can_be_computed_with_an_edited_layer() -> None:
    net, model = network().eval(), wrapped()
    torch.testing.assert_close(model.logits(pictures()), net(4 * pictures() - 2))
    assert torch.equal(model.logits_with(pictures(), "after", lambda h: h.clone()), model.logits(pictures()))
    silenced = model.logits_with(pictures(), "after", torch.zeros_like)
    torch.testing.assert_close(silenced, net.head.bias.expand(2, -1))


def test_gradients_reach_the_images_and_stop_at_the_weights() -> None:
    images = pictures().requires_grad_()
    model = wrapped()
    model.activations(images, ["after"])["after"].square().sum().backward()  # type: ignore[no-untyped-call]
    assert images.grad is not None
    assert images.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in model.module.parameters())


def test_no_hook_is_left_behind_also_after_an_error() -> None:
    model = wrapped()
    model.activations(pictures(), ["stem.0", "after"])
    model.logits_with(pictures(), "after", lambda h: h)

    def fail(_h: Tensor) -> Tensor:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        model.logits_with(pictures(), "after", fail)
    assert hooks(model.module) == 0


def test_an_unknown_layer_is_refused_with_the_nearest_names() -> None:
    for call in (
        lambda: wrapped().layer("shred"),
        lambda: wrapped().activations(pictures(), ["shred"]),
        lambda: wrapped().logits_with(pictures(), "shred", lambda h: h),
    ):
        with pytest.raises(AtlasError, match=r"^Net has no layer 'shred'; the nearest names are shared.*\.$"):
            call()
    with pytest.raises(AtlasError, match=r"nearest names are .*after"):
        wrapped().layer("zzz")


def test_a_module_that_the_forward_pass_never_calls_is_no_layer() -> None:
    with pytest.raises(AtlasError, match="no layer 'spare'"):
        wrapped().layer("spare")


def test_a_network_that_gives_maps_instead_of_logits_is_refused() -> None:
    with pytest.raises(AtlasError, match=r"Conv2d must give logits of shape \(B, K\)"):
        wrapped(nn.Conv2d(3, 4, 3)).layers()


def test_a_network_that_does_not_run_at_the_input_size_is_refused_in_one_line() -> None:
    fixed = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 30 * 30, 5))
    assert wrapped(fixed, input_size=32).n_classes == 5
    with pytest.raises(AtlasError, match=r"does not run on one 40 px image.*right input_size") as caught:
        wrapped(fixed, input_size=40).layers()
    assert "\n" not in str(caught.value)


def test_a_device_that_is_not_there_is_refused_in_one_line() -> None:
    with pytest.raises(AtlasError, match="Net cannot be put on device warp-drive") as caught:
        wrapped().to("warp-drive")
    assert "\n" not in str(caught.value)


def test_torchvisions_resnet_is_wrapped_with_nested_names_and_imagenet_preprocessing() -> None:
    torch.manual_seed(0)
    net = resnet18(weights=None)
    model = wrap_model(net, input_size=64, name="resnet18")
    assert model.layer("layer1.0.conv1") == LayerInfo("layer1.0.conv1", 64, 4)
    assert model.layer("layer3.0.conv1") == LayerInfo("layer3.0.conv1", 256, 16)
    assert model.layer("layer4") == LayerInfo("layer4", 512, 32)
    assert (model.name, model.n_classes, model.labels) == ("resnet18", 1000, None)
    images = pictures(2, 64)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (images - mean[:, None, None]) / deviation[:, None, None]
    with torch.no_grad():
        torch.testing.assert_close(model.logits(images), net(x))
        x = net.layer2(net.layer1(net.maxpool(net.relu(net.bn1(net.conv1(x))))))
        expected = net.layer3[0].conv1(x)
        found = model.activations(images, ["layer2", "layer3.0.conv1", "bn1"])
    torch.testing.assert_close(found["layer3.0.conv1"], expected)
    torch.testing.assert_close(found["layer2"], x)
    assert (found["bn1"] < 0).any(), "the in-place ReLU after it has changed what was kept"


def test_two_networks_with_other_weights_have_other_digests() -> None:
    torch.manual_seed(1)
    assert wrapped().digest == wrapped().digest != wrapped(Net()).digest
