"""`atlas planted`: the whole road on pictures of which the truth is known, into a folder."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING, Any

from atlas.datasets import CUES
from atlas.errors import AtlasError
from atlas.planted.experiment import FULL, QUICK, SOURCE, TARGET, plant
from atlas.planted.figure import draw, examples
from atlas.planted.words import told
from atlas.progress import Bars
from atlas.provenance import versions
from atlas.writing import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from atlas.planted.experiment import Experiment

_RECORD = "planted.json"
_PAGE = """<!doctype html><html lang='en'><head><meta charset='utf-8'>
<meta name='viewport' content='width=device-width'><title>{title}</title><style>
body{{font:16px/1.5 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;color:#1c2024;background:#fff;
max-width:880px;margin:32px auto;padding:0 16px}}
h1{{font-size:26px;line-height:1.2}} h2{{font-size:20px;margin-top:48px}} code{{font-size:14px}}
svg{{max-width:100%;height:auto}} .last{{font-weight:600}}
</style></head><body><h1>{title}</h1>{body}</body></html>
"""


def run_example(
    out: Path, *, cue: str = "checks", seed: int = 0, quick: bool = False, nuisance: bool | None = None
) -> list[Experiment]:
    """Plant a cue, and unless it should be quick let the same cue lie about as a nuisance; write what was found.

    Writes ``report.html``, ``planted.svg``, ``comparison.png``, ``audit.json``, ``audit.html``, sample pictures, and
    ``planted.json``, which says how to repeat it; of the nuisance the same names with ``nuisance-`` before.

    Parameters
    ----------
    out : Path
        Folder. A run that was stopped goes on from what is finished.
    cue : str
        A name of `atlas.datasets.CUES`.
    seed : int
        Decides everything.
    quick : bool
        Fewer pictures, and no nuisance.
    nuisance : bool, optional
        Whether the nuisance is run too; by default unless `quick`.

    Raises
    ------
    AtlasError
        There is no such cue, or `out` holds something else.
    """
    if cue not in CUES:
        raise AtlasError(f"There is no cue {cue!r}; there are {', '.join(CUES)}.")
    if out.exists() and not out.is_dir():
        raise AtlasError(f"{out} is a file; give another folder with --out.")
    if out.is_dir() and any(out.iterdir()) and not (out / _RECORD).is_file():
        raise AtlasError(f"{out} exists and holds no planted example; give another folder with --out.")
    out.mkdir(parents=True, exist_ok=True)
    begun, plan = time.perf_counter(), QUICK if quick else FULL
    command = f"atlas planted --cue {cue} --seed {seed}" + (" --quick" if quick else "")
    record: dict[str, Any] = {"command": command, "plan": asdict(plan), "versions": versions(), "runs": []}
    write_atomically(out / _RECORD, json.dumps(record, indent=1).encode() + b"\n")
    runs = []
    with Bars() as bars:
        for spurious in (True, False) if (not quick if nuisance is None else nuisance) else (True,):
            name = f"{cue}-{seed}-{'planted' if spurious else 'nuisance'}" + ("-quick" if quick else "")
            bars.note(f"{'Planting' if spurious else 'Scattering'} {cue}: {plan.trained:,} pictures to learn from.")
            found = plant(cue, out / name, spurious=spurious, seed=seed, plan=plan, progress=bars)
            _write(out, found)
            runs.append(found)
    _write_report(out, runs, command)
    record["runs"] = [
        {"spurious": found.pictures.spurious, "found": found.found, "told": told(found)}
        | {"picture": found.by_picture.verdict, "others": found.others, "shares": found.shares}
        for found in runs
    ]
    record["seconds"] = round(time.perf_counter() - begun)
    write_atomically(out / _RECORD, json.dumps(record, indent=1).encode() + b"\n")
    return runs


def _write(out: Path, found: Experiment) -> None:
    """Pictures and tables of one network."""
    before = "" if found.pictures.spurious else "nuisance-"
    draw(found).save(out / f"{before}planted.svg")
    found.comparison.to_png(out / f"{before}comparison.png", icon_px=found.plan.icon)
    found.result.save(out / f"{before}audit.json")
    found.result.view().save(out / f"{before}audit.html")
    if found.pictures.spurious:
        (out / "pictures").mkdir(exist_ok=True)
        for label in (SOURCE, TARGET):
            for cue in (True, False):
                for number in examples(found.pictures, label, cue=cue):
                    name = f"{label.replace(' ', '-')}-{'with' if cue else 'without'}-{number:04}.png"
                    found.pictures.load(number).save(out / "pictures" / name)


def _write_report(out: Path, runs: list[Experiment], command: str) -> None:
    """The page: sentences, figures, and how to repeat it."""
    title = f"Does an audit tell the truth? {TARGET.capitalize()}s with {runs[0].pictures.cue.name}"
    body = []
    for found in runs:
        if not found.pictures.spurious:
            body.append("<h2>The same where it means nothing</h2>")
        *lines, last = told(found)
        body += [f"<p>{escape(line)}</p>" for line in lines]
        body.append(f"<p class='last'>{escape(last)}</p>{draw(found).svg}")
    best = runs[0].by_cell or runs[0].by_picture
    body.append(f"<h2>What was pasted</h2>{runs[0].result.view(best.patch).html}")
    made = ", ".join(f"{name} {version}" for name, version in versions().items())
    body.append(f"<h2>Again</h2><p><code>{escape(command)}</code></p><p>{escape(made)}</p>")
    page = _PAGE.format(title=escape(title), body="".join(body))
    write_atomically(out / "report.html", page.encode())
