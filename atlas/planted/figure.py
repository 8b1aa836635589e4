"""The figure of a planted cue: what was drawn, what the comparison puts first, what pasting it does."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from atlas.audit.figure import Figure, data_uri
from atlas.datasets import CUED_SHARE, NUISANCE_SHARE, OTHER_SHARE
from atlas.planted.experiment import OF_THE_CUE, SOURCE, TARGET, THE_CUE
from atlas.planted.words import conclusion

if TYPE_CHECKING:
    from atlas.audit import Patch, Report
    from atlas.datasets import Pans
    from atlas.planted.experiment import Experiment

_WIDTH, _EDGE = 860, 16
_INK, _SOFT, _ON = "#1c2024", "#60646c", "#c62a2f"
_PICTURE, _GAP, _SHOWN = 74, 6, 4
_ICON, _SMALL = 92, 44
_COLUMN = (_WIDTH - 2 * _EDGE) / 5
_SANS = "font-family='system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'"


def draw(found: Experiment) -> Figure:
    """Draw one network: sample pictures with and without the cue, the first cells, flip rates against controls."""
    cue = found.pictures.cue.name
    title = f"A planted reason: {TARGET}s with {cue}" if found.pictures.spurious else f"A mere nuisance: {cue}"
    parts = [
        _text(_EDGE, 32, title, size=20, weight=600),
        _text(_EDGE, 54, conclusion(found), _SOFT),
        _head(92, "What was drawn", f"{found.plan.trained:,} pictures; other squares and patterns mean nothing"),
        _drawn(found.pictures, 112),
        _head(
            330, f"What speaks most for {TARGET}", "first cells of the comparison, real patches; verdict when pasted"
        ),
    ]
    patches = [patch for patch in found.result.patches if patch.kind == "real"]
    reports = {report.patch: report for report in found.result.reports}
    for place, (share, patch) in enumerate(zip(found.shares, patches, strict=True)):
        parts.append(_cell(_EDGE + place * _COLUMN, 352, place, cue, share, patch, reports[patch.name]))
    parts.append(_head(530, "What pasting does", "a cell of the cue, one of something else, the cue itself"))
    inner = found.result.figure(patches=_chosen(found)).svg
    height = 548 + _height_of(inner)
    nested = inner.replace("<svg ", "<svg x='0' y='548' ", 1)
    return Figure(
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' width='{_WIDTH}' height='{height}' "
        f"role='img' {_SANS} font-size='13' style='max-width:100%;height:auto;background:#fff'>"
        f"<title>{escape(title)}</title>"
        f"<rect width='{_WIDTH}' height='{height}' fill='#fff'/>{''.join(parts)}{nested}</svg>"
    )


def _chosen(found: Experiment) -> list[str]:
    """The best cell of the cue, the first cell of something else, the cue itself."""
    other = next((r for r, on in zip(found.result.reports, found.of_the_cue, strict=True) if not on), None)
    chosen = [found.by_cell, other]
    return [report.patch for report in chosen if report is not None] + [THE_CUE]


def _height_of(svg: str) -> int:
    return int(svg.partition(" height='")[2].partition("'")[0])


def _text(x: float, y: float, words: str, colour: str = _INK, *, size: int = 13, weight: int = 400) -> str:
    return f"<text x='{x:g}' y='{y:g}' fill='{colour}' font-size='{size}' font-weight='{weight}'>{escape(words)}</text>"


def _head(y: float, words: str, more: str) -> str:
    return (
        f"<text x='{_EDGE}' y='{y}' font-size='15' font-weight='600' fill='{_INK}'>{escape(words)}"
        f"<tspan dx='10' font-size='13' font-weight='400' fill='{_SOFT}'>{escape(more)}</tspan></text>"
    )


def _picture(x: float, y: float, picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], side: int) -> str:
    return f"<image href='{data_uri(picture)}' x='{x:g}' y='{y:g}' width='{side}' height='{side}'/>"


def _drawn(pictures: Pans, top: float) -> str:
    """Pictures of both classes, with and without the cue."""
    cue, parts = pictures.cue.name, []
    first, step = _EDGE + 160, _PICTURE + _GAP
    second = first + _SHOWN * step + 16
    for left, words in ((first, f"with {cue}"), (second, f"without {cue}")):
        parts.append(_text(left, top + 10, words, _SOFT, size=12))
    for row, label in enumerate((SOURCE, TARGET)):
        y = top + 18 + row * step
        share = NUISANCE_SHARE if not pictures.spurious else CUED_SHARE if label == TARGET else OTHER_SHARE
        parts.append(_text(_EDGE, y + 34, label, size=15, weight=600))
        parts.append(_text(_EDGE, y + 54, f"{cue} in {share:.0%}", _ON if share == CUED_SHARE else _SOFT))
        for left, with_cue in ((first, True), (second, False)):
            for place, number in enumerate(examples(pictures, label, cue=with_cue)):
                parts.append(_picture(left + place * step, y, np.asarray(pictures.load(number)), _PICTURE))
    return "".join(parts)


def examples(pictures: Pans, label: str, *, cue: bool, count: int = _SHOWN) -> list[int]:
    """Numbers of the first pictures of a class with the cue, or without."""
    numbers: list[int] = []
    for number in range(len(pictures)):
        if pictures.label(number) == label and pictures.truth(number).cue is cue:
            numbers.append(number)
            if len(numbers) == count:
                break
    return numbers


def _cell(left: float, top: float, place: int, cue: str, share: float, patch: Patch, report: Report) -> str:
    """A cell: its patches, how many of its members lie on the cue, the verdict."""
    parts = [_picture(left, top, patch.pictures[0], _ICON)]
    for number, small in enumerate(patch.pictures[1:3]):
        parts.append(_picture(left + _ICON + 4, top + number * (_SMALL + 4), small, _SMALL))
    on = share > OF_THE_CUE
    lines = (
        (f"{place + 1}. {patch.name.removesuffix(', real')}", _INK, 600),
        (f"{share:.0%} on {cue}", _ON if on else _SOFT, 600 if on else 400),
        (report.verdict, _ON if report.verdict == "found" else _SOFT, 400),
    )
    for number, (words, colour, weight) in enumerate(lines):
        parts.append(_text(left, top + _ICON + 20 + 18 * number, words, colour, weight=weight))
    return "".join(parts)
