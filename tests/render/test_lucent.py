from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest
import torch

from atlas.errors import AtlasError
from atlas.models import wrap_model
from atlas.render import RenderSettings, render
from atlas.render.lucent import render_with_lucent

if TYPE_CHECKING:
    from atlas.models import VisionModel

SETTINGS = RenderSettings(size=40, steps=16)
WANTED = np.random.default_rng(0).random((3, 12), dtype=np.float32)


def centre_cosine(model: VisionModel, layer: str, images: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        maps = model.activations(torch.from_numpy(images).permute(0, 3, 1, 2) / 255, [layer])[layer].double().numpy()
    h = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
    return np.asarray((h * vectors).sum(1) / np.linalg.norm(h, axis=1) / np.linalg.norm(vectors, axis=1))


def test_it_renders_any_network_and_scores_the_stored_images_as_ours(net: VisionModel) -> None:
    means = WANTED + 1
    icons = render(net, "tail.1", WANTED - 0.4, means=means, engine="lucent", settings=SETTINGS)
    assert icons.images.shape == (3, 40, 40, 3)
    assert icons.images.dtype == np.uint8
    assert np.allclose(icons.cosine, centre_cosine(net, "tail.1", icons.images, means), atol=1e-5)
    assert np.allclose(icons.target_cosine, centre_cosine(net, "tail.1", icons.images, WANTED - 0.4), atol=1e-5)


def test_it_optimises_the_same_objective_on_our_network(tiny: VisionModel, directions: np.ndarray) -> None:
    few = directions[:2] - directions.mean(0)
    start = render(tiny, "mixed3b", few, engine="lucent", settings=replace(SETTINGS, steps=1, learning_rate=1e-9))
    icons = render(tiny, "mixed3b", few, engine="lucent", settings=replace(SETTINGS, steps=24))
    assert (icons.score > start.score).all()
    assert (icons.target_cosine > start.target_cosine).all()


def test_lucent_sees_exactly_our_network_with_its_preprocessing(net: VisionModel) -> None:
    seen: list[torch.Tensor] = []

    def objective(activations: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        seen.append(activations.detach())
        return (activations * targets).sum(1)

    inputs: list[torch.Tensor] = []

    def preprocess(images: torch.Tensor) -> torch.Tensor:
        inputs.append(images.detach())
        return net.preprocess(images)

    model = wrap_model(net.module, preprocess=preprocess, input_size=32)
    model.layers()
    inputs.clear()
    render_with_lucent(model, "block.conv2", WANTED[:1, :8], settings=replace(SETTINGS, steps=2), objective=objective)
    assert [tuple(images.shape) for images in inputs[:2]] == [(1, 3, 40, 40)] * 2
    for images, activations in zip(inputs, seen, strict=False):
        expected = net.activations(images, ["block.conv2"])["block.conv2"][:, :, 10, 10]
        torch.testing.assert_close(activations, expected)


def test_it_is_seeded_by_icon_and_puts_the_global_generators_back(net: VisionModel) -> None:
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    expected = torch.rand(3), np.random.rand(3)  # noqa: NPY002
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    together = render(net, "tail", WANTED, engine="lucent", settings=SETTINGS, seed=7)
    assert torch.equal(torch.rand(3), expected[0])
    assert np.array_equal(np.random.rand(3), expected[1])  # noqa: NPY002
    alone = render(net, "tail", WANTED[2:], keys=[2], engine="lucent", settings=SETTINGS, seed=7)
    assert np.array_equal(alone.images[0], together.images[2])
    other = render(net, "tail", WANTED[2:], keys=[2], engine="lucent", settings=SETTINGS, seed=8)
    assert not np.array_equal(other.images, alone.images)


def test_tries_and_progress_are_as_with_our_engine(net: VisionModel) -> None:
    calls: list[tuple[int, int]] = []
    settings = replace(SETTINGS, tries=2, steps=8)
    two = render(net, "tail", WANTED, engine="lucent", settings=settings, progress=lambda *call: calls.append(call))
    assert calls == [(1, 3), (2, 3), (3, 3)]
    one = render(net, "tail", WANTED, engine="lucent", settings=replace(settings, tries=1))
    assert (two.score >= one.score).all()


def test_its_hooks_do_not_stay_on_our_network(net: VisionModel) -> None:
    weights = [parameter.data_ptr() for parameter in net.module.parameters()]
    render(net, "tail", WANTED[:1], engine="lucent", settings=replace(SETTINGS, steps=1))
    assert not any(module._forward_hooks for module in net.module.modules())
    assert weights == [parameter.data_ptr() for parameter in net.module.parameters()]


def test_an_interrupt_ends_the_whole_rendering(net: VisionModel) -> None:
    def interrupted(_activations: torch.Tensor, _targets: torch.Tensor) -> NoReturn:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(net, "tail", WANTED, engine="lucent", settings=SETTINGS, objective=interrupted)


def test_without_lucent_the_remedy_is_given(net: VisionModel, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "lucent"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "lucent", None)
    with pytest.raises(AtlasError, match=r"pip install 'activation-atlas\[lucent\]'") as caught:
        render(net, "tail", WANTED, engine="lucent", settings=SETTINGS)
    assert "\n" not in str(caught.value)


def test_our_engine_does_not_import_lucent() -> None:
    import subprocess  # noqa: PLC0415

    code = "import sys, atlas.render; sys.exit(any(name.split('.')[0] in ('lucent', 'kornia') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
