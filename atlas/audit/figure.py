"""The figure of an audit: flip rates of patches and controls with their intervals, as SVG."""

from __future__ import annotations

import base64
import io
import os
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from atlas.audit.arms import controls_of
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from atlas.audit.findings import Difference, Outcome, Report, Way
    from atlas.audit.result import PatchTest

_WIDTH, _ROW, _GAP, _HEAD, _FOOT = 860, 20, 18, 78, 40
_THUMB = 56
#: Where the columns are: names of arms end, plot begins and ends, rates and differences begin.
_ARM, _LEFT, _RIGHT, _RATE, _DIFFERENCE = 326, 340, 600, 614, 672
_INK, _SOFT, _LINE, _PATCH = "#1c2024", "#60646c", "#d9d9e0", "#0d74ce"
_VERDICT = {"found": "#c62a2f", "not found": _SOFT, "not enough images": "#ab6400"}
_SANS = "font-family='system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'"


@dataclass(frozen=True)
class Figure:
    """A picture in SVG.

    Attributes
    ----------
    svg : str
        The whole picture, with nothing outside it.
    """

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture, whole or not at all; the name ends in .svg."""
        target = Path(path)
        if target.suffix != ".svg":
            raise AtlasError(f"{target.name} must end in .svg, the format of this figure.")
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        part.write_text(self.svg + "\n", encoding="utf-8")
        part.replace(target)
        return target


def data_uri(picture: NDArray[np.uint8], side: int | None = None) -> str:
    """A picture (H, W, 3) as a PNG in a data URI, brought to `side` pixels when given."""
    image = Image.fromarray(picture)
    if side is not None and image.width > side:
        image = image.resize((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def draw(result: PatchTest, way: Way = "held out", names: Sequence[str] | None = None) -> Figure:
    """Draw the flip rates of an audit, counted one way; by default of all patches.

    Raises
    ------
    AtlasError
        There is no patch of such a name.
    """
    known = [patch.name for patch in result.patches]
    if unknown := [name for name in names or () if name not in known]:
        raise AtlasError(f"There is no patch {unknown[0]!r}; there are {', '.join(known)}.")
    patches, controls, differences = result.compared(way)
    reports = result.judged(way)
    parts: list[str] = []
    top = float(_HEAD)
    for patch, own, others, compared, report in zip(
        result.patches, patches, controls, differences, reports, strict=True
    ):
        if names is not None and patch.name not in names:
            continue
        parts.append(_group(top, data_uri(patch.pictures[0], 2 * _THUMB), patch.name, report))
        parts.append(_row(top, "patch", own, None))
        for number, key in enumerate(controls_of(patch, result.arms), 1):
            parts.append(_row(top + number * _ROW, key[0], others[key[0]], compared[key[0]]))
        top += max((1 + len(others)) * _ROW, _THUMB + 4) + _GAP
    bottom = top - _GAP / 2
    head = _header(result, reports, way)
    height = round(bottom + _FOOT)
    title = escape(f"Patch test: {result.source[1]} to {result.target[1]}")
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' width='{_WIDTH}' height='{height}' "
        f"role='img' {_SANS} font-size='13' style='max-width:100%;height:auto;background:#fff'><title>{title}</title>"
        f"<rect width='{_WIDTH}' height='{height}' fill='#fff'/>{head}{_axis(_HEAD - 8, bottom)}{''.join(parts)}</svg>"
    )
    return Figure(svg)


def _x(share: float) -> float:
    return round(_LEFT + share * (_RIGHT - _LEFT), 1)


def _text(x: float, y: float, words: str, colour: str = _INK, **attributes: str) -> str:
    more = "".join(f" {name.replace('_', '-')}='{value}'" for name, value in attributes.items())
    return f"<text x='{x}' y='{round(y, 1)}' fill='{colour}'{more}>{escape(words)}</text>"


def _header(result: PatchTest, reports: list[Report], way: Way) -> str:
    images = reports[0].images
    how = (
        "at the size and place chosen on the other half" if way == "held out" else "at the best size and place of each"
    )
    line = f"{images} photographs, {how}; 95 % intervals"
    title = f"Photographs of {result.source[1]} that become {result.target[1]}"
    return (
        _text(16, 28, _short(title, 64), font_size="18", font_weight="600")
        + _text(16, 50, line, _SOFT)
        + _text(_RATE, _HEAD - 16, "rate", _SOFT, font_size="12")
        + _text(_DIFFERENCE, _HEAD - 16, "patch minus control", _SOFT, font_size="12")
    )


def _axis(top: float, bottom: float) -> str:
    lines = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        lines.append(f"<path d='M{_x(share)} {top}V{round(bottom, 1)}' stroke='{_LINE}' stroke-width='1'/>")
        lines.append(_text(_x(share), bottom + 18, f"{share:.0%}", _SOFT, text_anchor="middle", font_size="12"))
    return "".join(lines)


def _group(top: float, thumbnail: str, name: str, report: Report) -> str:
    """Picture and name of a patch; its verdict, which is about the held-out count alone."""
    said = name
    verdict = ""
    if report.way == "held out":
        said = str(report)
        verdict = _text(_THUMB + 28, top + 32, report.verdict, _VERDICT[report.verdict], font_weight="600") + _text(
            _THUMB + 28, top + 50, f"p = {report.p_value:.2g}", _SOFT, font_size="12"
        )
    return (
        f"<g><title>{escape(said)}</title>"
        f"<image href='{thumbnail}' x='16' y='{top}' width='{_THUMB}' height='{_THUMB}' "
        "preserveAspectRatio='none' style='image-rendering:auto'/>"
        + _text(_THUMB + 28, top + 14, _short(name, 20), font_weight="600")
        + verdict
        + "</g>"
    )


def _row(top: float, arm: str, found: Outcome, difference: Difference | None) -> str:
    """One arm: interval, rate, and the difference from it to the patch."""
    y = top + 10
    low, high = found.interval
    own = difference is None
    colour = _PATCH if own else _SOFT
    mark = (
        f"<circle cx='{_x(found.rate)}' cy='{y}' r='5' fill='{colour}'/>"
        if own
        else f"<circle cx='{_x(found.rate)}' cy='{y}' r='4' fill='#fff' stroke='{colour}' stroke-width='1.5'/>"
    )
    row = (
        _text(_ARM, y + 4, arm, _INK if own else _SOFT, text_anchor="end", font_weight="600" if own else "400")
        + f"<path d='M{_x(low)} {y}H{_x(high)}' stroke='{colour}' stroke-width='{2.5 if own else 1.5}'/>"
        + mark
        + _text(_RATE, y + 4, f"{found.rate:.0%}", _INK if own else _SOFT)
    )
    if difference is None:
        return row
    words = f"{_signed(difference.mean)}  [{_signed(difference.low)}, {_signed(difference.high)}]"
    return row + _text(_DIFFERENCE, y + 4, words, _INK if difference.low > 0 else _SOFT)


def _signed(share: float) -> str:
    # A true minus sign is as wide as a plus.
    return f"{100 * share:+.0f}".replace("-", "\u2212") if round(100 * share) else "0"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
