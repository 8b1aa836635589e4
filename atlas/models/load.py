"""Networks by name, and any torch network wrapped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from atlas.assets import asset
from atlas.errors import AtlasError
from atlas.models.inception import HEAD, LAYER_NAMES, InceptionV1
from atlas.models.labels import Labels, imagenet_labels, inception_labels, labels_from_names, read_labels
from atlas.models.names import to_lucent_names
from atlas.models.trained import read_about
from atlas.models.vision import VisionModel
from atlas.models.weights import check_state_dict, fetch, read_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: The published PyTorch conversion of the TensorFlow network; the address that lucent uses.
INCEPTION_URL = "https://github.com/ProGamerGov/pytorch-old-tensorflow-models/raw/master/inception5h.pth"
GOOGLENET_URL = "https://download.pytorch.org/models/googlenet-1378be20.pth"

#: What `load_model` knows, and what each is.
MODEL_NAMES = {
    "inceptionv1-tiny": "InceptionV1 trained on Tiny-ImageNet (200 classes, 96 px); embedded, no download",
    "inceptionv1": "InceptionV1 trained on ImageNet (1,008 outputs, 224 px); fetched once, or weights=PATH",
    "googlenet": "torchvision's GoogLeNet (1,000 classes, 224 px); fetched once, or weights=PATH",
}


def inception_range(images: Tensor) -> Tensor:
    """Images in [0, 1] → [-117, 138], what InceptionV1 takes."""
    return images * 255 - 117


def imagenet_range(images: Tensor) -> Tensor:
    """Images in [0, 1] → zero mean, unit variance over ImageNet, what torchvision's networks take."""
    mean, deviation = _channels(images, 0.485, 0.456, 0.406), _channels(images, 0.229, 0.224, 0.225)
    return (images - mean) / deviation


def _channels(images: Tensor, *values: float) -> Tensor:
    """Constants (C, 1, 1), made where the images are: a GPU would have to wait for a copy."""
    filled = [torch.full((1, 1, 1), value, device=images.device, dtype=images.dtype) for value in values]
    return torch.cat(filled)


def load_model(
    name: str = "inceptionv1-tiny", *, weights: Path | str | None = None, device: str | None = None
) -> VisionModel:
    """A network by name, frozen and ready.

    Parameters
    ----------
    name : str
        "inceptionv1-tiny" (embedded, no download), "inceptionv1" (ImageNet) or "googlenet" (torchvision's).
    weights : path, optional
        A weights file to use instead of the embedded or published one; read as data only.
    device : str, optional
        Where to put it; by default a GPU when there is one.

    Raises
    ------
    AtlasError
        An unknown name; weights that cannot be fetched or read, or do not fit.
    """
    loaders = {"inceptionv1-tiny": _tiny, "inceptionv1": _inception, "googlenet": _googlenet}
    if name not in loaders:
        raise AtlasError(
            f"There is no model {name!r}; there are {', '.join(MODEL_NAMES)}; wrap_model takes any torch network."
        )
    return loaders[name](weights).to(device or default_device())


def default_device() -> str:
    """The fastest kind of device here: "cuda", "mps" or "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def wrap_model(
    module: nn.Module,
    *,
    preprocess: Callable[[Tensor], Tensor] | None = None,
    labels: Labels | Sequence[str] | None = None,
    input_size: int = 224,
    name: str | None = None,
) -> VisionModel:
    """Any torch vision network, for atlases of its layers.

    Parameters
    ----------
    module : torch.nn.Module
        Gives logits (B, K). It is put into evaluation mode and frozen.
    preprocess : callable, optional
        Images in [0, 1] → what the module takes; differentiable. By default ImageNet's mean and deviation, as
        torchvision's networks want.
    labels : Labels or sequence of str, optional
        Names of the K classes, in the order of the logits.
    input_size : int
        Side of the square images the network is run on, in pixels.
    name : str, optional
        Shown to people; by default the class of the module.

    Raises
    ------
    AtlasError
        When it is first run: the network does not run on an image of that size, gives no logits (B, K), or has not as
        many classes as there are labels.

    Examples
    --------
    >>> model = atlas.wrap_model(torchvision.models.resnet18(weights="DEFAULT"))
    >>> model.layer("layer3").channels
    256
    """
    return VisionModel(
        module,
        name=name or type(module).__name__,
        preprocess=preprocess or imagenet_range,
        input_size=input_size,
        labels=labels if labels is None or isinstance(labels, Labels) else labels_from_names(list(labels)),
    )


def _load_inception(path: Path, labels: Labels, name: str, input_size: int, bandwidth: float = 0.5) -> VisionModel:
    state = to_lucent_names(read_weights(path))
    head = state.get(f"{HEAD}.weight")
    if head is None or head.ndim != 2:
        raise AtlasError(
            f"{path.name} holds no InceptionV1: {HEAD}.weight is missing or no matrix; give its state dict."
        )
    module = InceptionV1(n_classes=head.shape[0])
    check_state_dict(state, {key: value.shape for key, value in module.state_dict().items()}, path.name)
    module.load_state_dict({key: value.float() for key, value in state.items()})
    about = read_about(path)
    if about is not None:
        labels, input_size, bandwidth = about
    return VisionModel(
        module,
        name=name,
        preprocess=inception_range,
        input_size=input_size,
        # Weights for another number of classes are welcome; unless `atlas train` wrote them, they come without names.
        labels=labels if len(labels) == head.shape[0] else None,
        layer_names=LAYER_NAMES,
        bandwidth=bandwidth,
    )


def _tiny(weights: Path | str | None) -> VisionModel:
    path = _path(weights) or asset("inceptionv1-tiny.safetensors")
    # Its photographs are 64 px enlarged to 96 px: nothing above 1/3, and little above 1/5 cycles a pixel.
    return _load_inception(path, read_labels(asset("tiny-imagenet-classes.tsv")), "inceptionv1-tiny", 96, bandwidth=0.2)


def _inception(weights: Path | str | None) -> VisionModel:
    # No checksum of this file is published; `fetch` pins the one it sees first.
    path = _path(weights) or fetch(INCEPTION_URL, "inception5h.pth", sha256=None)
    return _load_inception(path, inception_labels(), "inceptionv1", 224)


def _googlenet(weights: Path | str | None) -> VisionModel:
    from torchvision.models import GoogLeNet  # noqa: PLC0415 - slow to import, seldom wanted

    # torchvision puts the first eight hexadecimal digits of the checksum into the file name.
    path = _path(weights) or fetch(GOOGLENET_URL, "googlenet-1378be20.pth", sha256="1378be20")
    state = {key: value for key, value in read_weights(path).items() if not key.startswith(("aux1.", "aux2."))}
    module = GoogLeNet(aux_logits=False, transform_input=True, init_weights=False)
    check_state_dict(state, {key: value.shape for key, value in module.state_dict().items()}, path.name)
    module.load_state_dict(state)
    return VisionModel(module, name="googlenet", preprocess=imagenet_range, input_size=224, labels=imagenet_labels())


def _path(weights: Path | str | None) -> Path | None:
    return None if weights is None else Path(weights)
