from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import safetensors.torch
from typer.testing import CliRunner

from atlas import cli
from atlas.errors import AtlasError
from atlas.images import open_images
from atlas.models import load_model
from atlas.training import TrainSettings, evaluate, read_photographs, train

if TYPE_CHECKING:
    from pathlib import Path

SMALL = TrainSettings(epochs=2, batch_size=8, sizes=(32,), evaluation_size=40, source_size=40, ema_decay=0.5)


@pytest.fixture(scope="module")
def made(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("trained") / "colours.safetensors"
    report = train(
        folders / "train", out, validation=folders / "val", settings=SMALL, device="cpu", workers=0, progress=False
    )
    return out, report


def test_the_weights_load_with_their_labels_and_reproduce_the_reported_accuracy(
    made: tuple[Path, dict[str, Any]], folders: Path
) -> None:
    out, report = made
    model = load_model("inceptionv1-tiny", weights=out, device="cpu")
    assert model.labels is not None
    assert model.labels.names == ["green", "red", "violet"]
    assert model.input_size == 40
    photographs = read_photographs(open_images(folders / "val"), 40, labels=model.labels, workers=0)
    stated = next(row for row in report["accuracy"] if row["size"] == 40)
    assert evaluate(model, photographs).rounded() == pytest.approx(stated, abs=2e-3)


def test_the_report_says_how_it_was_made_and_the_checkpoint_is_gone(made: tuple[Path, dict[str, Any]]) -> None:
    out, report = made
    written = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(report))
    assert written["steps"] == 12
    assert written["settings"]["seed"] == 0
    assert {row["size"] for row in written["accuracy"]} == {32, 40, 47, 53}
    assert {"processor", "threads"} <= set(written["hardware"])
    assert sorted(path.name for path in out.parent.iterdir()) == ["colours.json", "colours.safetensors"]
    state = safetensors.torch.load_file(out)
    assert "mixed4c_3x3_pre_relu_conv.bias" in state
    assert not any("bn" in name for name in state)


def test_a_training_whose_minutes_are_up_goes_on_with_the_same_call(folders: Path, tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    call = {"settings": SMALL, "device": "cpu", "workers": 0, "progress": False}
    first = train(folders / "train", out, minutes=1e-9, **call)  # type: ignore[arg-type]
    assert first["steps"] == 1
    assert not out.exists()
    assert out.with_suffix(".checkpoint").is_file()
    second = train(folders / "train", out, **call)  # type: ignore[arg-type]
    assert second["steps"] == 12
    assert out.is_file()
    assert not out.with_suffix(".checkpoint").exists()


@pytest.mark.parametrize(("name", "message"), [("w.pth", "safetensors"), ("no/w.safetensors", "does not exist")])
def test_an_out_that_cannot_be_is_refused_before_anything_is_read(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(AtlasError, match=message):
        train(tmp_path / "nothing", tmp_path / name)


def test_the_command_trains_and_evaluate_measures_the_same(folders: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.safetensors"
    run = CliRunner().invoke
    small = ["--epochs", "0.2", "--batch-size", "8", "--size", "32", "--evaluation-size", "40", "--source-size", "40"]
    where = ["--images", str(folders / "train"), "--validation", str(folders / "val"), "--out", str(out)]
    trained = run(cli.app, ["train", *where, *small, "--workers", "0", "--device", "cpu"])
    assert trained.exit_code == 0, trained.stderr
    report = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    stated = next(row for row in report["accuracy"] if row["size"] == 40)
    measured = run(cli.app, ["evaluate", "--images", str(folders / "val"), "--weights", str(out), "--workers", "0"])
    assert measured.exit_code == 0, measured.stderr
    assert f"{stated['top1']:.1%}" in measured.stdout
