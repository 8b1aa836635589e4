"""The figure and the view: what people see of an audit."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from atlas.audit import Patch, patch_test
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from pathlib import Path

    from atlas.audit import PatchTest
    from atlas.audit.arms import ArmKind
    from atlas.images import ImageSource
    from atlas.models import VisionModel

SVG = "{http://www.w3.org/2000/svg}"
UNFRIENDLY = "<script>alert(1)</script> & 'co'"


@pytest.fixture(scope="module")
def unfriendly(cross_net: VisionModel, photographs: ImageSource, patches: list[Patch]) -> PatchTest:
    named = Patch(UNFRIENDLY, patches[0].pictures)
    return patch_test(
        cross_net, photographs, "plain", "crossed", patches=[named], sizes=(0.375,), limit=8, progress=False
    )


def test_marks_stand_at_the_rates_and_lines_span_the_intervals(audited: PatchTest) -> None:
    drawn = ET.fromstring(audited.figure().svg)  # noqa: S314 - our own picture
    circles = [float(mark.get("cx", "nan")) for mark in drawn.iter(f"{SVG}circle")]
    kinds: list[ArmKind] = ["patch", "noise", "shuffled", "neutral", "target image"]
    outcomes = [audited.outcome((kind, patch.name)) for patch in audited.patches for kind in kinds]
    # Shares lie on a straight scale from 340 to 600.
    assert circles == pytest.approx([340 + 260 * one.rate for one in outcomes], abs=0.06)
    bars = [
        found.groups() for path in drawn.iter(f"{SVG}path") if (found := re.match(r"M(.+) .+H(.+)", path.get("d", "")))
    ]
    expected = [340 + 260 * end for one in outcomes for end in one.interval]
    assert [float(end) for bar in bars for end in bar] == pytest.approx(expected, abs=0.06)


def test_the_figure_says_what_was_found_in_words(audited: PatchTest) -> None:
    text = " ".join(ET.fromstring(audited.figure().svg).itertext())  # noqa: S314
    for words in ("plain", "crossed", "cross", "stripe", "found", "not found", "40 photographs", "target image"):
        assert words in text
    reports = [str(report) for report in audited.reports]
    titles = [title.text for title in ET.fromstring(audited.figure().svg).iter(f"{SVG}title")]  # noqa: S314
    assert titles[1:] == reports, "whole names and sentences, when the pointer rests on a patch"


def test_the_best_of_every_photograph_is_drawn_without_verdicts(audited: PatchTest) -> None:
    text = " ".join(ET.fromstring(audited.figure("best").svg).itertext())  # noqa: S314
    assert "at the best size" in text
    assert "found" not in text
    assert "p =" not in text


def test_names_are_text_and_never_markup(unfriendly: PatchTest) -> None:
    drawn = ET.fromstring(unfriendly.figure().svg)  # noqa: S314
    assert not list(drawn.iter(f"{SVG}script"))
    assert "<script>" not in unfriendly.view().html
    assert "&lt;script&gt;" in unfriendly.view().html


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "img":
            self.images.append(given)
        self.outside += [
            value or "" for name, value in attrs if name in ("src", "href") and not str(value).startswith("data:")
        ]


def test_the_view_shows_the_pasted_photographs_and_what_the_network_says_of_them(audited: PatchTest) -> None:
    reader = Reader()
    reader.feed(audited.view("cross", examples=3).html)
    assert not reader.outside, "nothing is fetched"
    assert len(reader.images) == 3 * 6, "before, the patch, four controls"
    row = audited.halves[1][0]
    before, after = (np.asarray(_decoded(image)) for image in reader.images[:2])
    np.testing.assert_array_equal(before, audited.photographs.pixels[row].transpose(1, 2, 0))
    placement = audited.outcome(("patch", "cross")).placement
    assert placement is not None
    left, top, px = audited.placements.box(placement, 32)
    changed = (before != after).any(axis=2)
    assert changed[top : top + px, left : left + px].mean() > 0.9
    assert not np.delete(np.delete(changed, np.s_[top : top + px], 0), np.s_[left : left + px], 1).any()
    said = audited.class_name(int(audited.predictions["patch", "cross"][row, placement]))
    assert reader.images[1]["alt"] == f"patch: the network says {said}"


def _decoded(image: dict[str, str | None]) -> Image.Image:
    source = image["src"]
    assert source is not None
    return Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))


def test_a_notebook_shows_both(audited: PatchTest) -> None:
    shown = audited._repr_html_()
    assert "<svg" in shown
    assert "<img" in shown


def test_both_are_written_whole_under_their_proper_names(audited: PatchTest, tmp_path: Path) -> None:
    assert audited.figure().save(tmp_path / "audit.svg").read_text(encoding="utf-8").startswith("<svg")
    page = audited.view(examples=1).save(tmp_path / "audit.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(AtlasError, match=r"must end in \.svg"):
        audited.figure().save(tmp_path / "audit.png")
    with pytest.raises(AtlasError, match=r"must end in \.html"):
        audited.view().save(tmp_path / "audit.htm")


def test_what_is_not_there_cannot_be_shown(audited: PatchTest) -> None:
    with pytest.raises(AtlasError, match="no patch 'circle'; there are cross, stripe"):
        audited.view("circle")
    with pytest.raises(AtlasError, match="examples is 0"):
        audited.view(examples=0)
