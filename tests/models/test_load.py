from __future__ import annotations

import socket
from typing import TYPE_CHECKING, NoReturn

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models import GoogLeNet

from atlas.errors import AtlasError
from atlas.models import MODEL_NAMES, load_model
from atlas.models.inception import HEAD, LAYER_NAMES, InceptionV1
from atlas.models.load import imagenet_range, inception_range
from atlas.models.names import _MODULES

if TYPE_CHECKING:
    from pathlib import Path

PICTURES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No network: an empty cache, and a proxy at a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = probe.getsockname()[1]
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def inception() -> InceptionV1:
    torch.manual_seed(0)
    return InceptionV1().eval()


def failure(name: str, weights: Path | str | None = None) -> str:
    with pytest.raises(AtlasError) as caught:
        load_model(name, weights=weights, device="cpu")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_embedded_network_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    model = load_model(device="cpu")
    assert model.name == "inceptionv1-tiny"
    assert model.input_size == 96
    assert model.n_classes == 200
    assert model.labels is not None
    assert len(model.labels) == 200
    assert tuple(layer.name for layer in model.layers()) == LAYER_NAMES
    assert {layer.name: (layer.channels, layer.stride) for layer in model.layers()} == {
        "conv2d0": (64, 2),
        "conv2d1": (64, 4),
        "conv2d2": (192, 4),
        "mixed3a": (256, 8),
        "mixed3b": (480, 8),
        "mixed4a": (508, 16),
        "mixed4b": (512, 16),
        "mixed4c": (512, 16),
        "mixed4d": (528, 16),
        "mixed4e": (832, 16),
        "mixed5a": (832, 32),
        "mixed5b": (1024, 32),
    }
    assert model.dtype == torch.float32
    assert model.logits(PICTURES).isfinite().all()


@pytest.mark.parametrize("kind", ["safetensors", "pth", "captum"])
def test_imagenet_weights_are_read_from_either_kind_of_file_and_under_either_names(
    tmp_path: Path, inception: InceptionV1, kind: str
) -> None:
    state: dict[str, Tensor] = dict(inception.state_dict())
    path = tmp_path / f"weights.{kind}"
    if kind == "captum":
        theirs = {ours: name for name, ours in _MODULES.items()}
        state = {f"{theirs[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": value for name, value in state.items()}
        assert "mixed4c.conv_3x3_reduce.weight" in state
    if kind == "safetensors":
        save_file({name: value.contiguous() for name, value in state.items()}, path)
    else:
        torch.save(state, path)
    model = load_model("inceptionv1", weights=str(path) if kind == "pth" else path, device="cpu")
    assert (model.name, model.input_size, model.n_classes) == ("inceptionv1", 224, 1008)
    assert model.labels is not None
    assert len(model.labels) == 1008
    with torch.no_grad():
        torch.testing.assert_close(model.logits(PICTURES), inception(inception_range(PICTURES)))


def test_inception_weights_for_other_classes_come_without_labels(tmp_path: Path) -> None:
    torch.save(InceptionV1(12).state_dict(), tmp_path / "twelve.pth")
    model = load_model("inceptionv1", weights=tmp_path / "twelve.pth", device="cpu")
    assert model.n_classes == 12
    assert model.labels is None


@pytest.mark.parametrize("auxiliary", [True, False])
def test_googlenet_is_torchvisions_with_or_without_the_auxiliary_heads_in_the_file(
    tmp_path: Path, auxiliary: bool
) -> None:
    torch.manual_seed(0)
    theirs = GoogLeNet(aux_logits=auxiliary, transform_input=True, init_weights=False).eval()
    torch.save(theirs.state_dict(), tmp_path / "googlenet.pth")
    model = load_model("googlenet", weights=tmp_path / "googlenet.pth", device="cpu")
    assert model.labels is not None
    assert len(model.labels) == model.n_classes == 1000
    assert model.layer("inception4a").channels == 512
    assert model.layer("inception4a").stride == 16
    assert model.layer("inception4a.branch2.0.conv").channels == 96
    with torch.no_grad():
        torch.testing.assert_close(model.logits(PICTURES), theirs(imagenet_range(PICTURES)))


def test_an_unknown_model_is_refused_with_the_names_there_are() -> None:
    message = failure("vgg16")
    assert all(name in message for name in ("'vgg16'", *MODEL_NAMES, "wrap_model"))


def test_an_unknown_layer_is_refused_with_the_nearest() -> None:
    with pytest.raises(AtlasError, match=r"inceptionv1-tiny has no layer 'mixed4f'.*mixed4c") as caught:
        load_model(device="cpu").layer("mixed4f")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "nowhere.pth does not exist" in failure("inceptionv1", tmp_path / "nowhere.pth")


def test_a_file_that_is_no_weights_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.pth").write_text("<html>not found</html>")
    for name in MODEL_NAMES:
        assert "page.pth" in failure(name, tmp_path / "page.pth")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "vgg.pth")
    assert "not InceptionV1 weights" in failure("inceptionv1", tmp_path / "vgg.pth")
    assert "vgg.pth does not fit the network" in failure("googlenet", tmp_path / "vgg.pth")


def test_weights_whose_shapes_do_not_fit_are_refused_with_both_shapes(tmp_path: Path, inception: InceptionV1) -> None:
    name = "mixed4a_3x3_pre_relu_conv.weight"
    torch.save({**inception.state_dict(), name: torch.zeros(208, 96, 3, 3)}, tmp_path / "paper.pth")
    message = failure("inceptionv1", tmp_path / "paper.pth")
    assert f"{name}: (208, 96, 3, 3), needed (204, 96, 3, 3)" in message
    state = inception.state_dict()
    del state["mixed5b_1x1_pre_relu_conv.bias"]
    torch.save(state, tmp_path / "short.pth")
    assert "1 missing (mixed5b_1x1_pre_relu_conv.bias)" in failure("inceptionv1", tmp_path / "short.pth")


@pytest.mark.parametrize("head", [None, torch.zeros(()), torch.zeros(1008)])
def test_weights_without_a_proper_head_are_refused(tmp_path: Path, inception: InceptionV1, head: Tensor | None) -> None:
    state = dict(inception.state_dict())
    del state[f"{HEAD}.weight"]
    if head is not None:
        state[f"{HEAD}.weight"] = head
    torch.save(state, tmp_path / "headless.pth")
    assert f"{HEAD}.weight is missing or no matrix" in failure("inceptionv1", tmp_path / "headless.pth")


@pytest.mark.parametrize(
    ("name", "file"), [("inceptionv1", "inception5h.pth"), ("googlenet", "googlenet-1378be20.pth")]
)
def test_without_a_network_the_remedy_is_given_and_nothing_is_left_in_the_cache(
    offline: Path, name: str, file: str
) -> None:
    message = failure(name)
    assert f"{file} could not be downloaded" in message
    assert "weights=PATH" in message
    assert list(offline.iterdir()) == []


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(AtlasError, match="cannot be put on device warp-drive"):
        load_model(device="warp-drive")
