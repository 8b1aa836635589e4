"""`atlas.json`: what was written comes back, and nothing else is believed."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.errors import AtlasError
from atlas.manifest import FILE, LayerRecord, LevelRecord, Manifest, Stage

if TYPE_CHECKING:
    from pathlib import Path

GRID = {"cells": 3, "outside": 1, "in_small_cells": 0}
ICONS = {"icon_px": 80, "mean_cosine": 0.5}
LAYOUT = {"n_points": 9, "n_zero": 0, "trustworthiness": None}


def manifest(layer: str = "mixed4c") -> Manifest:
    levels = {
        10: LevelRecord(Stage("b", f"layers/{layer}/levels/0010/grid-b", dict(GRID))),
        5: LevelRecord(
            Stage("c", f"layers/{layer}/levels/0005/grid-c", dict(GRID)),
            Stage("d", f"layers/{layer}/levels/0005/icons-d", dict(ICONS)),
        ),
    }
    link = {"kind": "store", "link": "../photos.acts", "digest": "0", "collected": {}}
    provenance = {"model": {"name": "small", "digest": "1"}, "activations": link}
    return Manifest(provenance, ["crane", "Bär"], {layer: LayerRecord(Stage("a", "layers/a", dict(LAYOUT)), levels)})


def test_what_was_written_comes_back_with_levels_from_coarse_to_fine(tmp_path: Path) -> None:
    manifest().write(tmp_path)
    found = Manifest.read(tmp_path)
    assert found == manifest()
    assert list(found.layers["mixed4c"].levels) == [5, 10]
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_numbers_that_json_does_not_know_are_not_written(tmp_path: Path) -> None:
    manifest().write(tmp_path)
    broken = manifest()
    broken.provenance["loss"] = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        broken.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged"),
        (b"\xff\xfe\x00", "is damaged"),
        (b"[1, 2]", "is damaged"),
        (b"null", "is damaged"),
        (b"[" * 200_000, "is damaged"),
        (b"{}", "is damaged"),
        (b'{"format": "photo album", "schema": 1}', "is of another program"),
        (b'{"format": "activation-atlas", "schema": 2}', "later version.*pip install --upgrade activation-atlas"),
        (b'{"format": "activation-atlas", "schema": "new"}', "is damaged"),
    ],
)
def test_what_is_no_manifest_is_refused_with_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(AtlasError, match=message) as caught:
        Manifest.read(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_manifest_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    manifest().write(tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    for end in range(0, len(whole.rstrip()) - 1, 7):
        (tmp_path / FILE).write_bytes(whole[:end])
        with pytest.raises(AtlasError, match="is damaged"):
            Manifest.read(tmp_path)


def test_a_missing_linked_or_enormous_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match=r"is not an atlas: it has no atlas.json. `atlas build` makes one"):
        Manifest.read(tmp_path)
    with pytest.raises(AtlasError, match="is not an atlas"):
        Manifest.read(tmp_path / "nowhere")
    manifest().write(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / FILE).symlink_to(tmp_path / FILE)
    with pytest.raises(AtlasError, match="is a link or far too large"):
        Manifest.read(tmp_path / "other")
    with (tmp_path / FILE).open("r+b") as file:
        file.truncate(65 << 20)
    with pytest.raises(AtlasError, match="is a link or far too large"):
        Manifest.read(tmp_path)


OUTSIDE = ["/etc", "../other", "layers/../../x", "C:/x", "layers\\..\\x", "//host/share", "layers/a\0b"]


@pytest.mark.parametrize("folder", OUTSIDE)
@pytest.mark.parametrize("stage", ["layout", "grid", "icons"])
def test_a_stage_outside_the_atlas_is_refused(tmp_path: Path, folder: str, stage: str) -> None:
    manifest().write(tmp_path)
    content = json.loads((tmp_path / FILE).read_text())
    layer = content["layers"]["mixed4c"]
    (layer["layout"] if stage == "layout" else layer["levels"]["5"][stage])["folder"] = folder
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(AtlasError, match="names a folder outside itself"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("kind", ["store", "embedded"])
@pytest.mark.parametrize("link", ["/etc", "C:/x", "\\\\host\\share"])
def test_a_link_to_activations_that_is_no_relative_path_is_refused(tmp_path: Path, kind: str, link: str) -> None:
    forged = manifest()
    forged.provenance["activations"] |= {"kind": kind, "link": link}
    forged.write(tmp_path)
    with pytest.raises(AtlasError, match="leads elsewhere"):
        Manifest.read(tmp_path)


def test_a_link_may_hold_what_a_file_name_may(tmp_path: Path) -> None:
    odd = manifest()
    odd.provenance["activations"]["link"] = '../photos: "2024" [red]\'s.acts'
    odd.write(tmp_path)
    assert Manifest.read(tmp_path) == odd


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, held in inner for place in ((*at, key), *places(held, (*at, key)))]


@given(data=st.data())
def test_any_other_value_anywhere_is_read_or_refused_with_one_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "forged"
    folder.mkdir(exist_ok=True)
    manifest().write(folder)
    whole = json.loads((folder / FILE).read_text())
    forged = deepcopy(whole)
    *way, last = data.draw(st.sampled_from(places(whole)))
    inner = forged
    for key in way:
        inner = inner[key]
    if data.draw(st.booleans()):
        del inner[last]
    else:
        inner[last] = data.draw(st.sampled_from([None, -1, "x", "", [], {}, 1e308, 10**400, True, [{}], {"a": 1}]))
    (folder / FILE).write_text(json.dumps(forged))
    try:
        Manifest.read(folder)
    except AtlasError as error:
        assert "\n" not in str(error)  # noqa: PT017 - much is allowed to be otherwise
