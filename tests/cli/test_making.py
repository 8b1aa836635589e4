"""Commands that make something, and what they say next."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from atlas.atlas import Atlas
from tests.command import QUICK, RENDER, ran, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def next_command(output: str) -> list[str]:
    """The command that the output says to run next, as a shell would split it."""
    (line,) = [line for line in output.splitlines() if line.startswith("Next: ")]
    program, *arguments = shlex.split(line.removeprefix("Next: "))
    assert program == "atlas"
    return arguments


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


def test_another_grid_is_added_by_the_same_command(store: Path, built: Path, tmp_path: Path) -> None:
    out = shutil.copytree(built, tmp_path / "x.atlas")
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.webp")}
    ran("build", "--activations", store, "--out", out, "--grid", 2, *RENDER)
    assert Atlas(out).grids() == (1, 2, 3)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_medoid_icons_take_both_activations_and_images(store: Path, photographs: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.atlas"
    both = ["--activations", store, "--images", photographs, "--out", out, "--grid", 1]
    ran("build", *both, "--icons", "medoid", *RENDER)
    assert Atlas(out).summary()["levels"][1]["icons"]["kind"] == "medoid"
    assert "give images" in refused("build", "--activations", store, "--out", out, "--icons", "medoid")
    assert "either --images or --activations" in refused("build", *both)


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


def test_a_second_build_of_an_atlas_is_refused_and_one_that_was_killed_keeps_nobody_out(
    store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.atlas"
    command = ["build", "--activations", str(store), "--out", str(out), "--grid", "3", *RENDER, "--device", "cpu"]
    endless = [*command, "--steps", "1000000"]
    process = subprocess.Popen([sys.executable, "-m", "atlas.cli", *endless], stderr=subprocess.DEVNULL, cwd=tmp_path)
    try:
        wait_for(process, lambda: bool(list(out.glob("layers/*/levels/0003/icons-*.partial"))))
        assert "x.atlas is being written by another program or notebook: wait" in refused(*command)
    finally:
        process.kill()
        process.wait()
    ran(*command)
    assert "no icons yet" not in ran("info", out)
    assert not list(out.rglob(".*"))
