from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torchvision.models._meta import _IMAGENET_CATEGORIES

from atlas.errors import AtlasError
from atlas.models.labels import (
    UNUSED_INCEPTION_OUTPUTS,
    ClassLabel,
    Labels,
    imagenet_labels,
    inception_labels,
    labels_from_names,
    read_labels,
)

if TYPE_CHECKING:
    from pathlib import Path

#: ILSVRC2012_ID, WNID and name from the development kit's map_clsloc.txt.
ANCHORS = [
    (1, "n02119789", "kit fox"),
    (2, "n02100735", "English setter"),
    (3, "n02110185", "Siberian husky"),
    (50, "n02113186", "Cardigan (dog)"),
    (125, "n02099601", "golden retriever"),
    (218, "n01883070", "wombat"),
    (219, "n04086273", "revolver"),
    (317, "n04550184", "wardrobe"),
    (318, "n07742313", "Granny Smith"),
    (383, "n01514668", "cock"),
    (429, "n02012849", "crane (bird)"),
    (442, "n01484850", "great white shark"),
    (507, "n04251144", "snorkel"),
    (535, "n04356056", "sunglasses"),
    (545, "n03126707", "crane (machine)"),
    (574, "n04355933", "sunglass"),
    (671, "n03400231", "frying pan"),
    (672, "n04596742", "wok"),
    (782, "n03710637", "maillot (tights)"),
    (836, "n02963159", "cardigan (jacket)"),
    (977, "n03710721", "maillot (tank suit)"),
    (982, "n10565667", "scuba diver"),
    (1000, "n03255030", "dumbbell"),
]


def label_file_rows() -> list[list[str]]:
    table = importlib.resources.files("atlas.models") / "data" / "inception.tsv"
    return [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(("index", "wnid", "name"), ANCHORS)
def test_inception_outputs_are_in_the_order_of_the_challenge(index: int, wnid: str, name: str) -> None:
    label = inception_labels()[index]
    assert (label.index, label.wnid, label.name) == (index, wnid, name)


def test_inception_has_1008_outputs_of_which_eight_are_unused() -> None:
    labels = inception_labels()
    assert len(labels) == 1008
    assert tuple(label.index for label in labels if label.wnid is None) == UNUSED_INCEPTION_OUTPUTS
    assert UNUSED_INCEPTION_OUTPUTS == (0, 1001, 1002, 1003, 1004, 1005, 1006, 1007)


def test_every_imagenet_class_is_one_inception_output() -> None:
    outputs = [label.wnid for label in inception_labels() if label.wnid]
    classes = [label.wnid for label in imagenet_labels()]
    assert len(outputs) == len(set(outputs)) == 1000
    assert set(outputs) == set(classes)


def test_the_wnid_order_agrees_with_the_names_of_the_label_file() -> None:
    names = {label.wnid: {label.name, *label.synonyms} for label in imagenet_labels()}
    rows = label_file_rows()
    odd = [(index, name) for index, (wnid, name) in enumerate(rows) if wnid != "-" and name not in names[wnid]]
    assert odd == [(539, "cannon [ground]")]
    assert [index for index, (wnid, _) in enumerate(rows) if wnid == "-"] == list(UNUSED_INCEPTION_OUTPUTS)


def test_imagenet_classes_are_torchvisions() -> None:
    labels = imagenet_labels()
    wnids = [label.wnid for label in labels]
    assert wnids == sorted(wnids, key=str)
    ours = [label.name for label in labels]
    other = {name: theirs for name, theirs in zip(ours, _IMAGENET_CATEGORIES, strict=True) if name != theirs}
    assert other == {
        "crane (bird)": "crane bird",
        "crane (machine)": "crane",
        "Cardigan (dog)": "Cardigan",
        "cardigan (jacket)": "cardigan",
        "maillot (tights)": "maillot",
        "maillot (tank suit)": "maillot tank suit",
    }


@pytest.mark.parametrize("labels", [imagenet_labels(), inception_labels()], ids=["imagenet", "inception"])
def test_every_class_is_found_by_its_name_its_wnid_and_its_index(labels: Labels) -> None:
    assert len({name.casefold() for name in labels.names}) == len(labels)
    for label in labels:
        assert labels.resolve(label.name) == label.index
        assert labels.resolve(label.name.upper().replace(" ", "_")) == label.index
        assert labels.resolve(label.index) == label.index
        assert labels.resolve(str(label.index)) == label.index
        if label.wnid:
            assert labels.resolve(label.wnid) == label.index
            assert labels.resolve(label.wnid.upper()) == label.index


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("Frying_Pan", "frying pan"),
        ("skillet", "frying pan"),
        ("  great  white SHARK ", "great white shark"),
        ("crane_bird", "crane (bird)"),
        ("maillot tank suit", "maillot (tank suit)"),
        ("Cardigan Welsh corgi", "Cardigan (dog)"),
        ("missile", "missile"),
        ("partridge", "partridge"),
        (np.int64(672), "wok"),
    ],
)
def test_a_class_is_found_however_it_is_written(query: str | int, name: str) -> None:
    assert inception_labels().names[inception_labels().resolve(query)] == name


@pytest.mark.parametrize(
    ("query", "choices"),
    [
        ("crane", ["crane (bird) (n02012849, index 429)", "crane (machine) (n03126707, index 545)"]),
        (
            "maillot",
            ["maillot (tights) (n03710637, index 782)", "maillot (tank suit) (n03710721, index 977)"],
        ),
        ("cardigan", ["Cardigan (dog) (n02113186, index 50)", "cardigan (jacket) (n02963159, index 836)"]),
        ("panda", ["lesser panda (n02509815, index 7)", "giant panda (n02510455, index 169)"]),
    ],
)
def test_an_ambiguous_name_is_refused_with_the_choices(query: str, choices: list[str]) -> None:
    with pytest.raises(AtlasError) as refusal:
        inception_labels().resolve(query)
    assert all(choice in str(refusal.value) for choice in choices)
    assert "\n" not in str(refusal.value)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(AtlasError, match=r"no class 'goldan retreiver'.*golden retriever \(n02099601, index 125\)"):
        inception_labels().resolve("goldan retreiver")
    for query in ("qqqqqqqqqq", "n02012848"):
        with pytest.raises(AtlasError, match="nothing is spelt like it"):
            inception_labels().resolve(query)


@pytest.mark.parametrize("query", [-1, 1008, "1008", 10**9])
def test_an_index_outside_the_classes_is_refused(query: str | int) -> None:
    with pytest.raises(AtlasError, match="numbered 0 to 1007"):
        inception_labels().resolve(query)


def test_a_name_made_of_digits_goes_before_an_index() -> None:
    assert labels_from_names(["2", "1", "0"]).resolve("2") == 0
    assert labels_from_names(["2", "1", "0"]).resolve(2) == 2


def test_equal_names_without_wnids_are_told_apart_by_index() -> None:
    labels = labels_from_names(["cat", "dog", "Cat"])
    assert labels.names == ["cat (0)", "dog", "Cat (2)"]
    with pytest.raises(AtlasError, match=r"cat \(0\) \(index 0\), Cat \(2\) \(index 2\)"):
        labels.resolve("cat")


@given(st.lists(st.text(st.sampled_from("aA (01)_"), max_size=6), max_size=8))
def test_any_list_of_names_gets_names_that_differ_and_resolve(names: list[str]) -> None:
    labels = labels_from_names(names)
    assert [labels.resolve(name) for name in labels.names] == list(range(len(names)))


def test_a_label_file_is_read_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "classes.tsv"
    path.write_text(
        "n01443537\tgoldfish, Carassius auratus\n"
        "n01882714\tkoala, koala bear, kangaroo bear\n"
        "n02012849\tcrane\n"
        "n03126707\tcrane, derrick\n",
        encoding="utf-8",
    )
    labels = read_labels(path)
    assert labels.names == ["goldfish", "koala", "crane (n02012849)", "crane (derrick)"]
    assert labels[1] == ClassLabel(1, "koala", "n01882714", ("koala bear", "kangaroo bear"))
    assert labels.resolve("carassius_auratus") == 0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"n01443537\tgoldfish\nn01882714 koala\n", "Line 2 of .* it has to be WNID, tab, names"),
        (b"n01443537\tgoldfish\n\nn01882714\tkoala\n", "Line 2"),
        (b"n01443537\t , \n", "Line 1"),
        (b"n01443537\tgoldfish\nn01443537\tkoala\n", "n01443537 twice"),
        (b"\x89PNG\r\n\x1a\n\xff", "cannot be read"),
    ],
)
def test_a_file_that_is_no_label_file_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "classes.tsv"
    path.write_bytes(content)
    with pytest.raises(AtlasError, match=complaint):
        read_labels(path)


def test_a_missing_label_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match=r"nowhere\.tsv cannot be read"):
        read_labels(tmp_path / "nowhere.tsv")


def test_the_digest_follows_the_content() -> None:
    assert labels_from_names(["a", "b"]).digest == labels_from_names(["a", "b"]).digest
    digests = {labels_from_names(names).digest for names in (["a", "b"], ["b", "a"], ["a"], [])}
    digests.add(Labels([ClassLabel(0, "a", "n1"), ClassLabel(1, "b")]).digest)
    digests.add(Labels([ClassLabel(0, "a", None, ("n1",)), ClassLabel(1, "b")]).digest)
    assert len(digests) == 6


def test_labels_out_of_order_or_with_equal_names_are_refused() -> None:
    with pytest.raises(ValueError, match="in order"):
        Labels([ClassLabel(1, "a"), ClassLabel(0, "b")])
    with pytest.raises(ValueError, match="same name"):
        Labels([ClassLabel(0, "a"), ClassLabel(1, "A")])
