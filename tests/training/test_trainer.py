from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from atlas.errors import AtlasError
from atlas.models import VisionModel, inception_range
from atlas.training import Photographs, Trainer, evaluate

if TYPE_CHECKING:
    from pathlib import Path

    from atlas.training import TrainSettings


def trained(trainer: Trainer, steps: int | None = None) -> Trainer:
    while trainer.done < 1 and (steps is None or trainer.steps < steps):
        trainer.step()
    return trainer


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_a_network_learns_what_the_photographs_show(
    coloured: Photographs, plain: nn.Module, quick: TrainSettings
) -> None:
    trainer = trained(Trainer(coloured, quick, network=plain))
    assert trainer.steps == trainer.total_steps == 24
    losses = [point["loss"] for point in trainer.curve]
    assert losses[-1] < losses[0]
    assert [trainer.curve[0]["size"], trainer.curve[-1]["size"]] == [32, 40]
    model = VisionModel(trainer.finished(), name="t", preprocess=inception_range, input_size=40, labels=coloured.labels)
    assert evaluate(model, coloured).top1 > 0.95


def test_stopped_and_gone_on_is_exactly_as_never_stopped(
    coloured: Photographs, plain: nn.Module, quick: TrainSettings, tmp_path: Path
) -> None:
    whole = trained(Trainer(coloured, quick, network=plain))
    trained(Trainer(coloured, quick, network=plain), 9).save(tmp_path / "c")
    later = Trainer(coloured, quick, network=plain)
    later.load(tmp_path / "c")
    assert later.steps == 9
    trained(later)
    assert same(whole.network, later.network)
    assert same(whole.average, later.average)
    assert same(whole.finished(), later.finished())
    assert later.curve == whole.curve
    assert later.epochs_asked == [quick.epochs, quick.epochs]


def test_another_seed_is_another_network(coloured: Photographs, plain: nn.Module, quick: TrainSettings) -> None:
    one = trained(Trainer(coloured, quick, network=plain), 2)
    other = trained(Trainer(coloured, replace(quick, seed=1), network=plain), 2)
    assert not same(one.network, other.network)


def test_the_average_is_the_moving_average_of_the_weights(
    coloured: Photographs, plain: nn.Module, quick: TrainSettings
) -> None:
    trainer = Trainer(coloured, replace(quick, ema_decay=0.5), network=plain)
    expected = trainer.network.get_parameter("head.bias").detach().double().clone()
    for step in range(12):
        trainer.step()
        keep = min(0.5, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * trainer.network.get_parameter("head.bias").detach().double()
    torch.testing.assert_close(trainer.average.get_parameter("head.bias").double(), expected, rtol=1e-5, atol=1e-6)


def test_a_start_is_where_the_training_begins(coloured: Photographs, plain: nn.Module, quick: TrainSettings) -> None:
    first = trained(Trainer(coloured, quick, network=plain), 5)
    assert same(Trainer(coloured, quick, network=plain, start=first.network.state_dict()).network, first.network)


def test_perturbations_have_the_radius_and_raise_the_loss(
    coloured: Photographs, plain: nn.Module, quick: TrainSettings
) -> None:
    settings = replace(quick, adversarial_radius=0.5, half_precision=False)
    trainer = trained(Trainer(coloured, settings, network=plain), 12)
    trainer.network.eval()
    images, classes = coloured.pixels[:16].float() - 117, coloured.classes[:16]
    moved = trainer._perturbed(images.clone(), classes)
    lengths = (moved - images).flatten(1).norm(dim=1) / 255
    torch.testing.assert_close(lengths, torch.full((16,), 0.5 * 40 / 96), rtol=1e-4, atol=0)
    with torch.no_grad():
        assert trainer._loss(moved, classes) > trainer._loss(images, classes)


@pytest.mark.parametrize("change", [{"weight_decay": 0.01}, {"batch_size": 8}, {"seed": 4}])
def test_a_checkpoint_of_another_training_is_refused_by_name(
    coloured: Photographs, plain: nn.Module, quick: TrainSettings, tmp_path: Path, change: dict[str, float]
) -> None:
    trained(Trainer(coloured, quick, network=plain), 1).save(tmp_path / "c")
    with pytest.raises(AtlasError, match=next(iter(change))):
        Trainer(coloured, replace(quick, **change), network=plain).load(tmp_path / "c")  # type: ignore[arg-type]


def test_more_epochs_stretch_what_is_left_of_the_schedule(
    coloured: Photographs, plain: nn.Module, quick: TrainSettings, tmp_path: Path
) -> None:
    trained(Trainer(coloured, quick, network=plain), 12).save(tmp_path / "c")
    longer = Trainer(coloured, replace(quick, epochs=8), network=plain)
    longer.load(tmp_path / "c")
    assert longer.done == pytest.approx(0.5)
    assert trained(longer).steps == 12 + 24


@pytest.mark.parametrize("content", [b"", b"nothing", b"\x10\0\0\0\0\0\0\0{}"])
def test_a_damaged_checkpoint_is_one_line(
    coloured: Photographs, plain: nn.Module, quick: TrainSettings, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(AtlasError, match="delete it to begin anew"):
        Trainer(coloured, quick, network=plain).load(tmp_path / "c")


def test_a_loss_that_explodes_says_what_to_change(
    coloured: Photographs, plain: nn.Module, quick: TrainSettings
) -> None:
    trainer = Trainer(coloured, replace(quick, learning_rate=1e30), network=plain)
    with pytest.raises(AtlasError, match="smaller"):
        trained(trainer)
    assert not trainer.whole


def test_the_curve_has_one_record_every_hundredth_whether_gone_on_or_not(
    coloured: Photographs, plain: nn.Module, quick: TrainSettings, tmp_path: Path
) -> None:
    long = replace(quick, epochs=40, sizes=(32,))
    whole = trained(Trainer(coloured, long, network=plain))
    assert len(whole.curve) == 100
    trained(Trainer(coloured, long, network=plain), 31).save(tmp_path / "c")
    later = Trainer(coloured, long, network=plain)
    later.load(tmp_path / "c")
    assert trained(later).curve == whole.curve


def test_a_checkpoint_of_other_photographs_start_or_network_is_refused(
    coloured: Photographs, plain: nn.Module, quick: TrainSettings, tmp_path: Path
) -> None:
    first = trained(Trainer(coloured, quick, network=plain), 1)
    first.save(tmp_path / "c")
    others = Photographs(coloured.pixels.flip(0), coloured.classes, coloured.labels, coloured.summary)
    with pytest.raises(AtlasError, match="other photographs"):
        Trainer(others, quick, network=plain).load(tmp_path / "c")
    with pytest.raises(AtlasError, match="other start"):
        Trainer(coloured, quick, network=plain, start=first.network.state_dict()).load(tmp_path / "c")
    with pytest.raises(AtlasError, match="another network"):
        Trainer(coloured, quick, network=nn.Sequential(plain, nn.Linear(3, 3))).load(tmp_path / "c")


def test_statistics_are_taken_from_whole_batches_only(
    coloured: Photographs, plain: nn.Module, quick: TrainSettings
) -> None:
    some = Photographs(coloured.pixels[:33], coloured.classes[:33], coloured.labels, coloured.summary)
    # At 32 px the small network's deepest map is 8 x 8; one photograph in a batch of its own would still be counted as
    # much as sixteen.
    trainer = trained(Trainer(some, replace(quick, epochs=1, half_precision=False), network=plain))
    seen: list[int] = []
    hook = nn.modules.module.register_module_forward_hook(
        lambda module, _inputs, output: seen.append(len(output)) if isinstance(module, nn.BatchNorm2d) else None
    )
    try:
        trainer.finished()
    finally:
        hook.remove()
    assert set(seen) == {16}


def test_fewer_photographs_than_a_batch_are_refused(
    coloured: Photographs, plain: nn.Module, quick: TrainSettings
) -> None:
    with pytest.raises(AtlasError, match="96 photographs, fewer than one batch of 128"):
        Trainer(coloured, replace(quick, batch_size=128), network=plain)
