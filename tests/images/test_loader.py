from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import atlas.images
from atlas.errors import AtlasError
from atlas.images import ImageBatch, ImageLoader, ImageSource, SkippedImage, open_images
from atlas.images.fit import digest_of, fit_square

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def folder(tmp_path: Path, paint: Callable[..., Image.Image]) -> Path:
    root = tmp_path / "photos"
    root.mkdir()
    for number in range(40):
        if number in (0, 7, 8, 39):
            (root / f"{number:02d}.jpg").write_bytes(b"broken")
        else:
            paint(number, width=30 + number, height=70 - number).save(root / f"{number:02d}.jpg")
    return root


def everything(loader: ImageLoader) -> tuple[list[int], np.ndarray[Any, Any], list[str], list[SkippedImage]]:
    batches = list(loader)
    indices = [index for batch in batches for index in batch.indices.tolist()]
    digests = [digest for batch in batches for digest in batch.digests]
    return indices, np.concatenate([batch.pixels for batch in batches]), digests, loader.skipped


def test_batches_hold_the_fitted_images_in_order_and_name_what_they_leave_out(folder: Path) -> None:
    source = open_images(folder)
    loader = ImageLoader(source, 24, batch_size=10, workers=0)
    batches = list(loader)
    assert [len(batch.indices) for batch in batches] == [10, 10, 10, 6]
    assert all(isinstance(batch, ImageBatch) for batch in batches)
    assert batches[0].pixels.shape == (10, 3, 24, 24)
    assert batches[0].pixels.dtype == np.uint8
    assert batches[0].indices.dtype == np.int64
    indices, pixels, digests, skipped = everything(loader)
    assert indices == [index for index in range(40) if index not in (0, 7, 8, 39)]
    for row, index in enumerate(indices):
        assert (pixels[row] == fit_square(source.load(index), 24)).all()
        assert digests[row] == digest_of(source.load(index))
    assert [entry.image_id for entry in skipped] == ["00.jpg", "07.jpg", "08.jpg", "39.jpg"]


def test_the_number_of_workers_changes_nothing(folder: Path) -> None:
    source = open_images(folder)
    here = everything(ImageLoader(source, 24, batch_size=10, workers=0))
    for workers in (1, 3):
        loader = ImageLoader(source, 24, batch_size=10, workers=workers)
        there = everything(loader)
        assert there[0] == here[0]
        assert (there[1] == here[1]).all()
        assert there[2:] == here[2:]


def test_a_loader_can_be_iterated_again(folder: Path) -> None:
    loader = ImageLoader(open_images(folder), 24, workers=0)
    assert everything(loader)[2:] == everything(loader)[2:]


@pytest.mark.parametrize("workers", [0, 2])
def test_starting_later_gives_the_rest(folder: Path, workers: int) -> None:
    source = open_images(folder)
    whole = everything(ImageLoader(source, 24, workers=0))
    rest = everything(ImageLoader(source, 24, workers=workers, start=8))
    kept = [row for row, index in enumerate(whole[0]) if index >= 8]
    assert rest[0] == [whole[0][row] for row in kept]
    assert (rest[1] == whole[1][kept]).all()
    assert [entry.image_id for entry in rest[3]] == ["08.jpg", "39.jpg"]
    assert list(ImageLoader(source, 24, workers=workers, start=40)) == []


HOSTILE = """
import fcntl, os, signal
from PIL import Image

class Hostile:
    name = "hostile"
    def __init__(self, marks): self.marks = marks
    def __len__(self): return 30
    def image_id(self, index): return f"image {index}"
    def label(self, index): return None
    def load(self, index):
        if index == 29 and self.marks.endswith("gone"):
            os.remove(__file__)
        if index in (5, 6) or (index == 29 and self.marks.endswith("gone")):
            os.kill(os.getpid(), signal.SIGKILL)
        if index == 12 and not os.path.exists(self.marks):
            open(self.marks, "w").close()
            os._exit(3)
        print("noise on the standard output")
        return Image.new("RGB", (9, 9), (index, 0, 0))

class Locking(Hostile):
    def __len__(self): return 4000
    def load(self, index):
        # The system drops the lock when the last worker is gone.
        self.held = open(self.marks)
        fcntl.flock(self.held, fcntl.LOCK_SH)
        return Image.new("RGB", (9, 9))

class Buggy(Hostile):
    def load(self, index):
        if index == 3:
            raise ZeroDivisionError("a bug")
        return Image.new("RGB", (9, 9))
"""


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "hostile_images.py").write_text(HOSTILE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import hostile_images  # type: ignore[import-not-found]  # noqa: PLC0415

    yield hostile_images
    del sys.modules["hostile_images"]


def test_an_image_that_kills_its_worker_is_named_and_the_others_are_read(hostile: Any, tmp_path: Path) -> None:
    # Image 12 kills its worker only once, as a passing want of memory does: it is tried again.
    loader = ImageLoader(hostile.Hostile(str(tmp_path / "mark")), 4, workers=2)
    indices, pixels, _, skipped = everything(loader)
    assert indices == [index for index in range(30) if index not in (5, 6)]
    assert pixels[:, 0, 0, 0].tolist() == indices
    assert [entry.image_id for entry in skipped] == ["image 5", "image 6"]
    assert {entry.reason for entry in skipped} == {"it crashes the decoder or needs too much memory"}


def test_after_a_crash_images_are_not_decoded_in_this_process(hostile: Any, tmp_path: Path) -> None:
    # Image 29 removes the module as well: the worker cannot come back, and here it would end the tests.
    with pytest.raises(AtlasError, match="cannot be started again"):
        list(ImageLoader(hostile.Hostile(str(tmp_path / "gone")), 4, workers=1, start=28))


def test_a_bug_in_a_source_is_raised_and_not_taken_for_a_bad_image(hostile: Any) -> None:
    source = hostile.Buggy("")
    with pytest.raises(ZeroDivisionError, match="a bug"):
        list(ImageLoader(source, 4, workers=0))
    with pytest.raises(RuntimeError, match="ZeroDivisionError: a bug"):
        list(ImageLoader(source, 4, workers=1))


def local_source() -> ImageSource:
    class Local:
        name = "local"

        def __len__(self) -> int:
            return 20

        def image_id(self, index: int) -> str:
            return str(index)

        def label(self, _index: int) -> str | None:
            return None

        def load(self, index: int) -> Image.Image:
            return Image.new("RGB", (5, 5), (index, 0, 0))

    return Local()


def test_a_source_that_cannot_be_pickled_is_decoded_in_this_process() -> None:
    assert everything(ImageLoader(local_source(), 4, workers=2))[0] == list(range(20))


def test_a_source_that_a_worker_cannot_import_is_decoded_in_this_process(
    hostile: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "hostile_images.py").unlink()
    source = hostile.Hostile(str(tmp_path / "mark"))
    monkeypatch.setattr(hostile.Hostile, "load", lambda *_: Image.new("RGB", (5, 5)))
    assert everything(ImageLoader(source, 4, workers=2))[0] == list(range(30))


def test_workers_are_used_for_many_files_and_not_for_few_or_for_arrays(folder: Path) -> None:
    many = [folder / "01.jpg"] * 600
    assert ImageLoader(open_images(many), 8).workers == min(8, os.cpu_count() or 1)
    assert ImageLoader(open_images(many), 8, start=500).workers == 0
    assert ImageLoader(open_images(folder), 8).workers == 0
    assert ImageLoader(open_images(np.zeros((600, 5, 5), np.uint8)), 8).workers == 0


@pytest.mark.parametrize("settings", [{"size": 0}, {"batch_size": 0}, {"workers": -1}, {"start": -1}, {"start": 41}])
def test_numbers_out_of_range_are_refused(folder: Path, settings: dict[str, int]) -> None:
    with pytest.raises(AtlasError):
        ImageLoader(open_images(folder), **({"size": 8} | settings))


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock"
    path.touch()
    return path


def workers_live(lock: Path) -> bool:
    with lock.open() as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_stopping_early_ends_the_workers(hostile: Any, lock: Path) -> None:
    iterator = iter(ImageLoader(hostile.Locking(str(lock)), 4, batch_size=2, workers=2))
    next(iterator)
    assert workers_live(lock)
    del iterator
    assert not workers_live(lock)


def script(lock: Path, body: str) -> list[str]:
    # A script without `if __name__ == "__main__"`, as people write them.
    text = f"""
        import sys
        sys.path[:0] = [{str(Path(atlas.images.__file__).parents[2])!r}, {str(lock.parent)!r}]
        print("begun", flush=True)
        from atlas.images import ImageLoader
        from hostile_images import Locking
        loader = ImageLoader(Locking({str(lock)!r}), 64, batch_size=8, workers=2)
        {body}
        """
    (lock.parent / "script.py").write_text(textwrap.dedent(text), encoding="utf-8")
    return [sys.executable, "-W", "error", str(lock.parent / "script.py")]


@pytest.mark.usefixtures("hostile")
def test_a_script_is_not_run_again_by_the_workers(lock: Path) -> None:
    command = script(lock, "next(iter(loader)); print('done')")
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["begun", "done"]
    assert result.stderr == ""
    assert not workers_live(lock)


@pytest.mark.usefixtures("hostile")
def test_ctrl_c_ends_the_script_and_its_workers(lock: Path) -> None:
    command = script(lock, "[print('batch', flush=True) for batch in loader]")
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        assert process.stdout.readline() == "batch\n"
        assert workers_live(lock)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors.splitlines()  # a warning of an open file may follow
    assert not workers_live(lock)


@pytest.mark.usefixtures("hostile")
def test_workers_end_when_their_parent_is_killed(lock: Path) -> None:
    process = subprocess.Popen(script(lock, "next(iter_ := iter(loader)); input()"), stdin=subprocess.PIPE)
    with process:
        while not workers_live(lock):
            time.sleep(0.05)
        process.kill()
    deadline = time.monotonic() + 60
    while workers_live(lock):
        assert time.monotonic() < deadline
        time.sleep(0.05)
