"""What cannot be done is one line and a status, never a traceback."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from atlas.activations import write_activations
from atlas.errors import AtlasError
from tests.command import RENDER, ran, refused, run

if TYPE_CHECKING:
    from pathlib import Path

    from atlas.activations import Activations


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build"], "Give either --images or --activations"),
        (["build", "--images", "{tmp}/[red]nowhere[/red]"], "[red]nowhere[/red] does not exist"),
        (["build", "--images", "{tmp}/two\nlines"], "two\\nlines does not exist"),
        (["build", "--images", "{tmp}/empty"], "no images found"),
        (["build", "--images", "{photos}", "--out", "{tmp}/file"], "file is a file; give another name"),
        (["build", "--images", "{photos}", "--out", "{tmp}/full"], "full exists and is not an atlas"),
        (["build", "--images", "{photos}", "--out", "{tmp}/file/x.atlas"], "Not a directory"),
        (["build", "--images", "{photos}", "--out", "{tmp}/x.atlas", "--layer", "mixed4z"], "nearest names are mixed4"),
        (
            ["build", "--images", "{photos}", "--out", "{tmp}/x.atlas", "--model", "resnet"],
            "there are inceptionv1-tiny",
        ),
        (["build", "--images", "{photos}", "--per-image", "some"], "--per-image is 'some'; give a number"),
        (["build", "--images", "{photos}", "--per-image", "0"], "--per-image is '0'"),
        (["build", "--images", "{photos}", "--per-image", "²"], "--per-image is '²'"),
        (["build", "--images", "{photos}", "--out", "{tmp}/x.atlas", "--grid", "5000"], "not 5000"),
        (["build", "--images", "{photos}", "--out", "{tmp}/x.atlas", "--device", "warp"], "device warp"),
        (["build", "--images", "{photos}", "--weights", "{tmp}/none.pth"], "none.pth"),
        (["build", "--images", "{photos}", "--weights", "{tmp}/file"], "file"),
        (["build", "--activations", "{tmp}/empty"], "is not an activation store"),
        (["build", "--activations", "{store}", "--layer", "mixed4c"], "these activations are of conv2d1"),
        (["collect", "--images", "{tmp}/none", "--out", "{tmp}/x.acts"], "does not exist"),
        (["collect", "--images", "{photos}", "--out", "{tmp}/file"], "file"),
        (["collect", "--images", "{photos}", "--out", "{tmp}/x.acts", "--per-image", "-1"], "--per-image is '-1'"),
        (["models", "alexnet"], "there is no model 'alexnet'"),
        (["export", "{tmp}/empty", "--png", "{tmp}/x.png"], "is not an atlas"),
        (["export", "{built}", "--png", "{tmp}/x.jpg"], "ends in .png"),
        (["export", "{built}", "--png", "{tmp}/x.png", "--level", "9"], "no level 9 of conv2d1; it has 1"),
        (["export", "{built}", "--png", "{tmp}/x.png", "--layer", "mixed4c"], "no layer 'mixed4c'; it has conv2d1"),
        (["export", "{built}", "--png", "{tmp}/x.png", "--background", "[red]"], "[red]"),
        (["export", "{built}", "--png", "{tmp}/x.png", "--labels"], "draw it without labels"),
        (["info", "{tmp}/none"], "is not an atlas"),
        (["info", "{tmp}/file"], "is not an atlas"),
        (["demo", "--out", "{tmp}/file"], "file is a file; give another folder with --out"),
        (["demo", "--out", "{tmp}/full"], "full exists and holds no demo; give another folder with --out"),
    ],
)
def test_what_cannot_be_done_is_one_line_on_standard_error(
    arguments: list[str], message: str, photographs: Path, store: Path, built: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    for name in ("empty", "full"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    names = {"tmp": tmp_path, "photos": photographs, "store": store, "built": built}
    line = refused(*(argument.format(**names) for argument in arguments))
    assert message.lower() in line.lower()
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [
        *("empty", "file", "full", "full/letter.txt"),
    ]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    "arguments",
    [
        ["paint"],
        ["build", "--imgaes", "x"],
        ["build", "--grid", "ten"],
        ["build", "--grid", "0"],
        ["build", "--icons", "real"],
        ["build", "--steps", "0"],
        ["build", "--icon-size", "31"],
        ["build", "--icon-size", "1021"],
        ["build", "--seed", "-1"],
        ["export", "x.atlas"],
        ["info"],
    ],
)
def test_a_mistyped_command_is_explained_with_status_2(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Usage: atlas" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_network_that_is_not_the_one_of_the_activations_is_refused(
    small_acts: Activations, store: Path, tmp_path: Path
) -> None:
    write_activations(small_acts, tmp_path / "small.acts")
    told = refused("build", "--activations", tmp_path / "small.acts", "--out", tmp_path / "x.atlas")
    assert "came from small, which has no known weights" in told
    told = refused("build", "--activations", tmp_path / "small.acts", "--model", "inceptionv1-tiny")
    assert "came from small with other weights" in told


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(_self: object, _path: object) -> None:
        raise OSError("no errno: not the system's")

    (tmp_path / "x.atlas").mkdir()
    monkeypatch.setattr("atlas.atlas.Atlas.__init__", broken)
    assert isinstance(run("info", tmp_path / "x.atlas").exception, OSError)
    with pytest.raises(AtlasError):
        raise AtlasError


def test_a_full_disk_is_said_with_how_to_go_on(monkeypatch: pytest.MonkeyPatch, store: Path, tmp_path: Path) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    command = ["build", "--activations", store, "--out", tmp_path / "x.atlas", "--grid", "1", *RENDER]
    with monkeypatch.context() as patch:
        patch.setattr("atlas.tiles.np.savez", full)
        assert refused(*command) == (
            "atlas: the disk is full. What is finished is kept; make room, and the same command goes on from there."
        )
    assert "no icons yet" in ran("info", tmp_path / "x.atlas")
    ran(*command)
    assert "no icons yet" not in ran("info", tmp_path / "x.atlas")
