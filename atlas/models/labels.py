"""Classes of a network: what each output is called, and which output a name means.

Two tables ship in ``data/``:

``imagenet.tsv``
    The 1,000 classes of ILSVRC 2012 in sorted WNID order, which is torchvision's: WNID, names of the WordNet
    synset and, for the six classes whose first names collide, a word to tell them apart.
``inception.tsv``
    The 1,008 outputs of the TensorFlow InceptionV1: WNID, and the name in the label file shipped with its
    graph (``imagenet_comp_graph_label_strings.txt``: 1,001 lines, the first "dummy").

The order of ``inception.tsv`` is that of two independent files. Line i of the label file names the same class
as ILSVRC2012_ID i in the challenge's own development kit (``map_clsloc.txt``), for every i in 1 … 1000; the
wording differs at two ("cannon [ground]", "teddy bear"). The kit gives WNIDs, and so decides the names that
occur twice in the label file: crane (429 the bird, 545 the machine), maillot (782 n03710637, 977 n03710721),
Cardigan (50 the dog, 836 the jacket). Output 0 and outputs 1001 … 1007 stand for no class: the file has no
name for them. What the files cannot show is that the published weights were trained in this order; lucid and
captum use it with them.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import importlib.resources
import json
import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, SupportsIndex, overload

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

#: Outputs of the TensorFlow InceptionV1 that stand for no class.
UNUSED_INCEPTION_OUTPUTS = (0, *range(1001, 1008))

_NO_WNID = "-"


class AmbiguousClassError(AtlasError):
    """A name that several classes have; `indices` says which."""

    def __init__(self, message: str, indices: Sequence[int]) -> None:
        super().__init__(message)
        self.indices = list(indices)


@dataclass(frozen=True, slots=True)
class ClassLabel:
    """One output of a network.

    Attributes
    ----------
    index : int
        Which output.
    name : str
        What to show; no two classes of one `Labels` share it, whatever the case.
    wnid : str or None
        WordNet identifier such as "n02012849"; None where the class has none.
    synonyms : tuple of str
        Other names that people may use.
    """

    index: int
    name: str
    wnid: str | None = None
    synonyms: tuple[str, ...] = ()


class Labels(Sequence[ClassLabel]):
    """The classes of one network, in the order of its outputs.

    Parameters
    ----------
    labels : iterable of ClassLabel
        Label i has index i.

    Raises
    ------
    ValueError
        The indices are not 0 … K - 1 in order, or two names are the same but for their case.
    """

    def __init__(self, labels: Iterable[ClassLabel]) -> None:
        self._labels = tuple(labels)
        if [label.index for label in self._labels] != list(range(len(self._labels))):
            raise ValueError("The indices of the labels are not 0 … K - 1 in order.")
        self._by_name = _lookup((label.name, label.index) for label in self._labels)
        if len(self._by_name) != len(self._labels):
            raise ValueError("Two labels have the same name.")
        self._by_other_name = _lookup(
            (other, label.index) for label in self._labels for other in (label.wnid, *label.synonyms) if other
        )

    def __len__(self) -> int:
        return len(self._labels)

    @overload
    def __getitem__(self, index: int) -> ClassLabel: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ClassLabel, ...]: ...
    def __getitem__(self, index: int | slice) -> ClassLabel | tuple[ClassLabel, ...]:
        return self._labels[index]

    def __repr__(self) -> str:
        return f"<Labels of {len(self)} classes, {', '.join(self.names[:3])} …>"

    @property
    def names(self) -> list[str]:
        """The name of every class, unambiguous, in output order."""
        return [label.name for label in self._labels]

    @property
    def digest(self) -> str:
        """Digest (BLAKE2b, 32 hexadecimal digits) of indices, names, WNIDs and synonyms."""
        rows = [[label.index, label.name, label.wnid, label.synonyms] for label in self._labels]
        return hashlib.blake2b(json.dumps(rows).encode(), digest_size=16).hexdigest()

    def resolve(self, query: str | SupportsIndex) -> int:
        """Find the class that a name, synonym, WNID or index means.

        Case, underscores and brackets do not matter: "Frying_Pan" is "frying pan". A class's own name
        goes before a synonym of another class: "missile" is the missile, although the projectile is called so
        too.

        Raises
        ------
        AtlasError
            No class is meant (the message names the nearest), or several are (it lists them).
        """
        if not isinstance(query, str):
            return self._checked_index(operator.index(query))
        key = _key(query)
        found = self._by_name.get(key) or self._by_other_name.get(key, [])
        if len(found) == 1:
            return found[0]
        if found:
            choices = ", ".join(self._described(index) for index in found)
            raise AmbiguousClassError(
                f"{query!r} may mean {choices}; give the full name, the WNID or the index of one.", found
            )
        if key.isdecimal():
            return self._checked_index(int(key))
        raise AtlasError(f"There is no class {query!r}; {self._nearest(key)}")

    def _checked_index(self, index: int) -> int:
        if 0 <= index < len(self):
            return index
        raise AtlasError(f"There is no class {index}; the classes are numbered 0 to {len(self) - 1}.")

    def _described(self, index: int) -> str:
        label = self._labels[index]
        return f"{label.name} ({f'{label.wnid}, ' if label.wnid else ''}index {index})"

    def _nearest(self, key: str) -> str:
        spellings = _lookup((name, label.index) for label in self._labels for name in (label.name, *label.synonyms))
        keys = difflib.get_close_matches(key, spellings, n=5)
        indices = [index for near in keys for index in spellings[near]]
        if not indices:
            return "nothing is spelt like it; the `names` of the model's labels list them all."
        return f"the nearest are {', '.join(self._described(index) for index in dict.fromkeys(indices))}."


@functools.cache
def imagenet_labels() -> Labels:
    """Return the 1,000 ImageNet classes in sorted WNID order, as torchvision's networks have them."""
    return Labels(_distinct(_imagenet_rows()))


@functools.cache
def inception_labels() -> Labels:
    """Return the 1,008 outputs of the TensorFlow InceptionV1, whose order is not torchvision's.

    The outputs that stand for no class (`UNUSED_INCEPTION_OUTPUTS`) are called "unused output 0" and so on,
    and have no WNID. How the order was checked: see the module.
    """
    of_wnid = {row.wnid: row for row in _imagenet_rows()}
    rows = []
    for index, (wnid, _) in enumerate(line.split("\t") for line in _data("inception.tsv")):
        unused = _Row(None, (f"unused output {index}",))
        rows.append(unused if wnid == _NO_WNID else of_wnid[wnid])
    return Labels(_distinct(rows))


def read_labels(path: str | PathLike[str]) -> Labels:
    """Read labels from a UTF-8 text file: a line per class in output order, WNID, tab, comma-separated names.

    The first name is the class's own, the others are synonyms. A third column may hold a word that tells
    classes of the same name apart.

    Raises
    ------
    AtlasError
        The file cannot be read, or a line of it is not of this form.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AtlasError(f"Label file {path} cannot be read ({error}); give a UTF-8 text file.") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        row = _parsed(line)
        if row is None:
            raise AtlasError(f"Line {number} of {path} is {line[:60]!r}; it has to be WNID, tab, names.")
        rows.append(row)
    if not rows:
        raise AtlasError(f"The label file {path} is empty; it needs a line per class: WNID, tab, names.")
    repeated = [wnid for wnid, count in Counter(row.wnid for row in rows).items() if count > 1]
    if repeated:
        raise AtlasError(f"The label file {path} has {repeated[0]} twice; a class has one line.")
    return Labels(_distinct(rows))


def labels_from_names(names: Iterable[str]) -> Labels:
    """Make labels of plain names in output order; equal names are told apart by their index."""
    return Labels(_distinct([_Row(None, (name,)) for name in names]))


@dataclass(frozen=True, slots=True)
class _Row:
    wnid: str | None
    names: tuple[str, ...]
    qualifier: str | None = None


def _parsed(line: str) -> _Row | None:
    wnid, *columns = [column.strip() for column in line.split("\t")]
    names = tuple(filter(None, (name.strip() for name in columns[0].split(",")))) if columns else ()
    if not wnid or not names or len(columns) > 2:
        return None
    return _Row(wnid, names, columns[1] or None if len(columns) == 2 else None)


def _distinct(rows: Sequence[_Row]) -> list[ClassLabel]:
    """Labels whose names differ: where first names collide, something is added to each of them."""
    count = Counter(_key(row.names[0]) for row in rows)
    taken = {key for key, times in count.items() if times == 1}
    labels = []
    for index, row in enumerate(rows):
        name, *synonyms = row.names
        if count[_key(name)] > 1:
            hints = (row.qualifier, *synonyms, row.wnid, str(index))
            candidates = [f"{name} ({hint})" for hint in hints if hint]
            # The index tells any two apart, unless another class is called just that.
            shown = next((text for text in candidates if _key(text) not in taken), f"output {index}: {name}")
            name, synonyms = shown, [name, *synonyms]
        taken.add(_key(name))
        labels.append(ClassLabel(index, name, row.wnid, tuple(synonyms)))
    return labels


def _key(text: str) -> str:
    """Return what of a name counts when names are compared."""
    return " ".join(text.casefold().translate(str.maketrans("_()", "   ")).split())


def _lookup(pairs: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for name, index in pairs:
        indices = found.setdefault(_key(name), [])
        if index not in indices:
            indices.append(index)
    return found


def _data(name: str) -> list[str]:
    table = importlib.resources.files("atlas.models") / "data" / name
    return table.read_text(encoding="utf-8").splitlines()


def _imagenet_rows() -> list[_Row]:
    return [row for line in _data("imagenet.tsv") if (row := _parsed(line))]
