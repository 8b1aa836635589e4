"""Exported pages: complete, safe, and silent about the machine that wrote them."""

from __future__ import annotations

import base64
import getpass
import hashlib
import json
import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import atlas
from atlas.errors import AtlasError
from atlas.export import Marker, page
from atlas.export.bundle import bundle_file
from atlas.export.dense import dense_text
from atlas.export.packing import pack_cells
from atlas.export.page import PageView

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.activations import Activations
    from atlas.atlas import Atlas


def start_of(text: str) -> dict[str, Any]:
    """What the page hands to the viewer."""
    (script,) = re.findall(r"<script>window\.__atlas=(.*?);</script>", text, re.DOTALL)
    content: dict[str, Any] = json.loads(script)
    return content


def undense(text: str, length: int) -> bytes:
    """The bytes of a text that holds 15 bits a letter."""
    bits = "".join(f"{ord(letter) - 0x3400:015b}" for letter in text)
    assert set(bits[8 * length :]) <= {"0"}
    return bytes(int(bits[8 * i : 8 * i + 8], 2) for i in range(length))


def part(text: str, reference: str) -> bytes:
    (found,) = re.findall(f'<script type="text/plain" id="{reference[1:]}">([^<]*)</script>', text)
    return base64.b64decode(found, validate=True)


def test_a_page_holds_cells_sheets_and_attributions_of_every_level(small_atlas: Atlas, tmp_path: Path) -> None:
    text = small_atlas.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    content = start_of(text)
    (layer,) = content["header"]["layers"]
    assert [level["size"] for level in layer["levels"]] == [2, 4]
    for size in (2, 4):
        level = small_atlas.level(size)
        held = content["payload"]["levels"][f"body/{size}"]
        assert level.icons is not None
        assert level.grid.attribution is not None
        assert [part(text, sheet) for sheet in held["sheets"]] == [level.icons.read(0)]
        cells = part(text, held["cells"]["data"])
        where = held["cells"]["columns"]["count"]
        counts = np.frombuffer(cells, "<i4", held["cells"]["n"], where["offset"])
        np.testing.assert_array_equal(counts, level.grid.count)
        codes = np.frombuffer(part(text, held["attribution"]["data"]), np.int8).reshape(len(level.grid), 5)
        scale = np.asarray(held["attribution"]["scale"])
        np.testing.assert_allclose(codes * scale, level.grid.attribution, atol=0.51 * scale.max())


@given(st.binary(max_size=200))
def test_bytes_come_back_from_letters_that_a_script_may_hold(data: bytes) -> None:
    text = dense_text(data).decode("utf-16-le")
    assert all("\u3400" <= letter <= "\ub3ff" for letter in text)
    assert 15 * (len(text) - 1) < 8 * len(data) <= 15 * len(text) or not data
    assert undense(text, len(data)) == data


def test_a_folder_holds_the_same_in_files_that_a_page_may_load_from_a_disk(small_atlas: Atlas, tmp_path: Path) -> None:
    index = small_atlas.to_html(tmp_path / "out", folder=True)
    assert index == tmp_path / "out" / "index.html"
    held = start_of(index.read_text(encoding="utf-8"))["payload"]["levels"]["body/4"]
    icons = small_atlas.level(4).icons
    assert icons is not None

    def handed_over(name: str) -> bytes:
        script = (index.parent / name).read_text(encoding="utf-16")
        found = re.fullmatch(rf'__atlasData\("{re.escape(name)}",(\d+),"([\u3400-\ub3ff]+)"\);\n', script)
        assert found is not None
        return undense(found[2], int(found[1]))

    assert handed_over(held["sheets"][0]) == icons.read(0)
    assert handed_over(held["cells"]["data"]) == pack_cells(small_atlas.level(4)).data
    again = small_atlas.to_html(tmp_path / "out", folder=True, levels=[2])
    assert list(start_of(again.read_text(encoding="utf-8"))["payload"]["levels"]) == ["body/2"]


def test_only_the_scripts_that_the_page_was_written_with_may_run(small_atlas: Atlas, tmp_path: Path) -> None:
    text = small_atlas.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    code = bundle_file("viewer.js").read_text(encoding="utf-8")
    scripts = [*re.findall(r"<script>(.*?)</script>", text, re.DOTALL), code]
    assert f'<script type="module">{code}</script>' in text
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts}
    assert set(rules["script-src"].split()) == hashes
    assert rules["default-src"] == "'none'"
    assert "http" not in policy


def test_names_from_data_are_never_markup(
    small_acts: Activations, build_small: Callable[..., Atlas], tmp_path: Path
) -> None:
    world = build_small(small_acts, tmp_path / "x.atlas", grids=(2,))
    evil = "</script><img src=x onerror=alert(1)><!--"
    assert world.manifest.class_names is not None
    world.manifest.class_names[:] = [evil] * 5
    text = world.to_html(tmp_path / "x.html", title=evil, markers=[Marker(0.5, 0.5, evil)]).read_text(encoding="utf-8")
    assert "<img" not in text
    assert start_of(text)["header"]["classes"] == [evil] * 5
    assert start_of(text)["header"]["markers"][0]["text"] == evil


def test_nothing_tells_whose_machine_wrote_it(small_atlas: Atlas, tmp_path: Path) -> None:
    place = Marker(0.1, 0.2, str(tmp_path / "private" / "cat.jpg"))
    text = small_atlas.to_html(tmp_path / "page.html", markers=[place]).read_text(encoding="utf-8")
    assert start_of(text)["header"]["markers"][0]["text"] == "cat.jpg"
    rest = re.sub(r'(<script type="(text/plain|module)".*?</script>)', "", text, flags=re.DOTALL)
    assert str(tmp_path) not in text
    assert str(small_atlas.path.parent) not in text
    assert f"/{getpass.getuser()}/" not in rest


def test_real_patches_are_baked_in_when_the_photographs_are_given(
    small_atlas: Atlas, small_pictures: NDArray[np.uint8], tmp_path: Path
) -> None:
    text = small_atlas.to_html(tmp_path / "page.html", images=small_pictures).read_text(encoding="utf-8")
    content = start_of(text)
    assert content["header"]["patches"] == "baked"
    patches = content["payload"]["levels"]["body/4"]["patches"]
    assert len(patches) == len(small_atlas.level(4).grid)
    for of_cell in patches:
        assert 1 <= len(of_cell) <= 4
        assert part(text, of_cell[0])[8:12] == b"WEBP"
    (tmp_path / "others").mkdir()
    Image.fromarray(small_pictures[0]).save(tmp_path / "others" / "x.png")
    with pytest.raises(AtlasError, match="None of the images of others is an example of this atlas"):
        small_atlas.to_html(tmp_path / "other.html", images=tmp_path / "others")


def test_large_pages_are_warned_of_with_their_size(
    small_atlas: Atlas, small_pictures: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "WARN_BYTES", 1000)
    for images in (None, small_pictures):
        with pytest.warns(
            UserWarning, match=r"page\.html will take about .* folder=True loads what is looked at"
        ) as told:
            path = small_atlas.to_html(tmp_path / "page.html", images=images)
        assert told[0].filename == __file__
        size = path.stat().st_size / 2**20
        (foretold,) = re.findall(r"about ([\d.]+) MB", str(told[0].message))
        assert float(foretold) == pytest.approx(size, abs=0.06)
    with warnings.catch_warnings():
        small_atlas.to_html(tmp_path / "folder", folder=True)


def test_the_size_of_a_page_is_foretold(tmp_path: Path) -> None:
    world = atlas.sample()
    for views in ([PageView(world)], [PageView(world, layers=["mixed5b"], levels=[10, 40])], [PageView(world)] * 2):
        size = page.write_page(views, tmp_path / "page.html").stat().st_size
        assert page.page_bytes(views) == pytest.approx(size, rel=0.02)


def test_the_size_of_patches_is_foretold_from_some(tmp_path: Path) -> None:
    world = atlas.sample()
    rng = np.random.Generator(np.random.Philox(3))
    sizes = rng.integers(900, 1500, 4000)

    def patches(_layer: str, size: int, row: int) -> list[bytes]:
        return [bytes(sizes[size + row + i]) for i in range(4)]

    views = [PageView(world, levels=[40], patches=patches)]
    size = page.write_page(views, tmp_path / "page.html").stat().st_size
    assert page.page_bytes(views) == pytest.approx(size, rel=0.04)


def test_what_cannot_be_written_is_refused_and_nothing_is_left(small_atlas: Atlas, tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match=r"ends in \.html"):
        small_atlas.to_html(tmp_path / "page.txt")
    with pytest.raises(AtlasError, match="cannot be written"):
        small_atlas.to_html(tmp_path / "no" / "such" / "page.html")
    with pytest.raises(AtlasError, match="no level 3 with icons; it has 2, 4"):
        small_atlas.to_html(tmp_path / "page.html", levels=[3])
    with pytest.raises(AtlasError, match="no layer 'x'"):
        small_atlas.to_html(tmp_path / "page.html", layers=["x"])
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(AtlasError, match="is not an exported atlas"):
        small_atlas.to_html(tmp_path / "mine", folder=True)
    assert (tmp_path / "mine" / "thesis.txt").exists()
