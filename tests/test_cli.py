"""The `atlas` command: what people type, read and stop."""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from atlas import cli
from atlas.activations import open_activations, write_activations
from atlas.atlas import Atlas
from atlas.errors import AtlasError
from atlas.pipeline import build
from atlas.render import RenderSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from atlas.activations import Activations

#: The cheapest layer of the embedded network, one position a photograph, few steps: seconds for a whole atlas.
QUICK = ["--layer", "conv2d1", "--per-image", "1", "--workers", "0", "--device", "cpu"]
RENDER = ["--steps", "1", "--icon-size", "32"]
COMMANDS = ("demo", "models", "collect", "build", "class", "compare", "export", "info", "train", "evaluate", "audit")


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments], prog_name="atlas")


def ran(*arguments: Any) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    return str(result.stdout)


def refused(*arguments: Any) -> str:
    """The one line that a command which cannot be done says."""
    result = run(*arguments)
    assert result.exit_code == 1, (result.stdout, result.stderr)
    assert isinstance(result.exception, SystemExit)
    *before, line = result.stderr.splitlines()
    assert not [text for text in before if text.startswith(("Traceback", "atlas:"))]
    assert line.startswith("atlas: ")
    return str(line)


def next_command(output: str) -> list[str]:
    """The command that the output says to run next, as a shell would split it."""
    (line,) = [line for line in output.splitlines() if line.startswith("Next: ")]
    program, *arguments = shlex.split(line.removeprefix("Next: "))
    assert program == "atlas"
    return arguments


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pictures under names that need care: few enough for a layout without UMAP."""
    folder = tmp_path_factory.mktemp("cli") / "my 'new' photos"
    folder.mkdir()
    rng = np.random.Generator(np.random.Philox(11))
    names = ("plain", "[red]x[red]", 'quo"te', "it's", ":smile:", "a b", "UPPER", "ünï")
    for name in names:
        colours = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(colours).resize((64, 64), Image.Resampling.BICUBIC).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def store(photographs: Path) -> Path:
    out = photographs.with_name("shop's photos.acts")
    ran("collect", "--images", photographs, "--out", out, *QUICK)
    return out


@pytest.fixture(scope="module")
def built(store: Path) -> Path:
    out = store.with_name("two levels.atlas")
    ran("build", "--activations", store, "--out", out, "--grid", 1, "--grid", 3, *RENDER)
    return out


def test_help_says_where_to_start_and_names_every_command() -> None:
    text = ran("--help")
    for word in (*COMMANDS, "atlas demo", "atlas build --images FOLDER"):
        assert word in text


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("demo", ("no download", "--quick", "--out", "atlas-demo")),
        ("models", ("layers of one", "[NAME]")),
        ("collect", ("Interrupted?", "goes on where it stopped", "--images", "--per-image", "NAME.acts")),
        ("build", ("only what is missing", "goes on where it stopped", "--grid", "--activations", "NAME.atlas")),
        ("export", ("--png", "--html", "--dzi", "finest", "--labels", "--density")),
        ("info", ("could not be read", "activation store")),
    ],
)
def test_the_help_of_a_command_teaches_it(command: str, words: Sequence[str]) -> None:
    text = " ".join(re.sub(r"[│╭╮╰╯─\s]+", " ", ran(command, "--help")).split())
    for word in words:
        assert word in text or word.strip("[]").lower() in text


def test_nothing_slow_is_loaded_for_help() -> None:
    code = "import sys, atlas.cli; sys.exit(bool({'torch', 'umap', 'zarr', 'sklearn'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_defaults_of_the_command_are_those_of_the_library() -> None:
    command = inspect.signature(cli.build).parameters
    settings = RenderSettings()
    assert command["steps"].default == settings.steps
    assert command["icon_size"].default == settings.size
    assert command["tries"].default == settings.tries
    library = inspect.signature(build).parameters
    for name in ("seed", "icons", "engine", "min_count", "per_image", "workers"):
        assert command[name].default == library[name].default


def test_models_are_listed_and_so_are_the_layers_of_one() -> None:
    listed = ran("models")
    for word in ("inceptionv1-tiny", "inceptionv1", "googlenet", "no download", "atlas models NAME"):
        assert word in listed
    layers = ran("models", "inceptionv1-tiny")
    assert re.search(r"mixed4c\s+512\s+16", layers)
    assert re.search(r"mixed5b\s+1024\s+32", layers)
    assert "200 classes, images of 96 px" in layers


def test_every_command_says_the_next_and_it_works_as_printed(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = ran("collect", "--images", photographs, "--out", "mine & 'yours'.acts", *QUICK)
    assert "Wrote mine & 'yours'.acts: 8 of conv2d1." in said
    said = ran(*next_command(said), "--grid", 2, *RENDER)
    assert sorted(path.name for path in Path().iterdir()) == ["mine & 'yours'.acts", "mine & 'yours'.atlas"]
    assert re.search(r"conv2d1\s+2\s+\d\s", said)
    assert "8 activations" in said
    assert ran(*next_command(said)) == "Wrote atlas.png.\n"
    with Image.open("atlas.png") as picture:
        assert min(picture.size) >= 160


def test_a_build_from_photographs_writes_the_atlas_and_the_activations_beside_it(
    photographs: Path, tmp_path: Path
) -> None:
    ran("build", "--images", photographs, "--out", tmp_path / "a.atlas", "--grid", 1, "--seed", 5, *QUICK, *RENDER)
    world = Atlas(tmp_path / "a.atlas")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.acts", "a.atlas"]
    assert world.activations.image_ids == sorted(path.name for path in photographs.iterdir())
    assert world.provenance["seed"] == 5
    icons = world.summary()["levels"][1]["icons"]
    assert (icons["icon_px"], icons["settings"]["steps"], icons["engine"]) == (32, 1, "atlas")


def test_another_grid_is_added_by_the_same_command(store: Path, built: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*.webp")}
    ran("build", "--activations", store, "--out", built, "--grid", 2, *RENDER)
    assert Atlas(built).grids() == (1, 2, 3)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_medoid_icons_take_both_activations_and_images(store: Path, photographs: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.atlas"
    both = ["--activations", store, "--images", photographs, "--out", out, "--grid", 1]
    ran("build", *both, "--icons", "medoid", *RENDER)
    assert Atlas(out).summary()["levels"][1]["icons"]["kind"] == "medoid"
    assert "give images" in refused("build", "--activations", store, "--out", out, "--icons", "medoid")
    assert "either --images or --activations" in refused("build", *both)


@pytest.mark.parametrize(
    ("options", "check"),
    [
        (["--level", "1", "--icon-size", "100"], lambda picture: picture.width < 200),
        (["--background", "transparent", "--density"], lambda picture: picture.mode == "RGBA"),
        (["--title", "[b]old[/b] & new"], lambda picture: picture.info["Title"] == "[b]old[/b] & new"),
    ],
)
def test_export_passes_its_options_on(
    built: Path, tmp_path: Path, options: list[str], check: Callable[[Image.Image], bool]
) -> None:
    ran("export", built, "--png", tmp_path / "x.png", *options)
    with Image.open(tmp_path / "x.png") as picture:
        picture.load()
        assert check(picture)


def test_export_writes_pages_and_deep_zoom_images(built: Path, tmp_path: Path) -> None:
    places = [tmp_path / "x.html", tmp_path / "page", tmp_path / "deep"]
    said = ran("export", built, "--html", places[0], "--folder", places[1], "--dzi", places[2], "--title", "<b>")
    assert said.count("Wrote") == 3
    for page in (places[0], places[1] / "index.html"):
        assert "<title>&lt;b&gt;</title>" in page.read_text(encoding="utf-8")
    assert (places[2] / "atlas.dzi").is_file()


def test_info_says_what_an_atlas_holds(built: Path, store: Path) -> None:
    said = ran("info", built)
    assert re.search(r"network\s+inceptionv1-tiny \(weights [0-9a-f]{12}\)", said)
    assert "images       8 of 8 from my 'new' photos" in said
    assert f"activations  store ../{store.name}" in said or f"activations  store {store.name}" in said
    assert re.search(r"conv2d1\s+1\s+1\s+\d", said)
    assert "conv2d1: 8 activations, 0 all zero" in said


def test_info_says_what_a_store_holds(store: Path) -> None:
    said = ran("info", store)
    assert "8 images" in said
    assert "conv2d1: 8 x 64" in said
    assert "Interrupted" not in said


def test_info_says_that_a_collection_was_interrupted(store: Path, tmp_path: Path) -> None:
    write_activations(open_activations(store), tmp_path / "half.acts")
    header = tmp_path / "half.acts" / "acts.json"
    header.write_text(json.dumps(json.loads(header.read_text()) | {"complete": False}))
    assert "Interrupted: the `atlas collect` that made it goes on" in ran("info", tmp_path / "half.acts")
    assert "collect again to complete" in refused("build", "--activations", tmp_path / "half.acts")


def test_exactly_the_bad_files_are_named_as_they_are_called(photographs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    for number, path in enumerate(sorted(photographs.iterdir())):
        (folder / f"good {number}.png").write_bytes(path.read_bytes())
    whole = next(photographs.iterdir()).read_bytes()
    bad = {
        "[red]cut[red].png": whole[:90],
        ":smile:.jpg": b"",
        'it\'s "text".jpg': b"a letter",
        "a very long name " + "x" * 90 + ".jpeg": b"\xff\xd8\xff\xe0 cut",
        "two\nlines.png": whole[:60],
    }
    for name, content in bad.items():
        (folder / name).write_bytes(content)
    (folder / "dangling.jpg").symlink_to("nowhere")
    (folder / "folder.jpg").mkdir()
    said = ran("build", "--images", folder, "--out", tmp_path / "o.atlas", "--grid", 1, *QUICK, *RENDER)
    lines = said.splitlines()
    start = lines.index("7 of 15 images skipped:")
    expected = {name.replace("\n", "\\n") for name in bad} | {"dangling.jpg", "folder.jpg"}
    assert {line.strip().partition(": ")[0] for line in lines[start + 1 : start + 8]} == expected
    assert "\n".join(lines[start : start + 8]) in ran("info", tmp_path / "o.atlas")


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


def wait_for(process: subprocess.Popen[bytes], sign: Callable[[], bool]) -> None:
    while not sign():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_a_build_that_is_stopped_says_how_to_go_on_and_does(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.atlas"
    steps = ["--steps", "150", "--icon-size", "32", "--device", "cpu"]
    command = ["build", "--activations", str(store), "--out", str(out), "--grid", "1", "--grid", "3", *steps]
    process = subprocess.Popen(
        [sys.executable, "-m", "atlas.cli", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    wait_for(process, lambda: bool(list(out.glob("layers/*/levels/0003/icons-*.partial"))))
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate()
    lines = stderr.decode().splitlines()
    assert process.returncode == 130
    assert lines[-1] == "atlas: stopped. What is finished is kept; the same command goes on from there."
    assert not [line for line in lines if "Traceback" in line]
    assert stdout == b""
    said = ran("info", out)
    assert re.search(r"conv2d1\s+3\s.*no icons yet", said)
    assert "build the atlas again" in refused("export", out, "--png", tmp_path / "x.png", "--level", 3)
    assert not (tmp_path / "x.png").exists()
    # The finest level that is rendered.
    ran("export", out, "--png", tmp_path / "x.png")

    kept = {path: path.stat().st_mtime_ns for path in out.glob("layers/*/levels/0001/**/*.webp")}
    ran(*command)
    assert "no icons yet" not in ran("info", out)
    assert kept
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())


def test_a_picture_of_a_name_that_is_no_text_is_written(built: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    command = [sys.executable, "-m", "atlas.cli", "export", str(built), "--png", str(tmp_path / name)]
    done = subprocess.run(
        command, capture_output=True, check=True, env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"}
    )
    assert rb"caf\udce9.png" in done.stdout
    assert (tmp_path / name).is_file()
