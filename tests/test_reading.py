"""Reading an atlas: it trusts nothing in it, and finds the activations again or says why not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from atlas.activations import Activations, open_activations, write_activations
from atlas.atlas import Atlas
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Callable


def stage(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(f"layers/body/{pattern}")
    return found


def read_all(folder: Path) -> None:
    """Everything that an atlas is asked for."""
    world = Atlas(folder)
    for size in world.grids():
        world.cells(size)
        world.picture(size, icon_px=16)
    world.landmarks()
    world.xy()


@pytest.mark.parametrize("pattern", ["layout-*", "levels/0004/grid-*", "levels/0002/icons-*"])
def test_a_stage_that_is_missing_or_cut_off_is_refused(copied: Path, pattern: str) -> None:
    arrays = stage(copied, pattern) / "arrays.zarr"
    for path in sorted(arrays.rglob("c/**/*"), reverse=True):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(AtlasError, match="is damaged"):
        read_all(copied)
    shutil.rmtree(arrays)
    with pytest.raises(AtlasError, match="is missing from the atlas; build it again"):
        read_all(copied)


@pytest.mark.parametrize("name", ["mean", "scalars", "nearest"])
def test_a_missing_array_of_a_level_is_named(copied: Path, name: str) -> None:
    shutil.rmtree(stage(copied, "levels/0004/grid-*") / "arrays.zarr" / name)
    with pytest.raises(AtlasError, match=f"(lacks {name}|{name})"):
        Atlas(copied).cells(4)


@pytest.mark.parametrize("name", ["xy", "landmarks_vectors"])
def test_a_missing_array_of_the_layout_is_refused(copied: Path, name: str) -> None:
    shutil.rmtree(stage(copied, "layout-*") / "arrays.zarr" / name)
    with pytest.raises(AtlasError, match=r"lack|is damaged"):
        read_all(copied)


@pytest.mark.parametrize("name", ["cosine", "target_cosine"])
def test_missing_scores_are_refused(copied: Path, name: str) -> None:
    shutil.rmtree(stage(copied, "levels/0004/icons-*") / "arrays.zarr" / name)
    with pytest.raises(AtlasError, match=r"lack|is damaged"):
        Atlas(copied).cells(4)


def test_a_missing_sheet_and_one_that_is_no_sheet_are_refused(copied: Path) -> None:
    sheet = stage(copied, "levels/0004/icons-*") / "icons-000.webp"
    sheet.write_bytes(b"RIFF, but no more")
    with pytest.raises(AtlasError, match="is not a sheet"):
        Atlas(copied).picture(4)
    sheet.unlink()
    with pytest.raises(AtlasError, match="is missing or is a link"):
        Atlas(copied).picture(4)


@pytest.mark.parametrize(
    "linked",
    ["layers", "layers/body", "layers/body/levels/0004", "layers/body/levels/0004/grid-*", "layers/body/layout-*"],
)
def test_nothing_behind_a_link_is_read(copied: Path, tmp_path: Path, linked: str) -> None:
    (place,) = copied.glob(linked)
    place.rename(tmp_path / "secret")
    place.symlink_to(tmp_path / "secret")
    with pytest.raises(AtlasError, match="behind a link"):
        read_all(copied)


def test_an_atlas_that_is_itself_reached_by_a_link_or_a_relative_path_opens(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.atlas").symlink_to(copied)
    read_all(Path("link.atlas"))
    monkeypatch.chdir(copied)
    read_all(Path())
    (copied / "sub").mkdir()
    monkeypatch.chdir(copied / "sub")
    read_all(Path(".."))


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, held in inner for place in ((*at, key), *places(held, (*at, key)))]


def test_a_forged_manifest_does_no_worse_than_an_atlas_error(copied: Path) -> None:
    path = copied / "atlas.json"
    whole = json.loads(path.read_text())
    read = 0
    for way in places(whole):
        if {"versions", "seed", "settings", "frame", "class_names"} & set(way[:-1]):
            continue
        for value in (None, "x"):
            forged = json.loads(path.read_text())
            inner: Any = forged
            for key in way[:-1]:
                inner = inner[key]
            inner[way[-1]] = value
            path.write_text(json.dumps(forged))
            try:
                world = Atlas(copied)
                world.summary()
                world.level(world.grids()[-1])
                read += 1
            except AtlasError as error:
                assert "\n" not in str(error)  # noqa: PT017 - much may be otherwise
            path.write_text(json.dumps(whole))
    assert read


def test_activations_in_memory_are_not_to_be_had_again(small_atlas: Atlas) -> None:
    with pytest.raises(AtlasError, match="built from activations in memory; collect them with out="):
        _ = small_atlas.activations


def test_activations_that_moved_or_changed_are_said_to_have(
    small_acts: Activations, build_small: Callable[..., Atlas], tmp_path: Path
) -> None:
    write_activations(small_acts, tmp_path / "photos.acts")
    world = build_small(open_activations(tmp_path / "photos.acts"), tmp_path / "photos.atlas", grids=(2,))
    assert Atlas(world.path).activations["body"].n_channels == 16
    (tmp_path / "photos.acts").rename(tmp_path / "moved.acts")
    with pytest.raises(AtlasError, match=r"not at \.\./photos\.acts, seen from the atlas; put them there"):
        _ = Atlas(world.path).activations
    half = small_acts["body"].subset(slice(0, 100))
    write_activations(
        Activations.in_memory([half], image_ids=small_acts.image_ids, provenance=small_acts.provenance),
        tmp_path / "photos.acts",
    )
    with pytest.raises(AtlasError, match="holds other activations than this atlas was built from; build it again"):
        _ = Atlas(world.path).activations
    # What was made of them needs them no more.
    read_all(world.path)


def test_a_store_far_away_is_linked_by_its_name_alone(
    small_acts: Activations, build_small: Callable[..., Atlas], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home" / "alice"
    write_activations(small_acts, home / "data" / "photos.acts")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    store = open_activations(home / "data" / "photos.acts")
    links = {
        place: build_small(store, tmp_path / place, grids=(2,)).provenance["activations"]["link"]
        for place in ("x.atlas", "home/x.atlas", "home/alice/x.atlas", "home/alice/a/b/c/x.atlas")
    }
    assert links == {
        "x.atlas": "photos.acts",
        "home/x.atlas": "photos.acts",
        "home/alice/x.atlas": "../data/photos.acts",
        "home/alice/a/b/c/x.atlas": "photos.acts",
    }
