"""What is written is there whole or not at all, by one writer at a time, whenever that one is stopped."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from atlas.errors import AtlasError
from atlas.writing import new_file, new_folder, sole_writer, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

#: Replaces a folder and dies just before, or just after, the step `argv[2]` counts, as if the power failed.
KILLED_WHILE_REPLACING = """
import os, shutil, sys
from pathlib import Path
from atlas.writing import new_folder

stage, left = Path(sys.argv[1]), [int(sys.argv[2])]
steps = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "shutil.rmtree"}

def count(event, arguments):
    if event in steps:
        left[0] -= 1
        if left[0] < 0:
            os._exit(9)

sys.addaudithook(count)
with new_folder(stage) as part:
    (part / "one").write_text("new")
    (part / "two").write_text("new")
"""


def test_a_folder_is_there_when_all_of_it_is_and_not_before(tmp_path: Path) -> None:
    with new_folder(tmp_path / "deep" / "stage") as part:
        (part / "file").write_text("new")
        assert not (tmp_path / "deep" / "stage").exists()
    assert (tmp_path / "deep" / "stage" / "file").read_text() == "new"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["stage"]


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt()])
def test_a_folder_that_fails_leaves_the_old_one_and_no_rest(tmp_path: Path, failure: BaseException) -> None:
    with new_folder(tmp_path / "stage") as part:
        (part / "file").write_text("old")

    def fail() -> None:
        with new_folder(tmp_path / "stage") as part:
            (part / "file").write_text("half")
            raise failure

    with pytest.raises(type(failure)):
        fail()
    assert (tmp_path / "stage" / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["stage"]


def test_a_folder_that_must_not_be_replaced_is_kept_and_an_empty_one_is_taken(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("full", "file", "link"):
        with (
            pytest.raises(AtlasError, match=f"{name} exists already; choose another name"),
            new_folder(tmp_path / name, replace=False),
        ):
            pass
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / "empty", replace=False) as part:
        (part / "file").write_text("new")
    assert (tmp_path / "empty" / "file").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file", "full", "link"]


def test_of_two_that_make_the_same_folder_the_first_to_finish_wins(tmp_path: Path) -> None:
    def both() -> None:
        with new_folder(tmp_path / "x", replace=False) as slow:
            (slow / "file").write_text("slow")
            with new_folder(tmp_path / "x", replace=False) as quick:
                (quick / "file").write_text("quick")

    with pytest.raises(AtlasError, match="exists already"):
        both()
    assert (tmp_path / "x" / "file").read_text() == "quick"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def whole(folder: Path) -> str:
    """What a folder holds, which has to be one thing."""
    (content,) = {path.read_text() for path in folder.iterdir()}
    assert {path.name for path in folder.iterdir()} == {"one", "two"}
    return content


def test_a_program_killed_at_any_step_of_replacing_a_folder_loses_nothing_and_leaves_no_rest(tmp_path: Path) -> None:
    seen = set()
    for step in range(100):
        home = tmp_path / str(step)
        with new_folder(home / "stage") as part:
            (part / "one").write_text("old")
            (part / "two").write_text("old")
        killed = [sys.executable, "-c", KILLED_WHILE_REPLACING, str(home / "stage"), str(step)]
        ended = subprocess.run(killed, check=False).returncode
        # Set aside, it is put back by the next one who writes, even one that fails.
        with pytest.raises(ZeroDivisionError), new_folder(home / "stage"):
            raise ZeroDivisionError
        seen.add(whole(home / "stage"))
        assert {path.name for path in home.iterdir() if any(path.iterdir())} == {"stage"}
        if ended == 0:
            break
    assert seen == {"old", "new"}
    assert whole(home / "stage") == "new"


def test_what_another_living_program_is_making_is_left_alone(tmp_path: Path) -> None:
    with new_folder(tmp_path / "x") as mine:
        (mine / "file").write_text("mine")
        with new_folder(tmp_path / "x") as other:
            (other / "file").write_text("other")
        assert (mine / "file").read_text() == "mine"
    assert (tmp_path / "x" / "file").read_text() == "mine"


def test_a_file_that_fails_leaves_the_old_one_and_no_rest(tmp_path: Path) -> None:
    write_atomically(tmp_path / "x", b"old")
    with pytest.raises(UnicodeEncodeError), new_file(tmp_path / "x") as part:
        part.write_text("half \ud800", encoding="utf-8")
    assert (tmp_path / "x").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_second_writer_is_told_to_wait_and_the_next_one_is_let_in(tmp_path: Path) -> None:
    folder = tmp_path / "x.atlas"
    with sole_writer(folder):
        (folder / "file").write_text("mine")
        with (
            pytest.raises(AtlasError, match=r"x\.atlas is being written by another program or notebook: wait"),
            sole_writer(folder),
        ):
            pass
    with sole_writer(folder):
        assert (folder / "file").read_text() == "mine"
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_a_folder_into_which_nothing_came_is_gone_again(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for name in ("there", "new"):
        with sole_writer(tmp_path / name):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_the_lock_of_a_dead_program_keeps_nobody_out_and_what_it_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "x.atlas"
    code = f"""
import os
from pathlib import Path
from atlas.writing import new_file, new_folder, sole_writer

folder = Path({str(folder)!r})
with sole_writer(folder), new_folder(folder / "layers" / "stage") as part, new_file(folder / "x.json") as file:
    (part / "half").write_text("half")
    file.write_text("half")
    (folder / "kept").write_text("whole")
    (folder / ".mine.part").write_text("a person's")
    os._exit(9)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    assert len(list(folder.rglob("*"))) > 6
    with sole_writer(folder):
        left = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert left == {".lock", "kept", ".mine.part", "layers"}
