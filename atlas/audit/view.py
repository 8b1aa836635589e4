"""Photographs with patches pasted, and what the network says before and after, as HTML for notebooks and pages."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from atlas.audit.arms import controls_of
from atlas.audit.figure import data_uri
from atlas.audit.paste import pasted
from atlas.errors import AtlasError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from atlas.audit.arms import ArmKind
    from atlas.audit.findings import Report
    from atlas.audit.patches import Patch
    from atlas.audit.result import PatchTest

_STYLE = """<style>
.atlas-audit{font:14px/1.4 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;overflow-x:auto}
.atlas-audit h3{font-size:15px;margin:20px 0 2px}
.atlas-audit p{margin:0 0 8px;opacity:.75}
.atlas-audit table{border-collapse:separate;border-spacing:8px 6px;margin-left:-8px}
.atlas-audit th{font-weight:500;font-size:12px;text-align:left;opacity:.75;background:none}
.atlas-audit td{padding:0;vertical-align:top;text-align:left;background:none}
.atlas-audit img{display:block;width:104px;height:104px;border-radius:3px}
.atlas-audit span{display:block;font-size:12px;max-width:104px;overflow-wrap:anywhere;opacity:.75}
.atlas-audit .flip{font-weight:600;color:#c62a2f;opacity:1}
</style>"""


@dataclass(frozen=True)
class View:
    """A piece of HTML.

    Attributes
    ----------
    html : str
        Complete in itself: pictures are data URIs, names are escaped.
    """

    html: str

    def _repr_html_(self) -> str:
        return self.html

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a page, whole or not at all; the name ends in .html. Mind that it holds photographs."""
        target = Path(path)
        if target.suffix != ".html":
            raise AtlasError(f"{target.name} must end in .html, the format of this view.")
        page = (
            "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
            "content='width=device-width'><title>Patch test</title></head>"
            f"<body style='margin:24px'>{self.html}</body></html>\n"
        )
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        part.write_text(page, encoding="utf-8")
        part.replace(target)
        return target


def look(result: PatchTest, name: str | None, examples: int) -> View:
    """Show what was pasted: of each patch, the first photographs of the half that is reported on.

    Which photographs are shown does not depend on what became of them.

    Raises
    ------
    AtlasError
        There is no patch of that name, or less than one example is asked for.
    """
    names = [patch.name for patch in result.patches]
    if name is not None and name not in names:
        raise AtlasError(f"There is no patch {name!r}; there are {', '.join(names)}.")
    if examples < 1:
        raise AtlasError(f"examples is {examples}; give a number of photographs from 1.")
    parts = [
        _section(result, patch, report, examples)
        for patch, report in zip(result.patches, result.reports, strict=True)
        if name in (None, patch.name)
    ]
    note = "" if result.note is None else f"<p>{escape(result.note)}</p>"
    return View(f"{_STYLE}<div class='atlas-audit'>{note}{''.join(parts)}</div>")


def _section(result: PatchTest, patch: Patch, report: Report, examples: int) -> str:
    keys: list[tuple[ArmKind, str]] = [("patch", patch.name), *controls_of(patch, result.arms)]
    chosen = {key: result.outcome(key).placement or 0 for key in keys}
    head = "".join(
        f"<th scope='col'>{escape(key[0])}<br>{escape(result.placements.name(chosen[key]))}</th>" for key in keys
    )
    rows, side = [], result.photographs.pixels.shape[-1]
    largest = result.placements.largest(side)
    for row in result.halves[1][:examples]:
        cells = [_cell(result.photographs.pixels[row], result.source[1], "before", flipped=False)]
        for key in keys:
            box = result.placements.box(chosen[key], side)
            square = result.arms[key].square(result.photographs.digests[row], box[2], largest)
            said = int(result.predictions[key][row, chosen[key]])
            picture = pasted(result.photographs.pixels[row], square, box)
            cells.append(_cell(picture, result.class_name(said), key[0], flipped=said == result.target[0]))
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f"<h3>{escape(patch.name)}: {escape(report.verdict)}</h3><p>{escape(str(report).partition('. ')[2])}</p>"
        f"<table><thead><tr><th scope='col'>before</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _cell(picture: NDArray[np.uint8], said: str, arm: str, *, flipped: bool) -> str:
    mark = " class='flip'" if flipped else ""
    alt = escape(f"{arm}: the network says {said}", quote=True)
    image = f"<img alt='{alt}' src='{data_uri(picture.transpose(1, 2, 0))}'>"
    return f"<td>{image}<span{mark}>{escape(said)}</span></td>"
