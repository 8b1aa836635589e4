"""`atlas class` and `atlas compare`, as people type them."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atlas.atlas import Atlas
from atlas.classes import Comparison, SideBySide
from atlas.opening import open_atlas
from tests.command import ran, refused

RENDER = ["--steps", "1", "--icon-size", "32", "--device", "cpu"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An atlas of the cheapest layer of the embedded network, of few pictures."""
    home = tmp_path_factory.mktemp("cli classes")
    (home / "photos").mkdir()
    rng = np.random.Generator(np.random.Philox(12))
    for number in range(24):
        colours = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(colours).resize((64, 64), Image.Resampling.BICUBIC).save(home / "photos" / f"{number}.png")
    ran(
        *("build", "--images", home / "photos", "--out", home / "shop's.atlas", "--layer", "conv2d1", "--grid", 1),
        *("--per-image", 2, "--workers", 0, *RENDER),
    )
    return home / "shop's.atlas"


@pytest.fixture(scope="module")
def pair(built: Path) -> tuple[str, str]:
    """Two classes that have activations."""
    best = Atlas(built).confusions(1)
    return str(best["left"][0]), str(best["right"][0])


def test_without_classes_the_pairs_worth_comparing_are_listed_and_the_next_command_works(
    built: Path, tmp_path: Path
) -> None:
    said = ran("compare", built)
    (line,) = [line for line in said.splitlines() if line.startswith("Next: ")]
    program, *words = shlex.split(line.removeprefix("Next: "))
    assert program == "atlas"
    assert "score" in said
    out = tmp_path / "pair.atlas"
    told = ran(*words, "--out", out, "--grid", 2, *RENDER)
    assert "speaks for" in told
    assert "Class labels mean little at conv2d1" in told
    assert isinstance(open_atlas(out), Comparison)


def test_a_comparison_is_written_with_its_picture(built: Path, pair: tuple[str, str], tmp_path: Path) -> None:
    out, png = tmp_path / "pair.atlas", tmp_path / "pair.png"
    said = ran("compare", built, *pair, "--out", out, "--png", png, "--grid", 2, "--k", 20, *RENDER)
    found = open_atlas(out)
    assert isinstance(found, Comparison)
    assert (found.left.name, found.right.name) == pair
    assert found.provenance["part"]["k"] == 20
    assert f"Wrote {png}" in said
    with Image.open(png) as picture:
        assert picture.info["Title"] == f"{pair[0]} and {pair[1]}, compared"


def test_a_comparison_lists_no_pairs(built: Path, pair: tuple[str, str], tmp_path: Path) -> None:
    out = tmp_path / "pair.atlas"
    ran("compare", built, *pair, "--out", out, "--grid", 2, *RENDER)
    said = refused("compare", out)
    assert "pair.atlas shows some classes only; start from the whole atlas." in said


def test_the_evidence_is_drawn_with_real_patches(built: Path, pair: tuple[str, str], tmp_path: Path) -> None:
    plain, patched, out = tmp_path / "plain.png", tmp_path / "patched.png", tmp_path / "pair.atlas"
    asked = ("compare", built, *pair, "--out", out, "--grid", 2, *RENDER)
    ran(*asked, "--evidence", plain)
    assert f"Wrote {patched}" in ran(*asked, "--evidence", patched, "--images", built.with_name("photos"))
    with Image.open(plain) as one, Image.open(patched) as other:
        assert other.width > one.width


def test_info_says_where_labels_mean_little(built: Path) -> None:
    assert "Class labels mean little at conv2d1" in ran("info", built)


def test_three_classes_are_shown_side_by_side(built: Path, tmp_path: Path) -> None:
    table = Atlas(built).confusions(50)
    names = list(dict.fromkeys([*table["left"], *table["right"]]))[:3]
    out = tmp_path / "three.atlas"
    ran("compare", built, *names, "--out", out, "--grid", 1, *RENDER)
    found = open_atlas(out)
    assert isinstance(found, SideBySide)
    assert found.classes == names


def test_a_class_is_laid_out_by_tsne_when_asked(built: Path, pair: tuple[str, str], tmp_path: Path) -> None:
    asked = ("class", built, pair[0], "--own", "top", "--grid", 1, "--out", tmp_path / "tsne.atlas", *RENDER)
    ran(*asked, "--layout", "tsne")
    assert Atlas(tmp_path / "tsne.atlas").summary()["layout"]["settings"]["method"] == "tsne"
    assert "--layout" in refused("compare", built, *pair, "--layout", "tsne")


def test_the_atlas_of_a_class_lies_beside_its_atlas_and_can_be_exported(built: Path, pair: tuple[str, str]) -> None:
    said = ran("class", built, pair[0], "--own", "top", "--grid", 1, *RENDER)
    (line,) = [line for line in said.splitlines() if line.startswith("Next: ")]
    _program, *words = shlex.split(line.removeprefix("Next: "))
    folder = Path(words[1])
    assert folder.parent.resolve() == built.parent.resolve()
    assert Atlas(folder).provenance["part"]["classes"][0]["name"] == pair[0]
    assert folder.name.startswith("shop's-")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["class", "{built}", "frying pam"], "the nearest are frying pan"),
        (["compare", "{built}", "wok"], "is one class; name two, or use `atlas class`"),
        (["compare", "{built}", "wok", "wok"], "are the same class"),
        (["compare", "{built}", "wok", "mantis", "--layer", "x"], "no layer 'x'"),
        (["compare", "{built}/nothing"], "is not an atlas"),
        (["compare", "{built}", "--own", "top"], "--own is of no use without two classes"),
        (["compare", "{built}", "--icon-size", "80"], "--icon-size is of no use without two classes"),
        (["compare", "{built}", "wok", "mantis", "crane", "--evidence", "x.png"], "--evidence is about two classes"),
        (["compare", "{built}", "wok", "mantis", "--images", "x"], "--images is of no use without --evidence"),
    ],
)
def test_what_cannot_be_done_is_one_line(built: Path, words: list[str], message: str) -> None:
    assert message in refused(*(word.format(built=built) for word in words))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("class", ("activations that it owns", "--own", "winner", "--grid", "Goes on where it stopped")),
        ("compare", ("worth comparing", "frying pan", "side by side", "--png")),
    ],
)
def test_the_help_of_a_command_teaches_it(command: str, words: tuple[str, ...]) -> None:
    text = " ".join(ran(command, "--help").replace("│", " ").split())
    for word in words:
        assert word in text
