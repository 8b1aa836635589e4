"""`atlas.json`: what an atlas holds and how each part was made. A part that is not listed does not exist."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import NoneType
from typing import TYPE_CHECKING, Any

from atlas.errors import AtlasError
from atlas.writing import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = "atlas.json"
FORMAT = "activation-atlas"
SCHEMA = 1
#: Where the activations of an atlas are: shipped with the product, in a store on disk, nowhere any more.
LINKS = ("embedded", "store", "memory")
#: Atlases of a part of the activations, and of how many classes.
PARTS = {"class": range(1, 2), "comparison": range(2, 3), "side by side": range(2, 65)}
#: An atlas of four levels and one layer has a few kilobytes; this is far above any honest one.
_MOST_BYTES = 64 << 20


@dataclass(slots=True)
class Stage:
    """A finished stage.

    Attributes
    ----------
    digest : str
        Of everything that decides the stage; equal digest, equal result.
    folder : str
        Where its files are, relative to the atlas, with ``/``.
    summary : dict
        Settings and figures for people.
    """

    digest: str
    folder: str
    summary: dict[str, Any]

    def __post_init__(self) -> None:
        if _leaves(self.folder):
            raise AtlasError(f"The atlas names a folder outside itself ({self.folder}); it is damaged or forged.")


@dataclass(slots=True)
class LevelRecord:
    """Stages of one grid."""

    grid: Stage
    icons: Stage | None = None


@dataclass(slots=True)
class LayerRecord:
    """Stages of one layer."""

    layout: Stage
    levels: dict[int, LevelRecord] = field(default_factory=dict)


@dataclass(slots=True)
class Manifest:
    """Content of `atlas.json`.

    Attributes
    ----------
    provenance : dict
        Network, images, activations, seeds, library versions.
    class_names : list of str or None
        Name of every class, in the order of the attributions.
    layers : dict
        Finished stages by layer.
    """

    provenance: dict[str, Any] = field(default_factory=dict)
    class_names: list[str] | None = None
    layers: dict[str, LayerRecord] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Replace `atlas.json` at once: a reader sees the old one or the new one."""
        content = {"format": FORMAT, "schema": SCHEMA, **asdict(self)}
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_atomically(folder / FILE, text.encode())

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read and check `atlas.json`.

        Raises
        ------
        AtlasError
            There is none, it is damaged, or a later version of the product wrote it.
        """
        path = folder / FILE
        if not path.is_file():
            raise AtlasError(f"{folder} is not an atlas: it has no {FILE}. `atlas build` makes one.")
        if path.is_symlink() or path.stat().st_size > _MOST_BYTES:
            raise AtlasError(f"{path} is a link or far too large; it is damaged or forged.")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise AtlasError(f"{path} is of another program; give the folder of an atlas.")
            if int(content["schema"]) > SCHEMA:
                raise AtlasError(
                    f"{folder} was written by a later version (schema {content['schema']}, this one reads {SCHEMA}); "
                    "pip install --upgrade activation-atlas."
                )
            return cls(
                provenance=_provenance(content["provenance"]),
                class_names=None if content["class_names"] is None else [str(name) for name in content["class_names"]],
                layers={str(name): _layer(record) for name, record in content["layers"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise AtlasError(f"{path} is damaged ({type(error).__name__}: {error}); build the atlas again.") from error


def _provenance(record: dict[str, Any]) -> dict[str, Any]:
    """Check what is read from it: the network, and the link to the activations."""
    link = record["activations"]
    texts = (record["model"]["name"], record["model"]["digest"], link["digest"], link["link"])
    if not all(isinstance(text, str) for text in texts) or not isinstance(link["collected"], dict):
        raise TypeError("the provenance is of another form")
    # A link to a store may climb out of the atlas, but it starts there.
    rooted = PurePosixPath(link["link"]).is_absolute() or PureWindowsPath(link["link"]).is_absolute()
    if link["kind"] not in LINKS or rooted or (link["kind"] == "embedded" and _leaves(link["link"])):
        raise ValueError(f"the link to the activations, {link['link']}, leads elsewhere")
    part = record.get("part")
    if part is not None:
        entries = [(entry["index"], entry["name"]) for entry in part["classes"]]
        known = part["kind"] in PARTS and isinstance(part["layer"], str) and len(entries) in PARTS[part["kind"]]
        if not known or not all(isinstance(i, int) and i >= 0 and isinstance(name, str) for i, name in entries):
            raise TypeError("the classes it shows are of another form")
    return dict(record)


def _leaves(path: str) -> bool:
    """Whether a path of the manifest leads out of its folder, on any system."""
    pure = PurePosixPath(path)
    return pure.is_absolute() or ".." in pure.parts or any(letter in path for letter in "\\:\0")


def _layer(record: dict[str, Any]) -> LayerRecord:
    return LayerRecord(
        layout=_stage(record["layout"], ("n_points", "n_zero"), ("trustworthiness",)),
        levels={
            int(size): LevelRecord(
                grid=_stage(level["grid"], ("cells", "outside", "in_small_cells")),
                icons=None if level["icons"] is None else _stage(level["icons"], ("icon_px",), ("mean_cosine",)),
            )
            for size, level in sorted(record["levels"].items(), key=lambda item: int(item[0]))
        },
    )


def _stage(record: dict[str, Any], counts: Sequence[str], figures: Sequence[str] = ()) -> Stage:
    summary = dict(record["summary"])
    wrong = [name for name in counts if not isinstance(summary[name], int)]
    wrong += [name for name in figures if not isinstance(summary[name], (int, float, NoneType))]
    if wrong:
        raise TypeError(f"{', '.join(wrong)} of a stage is no number")
    return Stage(str(record["digest"]), str(record["folder"]), summary)
