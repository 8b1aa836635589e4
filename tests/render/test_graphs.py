"""That a step can be recorded, tested without a GPU: what it does is recorded, and replayed, on the processor."""

from __future__ import annotations

import copy
import gc
import logging
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from atlas.render import RenderSettings, Robustness, batch, dot_cosine, render, start_spectrum
from atlas.render.adam import factors
from atlas.render.ascent import Ascent
from atlas.render.canvas import Canvas
from atlas.render.graphs import Replayed
from atlas.render.networks import AnyNetwork, TrunkNetwork

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.models import VisionModel
    from atlas.render.networks import Network

SIZE, WIDTH, LATE = 32, 3, 2
CPU = torch.device("cpu")


class Tape(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Operators in the order of their calls, with the memory that they read and wrote, as a CUDA graph has them."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, found))
        return found

    def replay(self) -> None:
        for func, args, kwargs, found in self.calls:
            for place, value in zip(tree_leaves(found), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(place, Tensor) and place.data_ptr() != value.data_ptr():
                    place.copy_(value)


class Recorder:
    """Records tapes; undoes what the recording itself did, since a CUDA graph does nothing then."""

    def __init__(self, memory: Callable[[], list[Tensor]]) -> None:
        self.memory, self.replays = memory, 0

    def rehearse(self, step: Callable[[], Tensor]) -> Tensor:
        return step()

    def record(self, step: Callable[[], Tensor]) -> Callable[[], Tensor]:
        before = [x.clone() for x in self.memory()]
        with Tape() as tape:
            found = step()
        for x, old in zip(self.memory(), before, strict=True):
            x.copy_(old)

        def replay() -> Tensor:
            self.replays += 1
            tape.replay()
            return found

        return replay


def ascent(network: Network, recorder: Recorder | None, device: torch.device = CPU) -> Ascent:
    """As on a GPU: torch's operators alone."""
    canvas = Canvas(SIZE, 0.3, device, loops=False)
    return Ascent(network, canvas, WIDTH, LATE, device, recorder=recorder, loops=False)


def climb(one: Ascent, channels: int, steps: int = 12) -> list[Tensor]:
    """Scores of steps in which everything changes that can: views, rates, redirection, goals, what is in a place."""
    rng = np.random.Generator(np.random.Philox(0))
    maps = np.stack([Robustness().draw(rng, steps, SIZE) for _ in range(WIDTH)], axis=1)
    done, scores = [0] * WIDTH, []
    for step in range(steps):
        for i in range(WIDTH):
            if step == 0 or (step, i) == (7, 1):
                one.aim(i, rng.standard_normal(channels).astype(np.float32))
                one.restart(i, torch.from_numpy(start_spectrum(rng, SIZE)))
                done[i] = 0
        redirect, done = [n < 4 for n in done], [n + 1 for n in done]
        late = [step > steps - LATE - 1] * WIDTH
        scores.append(one(maps[step], factors(done, [0.1 / n for n in done]), redirect, late).clone())
    return scores


def any_network(net: VisionModel) -> tuple[Network, int]:
    return AnyNetwork(net, "tail", dot_cosine()), 12


def trunk_network(tiny: VisionModel) -> tuple[Network, int]:
    # In float64 its maps go through torch's operators, as on a GPU; the view and the centre do in any type.
    return TrunkNetwork(tiny, "mixed3b", SIZE, dot_cosine(2.5), torch.float64), 480


@pytest.mark.parametrize("which", ["any network", "trunk"])
def test_a_recorded_step_does_what_the_step_does_whatever_its_numbers(
    net: VisionModel, tiny: VisionModel, which: str
) -> None:
    network, channels = any_network(net) if which == "any network" else trunk_network(tiny)
    with torch.no_grad():
        plain = ascent(network, None)
        expected = climb(plain, channels)
        recorder = Recorder(lambda: [recorded.spectrum, recorded.score, recorded._adam._mean, recorded._adam._square])
        recorded = ascent(network, recorder)
        found = climb(recorded, channels)
    # Of 12 steps, two of each kind are rehearsals.
    assert recorder.replays == 8
    assert torch.equal(torch.stack(found), torch.stack(expected))
    assert torch.equal(recorded.spectrum, plain.spectrum)
    assert torch.equal(recorded.score, plain.score)
    assert plain.score.all()


class OnTheDevice(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses operators that read or write anything elsewhere."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for x in tree_leaves((args, kwargs, found)):
            assert not isinstance(x, Tensor) or x.device.type == "meta", func
        return found


def elsewhere(model: VisionModel) -> VisionModel:
    """A copy on a device that is no processor, where tensors have no values: whoever asks for one raises."""
    model.layers()
    return copy.deepcopy(model).to("meta")


@pytest.mark.parametrize("redirected", [False, True])
@pytest.mark.parametrize("which", ["any network", "trunk"])
def test_away_from_the_processor_a_step_neither_waits_for_a_number_nor_fetches_one(
    net: VisionModel, tiny: VisionModel, which: str, redirected: bool
) -> None:
    network: Network
    if which == "any network":
        model, channels = elsewhere(net), 12
        network = AnyNetwork(model, "tail", dot_cosine(2.5))
    else:
        model, channels = elsewhere(tiny), 512
        network = TrunkNetwork(model, "mixed4b", SIZE, dot_cosine(), torch.bfloat16)
    one = ascent(network, None, model.device)
    one.aim(0, np.zeros(channels, dtype=np.float32))
    with torch.no_grad(), OnTheDevice():
        scores = one._climb(WIDTH, redirected)
    assert scores.shape == (WIDTH,)


def test_a_network_that_asks_for_a_number_would_be_found(net: VisionModel) -> None:
    asking = elsewhere(net)
    asking.preprocess = lambda x: x if x.mean() > 0 else -x
    one = ascent(AnyNetwork(asking, "tail", dot_cosine()), None, asking.device)
    one.aim(0, np.zeros(12, dtype=np.float32))
    with torch.no_grad(), OnTheDevice(), pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        one._climb(WIDTH, False)


class Broken:
    """A recorder that cannot record."""

    def __init__(self) -> None:
        self.attempts = 0

    def rehearse(self, step: Callable[[], Tensor]) -> Tensor:
        return step()

    def record(self, _step: Callable[[], Tensor]) -> Callable[[], Tensor]:
        self.attempts += 1
        raise RuntimeError("operation not permitted when stream is capturing")


def test_where_nothing_can_be_recorded_icons_are_rendered_all_the_same_and_the_log_says_why(
    net: VisionModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = RenderSettings(size=SIZE, steps=24, tile=4, rescues=0)
    targets = np.random.default_rng(0).random((3, 12), dtype=np.float32)
    expected = render(net, "tail", targets, settings=settings)
    recorder = Broken()
    monkeypatch.setattr(batch, "recorder_on", lambda _device: recorder)
    with caplog.at_level(logging.INFO, logger="atlas.render.graphs"):
        found = render(net, "tail", targets, settings=settings)
    assert recorder.attempts == 1
    assert np.array_equal(found.images, expected.images)
    assert [record.message for record in caplog.records] == [
        "Steps are not recorded: RuntimeError: operation not permitted when stream is capturing"
    ]


def test_steps_are_not_recorded_with_somebody_elses_objective_nor_where_it_is_switched_off(
    net: VisionModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = RenderSettings(size=SIZE, steps=24, tile=4, rescues=0)
    recorder = Broken()
    monkeypatch.setattr(batch, "recorder_on", lambda _device: recorder)
    targets = np.ones((1, 12), dtype=np.float32)
    render(net, "tail", targets, settings=settings, objective=lambda h, v: (h * v).sum(1))
    render(net, "tail", targets, settings=replace(settings, graphs=False))
    assert not recorder.attempts


def test_whether_steps_are_recorded_is_no_part_of_what_decides_an_icon() -> None:
    assert RenderSettings(graphs=False).provenance() == RenderSettings().provenance()
    assert "graphs" not in RenderSettings().provenance()


def test_each_kind_of_step_is_recorded_once() -> None:
    made: list[int] = []

    class Counting:
        def rehearse(self, step: Callable[[], Tensor]) -> Tensor:
            return step()

        def record(self, step: Callable[[], Tensor]) -> Callable[[], Tensor]:
            made.append(int(step()))
            return step

    replayed = Replayed(Counting())
    assert [int(replayed(torch.tensor, n)) for n in (1, 1, 2, 1, 1, 2, 2, 2, 1)] == [1, 1, 2, 1, 1, 2, 2, 2, 1]
    assert made == [1, 2]


def test_the_memory_of_a_batch_is_free_as_soon_as_the_batch_is_gone(net: VisionModel) -> None:
    # When memory ran out, a narrower batch follows at once.
    network, channels = any_network(net)
    with torch.no_grad():
        recorder = Recorder(list)
        one = ascent(network, recorder)
        climb(one, channels)
    assert recorder.replays
    held = weakref.ref(one), weakref.ref(one.spectrum)
    gc.disable()
    try:
        del one
        assert [x() for x in held] == [None, None]
    finally:
        gc.enable()
