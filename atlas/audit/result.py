"""What an audit found."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atlas.audit.arms import controls_of
from atlas.audit.controls import CONTROLS
from atlas.audit.findings import WAYS, Difference, Outcome, Report, Way, compare, judge, outcome
from atlas.audit.statistics import mean_interval
from atlas.errors import AtlasError
from atlas.grid import Table
from atlas.provenance import versions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from atlas.audit.arms import Arm, ArmKind
    from atlas.audit.figure import Figure
    from atlas.audit.paste import Placements
    from atlas.audit.patches import Patch
    from atlas.audit.photographs import Photographs
    from atlas.audit.view import View
    from atlas.models import VisionModel

#: Name of the rows that take all patches together.
ALL = "all patches"
_NAN = float("nan")


class AuditTable(Table):
    """Rows of an audit: one for each patch and control, counted each way."""


@dataclass(frozen=True, eq=False)
class PatchTest:
    """Result of `patch_test`.

    Attributes
    ----------
    model : VisionModel
        The network.
    source, target : (int, str)
        Index and name of the classes.
    images_name : str
        Where the photographs come from.
    photographs : Photographs
        Those that took part.
    patches : list of Patch
        What was tested.
    arms : dict
        Patches and controls, see `make_arms`.
    placements : Placements
        Sizes and positions.
    predictions : dict
        Of every arm, the class of each photograph at each placement: int32 (N, P).
    seed : int
        Decided everything random.
    smallest : float
        The smallest difference that matters.
    settings : dict
        What else was asked for: limit, n_patches, and the comparison that patches come from, with a note where class
        labels mean little at its layer.
    """

    model: VisionModel = field(repr=False)
    source: tuple[int, str]
    target: tuple[int, str]
    images_name: str
    photographs: Photographs = field(repr=False)
    patches: list[Patch] = field(repr=False)
    arms: dict[tuple[ArmKind, str], Arm] = field(repr=False)
    placements: Placements
    predictions: dict[tuple[ArmKind, str], NDArray[np.int32]] = field(repr=False)
    seed: int
    smallest: float
    settings: dict[str, Any] = field(repr=False)

    @cached_property
    def halves(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Photographs that choose size and position, and those that are reported on."""
        order = np.random.Generator(np.random.Philox(np.random.SeedSequence([self.seed, 1]))).permutation(
            len(self.photographs)
        )
        half = len(order) // 2
        return np.sort(order[:half]), np.sort(order[half:])

    def outcome(self, key: tuple[ArmKind, str], way: Way = "held out") -> Outcome:
        """What one arm did, counted one way; see `findings.outcome`."""
        choosing, rest = self.halves
        return outcome(
            self.predictions[key], self.source[0], self.target[0], way, choosing, rest, self.placements.preferred
        )

    def compared(self, way: Way) -> tuple[list[Outcome], list[dict[str, Outcome]], list[dict[str, Difference]]]:
        """Outcome of every patch, those of its controls, and the differences to them, by kind of control."""
        patches = [self.outcome(("patch", patch.name), way) for patch in self.patches]
        controls: list[dict[str, Outcome]] = [
            {key[0]: self.outcome(key, way) for key in controls_of(patch, self.arms)} for patch in self.patches
        ]
        return patches, controls, compare(patches, controls)

    def judged(self, way: Way = "held out") -> list[Report]:
        """Verdict on each patch, counted one way."""
        patches, _, differences = self.compared(way)
        return judge([patch.name for patch in self.patches], patches, differences, way, self.smallest)

    @property
    def reports(self) -> list[Report]:
        """Verdict on each patch, at the size and position chosen on other photographs."""
        return self.judged()

    @property
    def note(self) -> str | None:
        """Why the attributions that a comparison goes by say little of classes, where they do."""
        note: str | None = (self.settings["comparison"] or {}).get("note")
        return note

    @property
    def found(self) -> list[str]:
        """Names of the patches that flip photographs beyond all controls."""
        return [report.patch for report in self.reports if report.verdict == "found"]

    def table(self) -> AuditTable:
        """Everything in rows; ``.to_pandas()`` gives a DataFrame.

        Columns: patch, kind, way ("held out" or "best"), arm ("patch" or a control), images; flips, rate, low, high
        (to the target, with the Wilson interval), other (share that became a third class), placement; in rows of
        controls difference, difference_low, difference_high (patch minus control), p and p_corrected. Rows of "all
        patches" are means over the patches, whose images and flips they add up, with intervals over photographs
        (Student's t), without p-values.
        """
        rows = [row for way in WAYS for row in self._rows(way)]
        text = {"patch", "kind", "way", "arm", "placement"}
        return AuditTable(
            {name: np.array([row[name] for row in rows], dtype=object if name in text else None) for name in rows[0]}
        )

    def _rows(self, way: Way) -> list[dict[str, Any]]:
        patches, controls, differences = self.compared(way)
        rows = []
        for patch, own, others, compared in zip(self.patches, patches, controls, differences, strict=True):
            about = {"patch": patch.name, "kind": patch.kind, "way": way}
            rows.append({**about, "arm": "patch", **self._figures(own), **_NO_DIFFERENCE})
            for kind, control in others.items():
                rows.append({**about, "arm": kind, **self._figures(control), **_difference(compared[kind])})
        return rows + self._pooled(way, patches, controls)

    def _figures(self, result: Outcome) -> dict[str, Any]:
        low, high = result.interval
        return {
            "images": len(result.flips),
            "flips": int(result.flips.sum()),
            "rate": result.rate,
            "low": low,
            "high": high,
            "other": float(result.others.mean()),
            "placement": "best" if result.placement is None else self.placements.name(result.placement),
        }

    def _pooled(self, way: Way, patches: list[Outcome], controls: list[dict[str, Outcome]]) -> list[dict[str, Any]]:
        """Means over the patches; photographs, not pairs of patch and photograph, are counted."""
        own = np.mean([result.flips for result in patches], axis=0)
        arms: dict[str, tuple[list[Outcome], NDArray[np.floating]]] = {"patch": (patches, own)}
        for kind in [kind for kind in CONTROLS if all(kind in some for some in controls)]:
            results = [some[kind] for some in controls]
            arms[kind] = results, np.mean([result.flips for result in results], axis=0)
        rows = []
        for kind, (results, shares) in arms.items():
            low, high = mean_interval(shares, least=0.0)
            row = {
                "patch": ALL,
                "kind": "",
                "way": way,
                "arm": kind,
                "images": sum(len(result.flips) for result in results),
                "flips": int(sum(result.flips.sum() for result in results)),
                "rate": float(shares.mean()),
                "low": low,
                "high": high,
                "placement": "each its own",
                "other": float(np.mean([result.others.mean() for result in results])),
                **_NO_DIFFERENCE,
            }
            if kind != "patch":
                below, above = mean_interval(own - shares)
                row |= {"difference": float((own - shares).mean()), "difference_low": below, "difference_high": above}
            rows.append(row)
        return rows

    def class_name(self, index: int) -> str:
        """Name of a class of the network, its number where it has none."""
        return str(index) if self.model.labels is None else self.model.labels.names[index]

    def figure(self, way: Way = "held out", patches: Sequence[str] | None = None) -> Figure:
        """Flip rates of patches and controls with their intervals, as a picture in SVG.

        Parameters
        ----------
        way : {"held out", "best"}
            How flips are counted.
        patches : sequence of str, optional
            Names of those to draw; by default all. Verdicts stay corrected for all that were tried.
        """
        from atlas.audit.figure import draw  # noqa: PLC0415 - it draws what this module computes

        return draw(self, way, patches)

    def view(self, patch: str | None = None, *, examples: int = 4) -> View:
        """Photographs with a patch and its controls pasted, and what the network says before and after.

        Parameters
        ----------
        patch : str, optional
            Name of one patch; by default all.
        examples : int
            Photographs for each.
        """
        from atlas.audit.view import look  # noqa: PLC0415 - it draws what this module computes

        return look(self, patch, examples)

    def _repr_html_(self) -> str:
        return self.figure().svg + self.view(examples=2).html

    def provenance(self) -> dict[str, Any]:
        """Everything that decides the result, as plain values."""
        return {
            "model": {
                "name": self.model.name,
                "digest": self.model.digest,
                "input_digest": self.model.input_digest,
                "input_size": self.model.input_size,
                "dtype": str(self.model.dtype),
            },
            "images": self.images_name,
            "source": list(self.source),
            "target": list(self.target),
            "photographs": self.photographs.ids,
            "photograph_digests": self.photographs.digests,
            "tried": self.photographs.tried,
            "copies": self.photographs.copies,
            **self.settings,
            "patches": [
                {"name": p.name, "kind": p.kind, "variants": len(p.pictures), "digest": p.digest} for p in self.patches
            ],
            "arms": [arm.described() | {"of": of} for (_, of), arm in self.arms.items()],
            "sizes": list(self.placements.sizes),
            "positions": list(self.placements.positions),
            "seed": self.seed,
            "smallest": self.smallest,
            "versions": versions(),
        }

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write verdicts, table and provenance as JSON, whole or not at all; no photograph is in it.

        Raises
        ------
        AtlasError
            The name does not end in .json.
        """
        target = Path(path)
        if target.suffix != ".json":
            raise AtlasError(f"{target.name} must end in .json, the format that results are written in.")
        table = self.table()
        rows = [
            {name: _plain(table[name][row]) for name in table.columns if not _is_nan(table[name][row])}
            for row in range(len(table))
        ]
        content = {"provenance": self.provenance(), "reports": [asdict(r) for r in self.reports], "table": rows}
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(target)
        return target


_NO_DIFFERENCE = {"difference": _NAN, "difference_low": _NAN, "difference_high": _NAN, "p": _NAN, "p_corrected": _NAN}


def _difference(found: Difference) -> dict[str, float]:
    values = (found.mean, found.low, found.high, found.p_value, found.corrected)
    return dict(zip(_NO_DIFFERENCE, values, strict=True))


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and value != value  # noqa: PLR0124 - what is not itself is not a number


def _plain(value: Any) -> Any:  # noqa: ANN401 - any element of a column
    return value.item() if isinstance(value, np.generic) else value
