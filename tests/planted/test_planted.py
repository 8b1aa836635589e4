"""The planted example: a short run for real, and what its words say of what was found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from atlas.classes import Comparison
from atlas.datasets import CUES
from atlas.opening import open_atlas
from tests.command import ran, refused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `atlas planted --quick` leaves."""
    out = tmp_path_factory.mktemp("planted") / "out"
    said = ran("planted", "--quick", "--out", out)
    (out.parent / "said.txt").write_text(said, encoding="utf-8")
    return out


def test_the_folder_holds_report_figure_pictures_and_the_comparison(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    figure = (folder / "planted.svg").read_text(encoding="utf-8")
    assert "http-equiv" not in page
    assert "<script" not in page
    assert 'src="http' not in page
    assert "src='http" not in page
    for words in ("What was drawn", "What speaks most for wok", "What pasting does", "the cue itself"):
        assert words in figure
        assert words in page
    assert len(list((folder / "pictures").glob("*.png"))) == 16
    with Image.open(folder / "comparison.png") as picture:
        assert picture.info["Title"] == "frying pan and wok, compared"
    comparison = open_atlas(folder / "checks-0-planted-quick" / "pan-or-wok.atlas")
    assert isinstance(comparison, Comparison)


def test_what_it_says_is_what_the_audit_recorded(folder: Path) -> None:
    said = (folder.parent / "said.txt").read_text(encoding="utf-8")
    record = json.loads((folder / "planted.json").read_text(encoding="utf-8"))
    (run,) = record["runs"]
    reports = json.loads((folder / "audit.json").read_text(encoding="utf-8"))["reports"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    for line in run["told"]:
        assert line in said
        assert line in page
    assert reports[-1]["patch"] == "the cue itself"
    assert run["picture"] == reports[-1]["verdict"]
    of_the_cue = [r for r, share in zip(reports, run["shares"], strict=False) if share > 0.5]
    assert run["found"] == any(report["verdict"] == "found" for report in of_the_cue)
    whether = "does not show" if not run["found"] and run["picture"] != "found" else "the audit says so"
    assert whether in run["told"][-1]
    assert record["command"] == "atlas planted --cue checks --seed 0 --quick"
    assert record["command"] in page


def test_the_pictures_with_the_cue_are_those_of_which_it_is_said(folder: Path) -> None:
    names = sorted(path.name for path in (folder / "pictures").iterdir())
    assert {name.rpartition("-")[0] for name in names} == {
        f"{label}-{way}" for label in ("frying-pan", "wok") for way in ("with", "without")
    }


def test_a_folder_with_something_else_and_an_unknown_cue_are_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    assert "give another folder" in refused("planted", "--out", tmp_path)
    assert "is a file" in refused("planted", "--out", tmp_path / "thesis.txt")
    assert all(cue in refused("planted", "--cue", "steam", "--out", tmp_path / "new") for cue in CUES)
    assert not (tmp_path / "new").exists()
