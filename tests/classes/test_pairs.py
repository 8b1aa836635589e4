"""Pairs of classes that share activations, against counting by hand."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from atlas.atlas import Atlas
from atlas.classes import confusions
from atlas.classes.owned import layer_for_classes
from atlas.classes.pairs import sharing
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture
def attributions() -> NDArray[np.float32]:
    rng = np.random.Generator(np.random.Philox(9))
    values = rng.normal(size=(500, 6)).astype(np.float32)
    values[:, 1] = values[:, 0] + 0.3 * values[:, 1]
    values[:, 5] = 0
    return values


def test_what_all_pairs_share_is_what_counting_finds(attributions: NDArray[np.float32]) -> None:
    found = sharing(attributions, 40)
    relative = attributions.astype(np.float64) - attributions.mean(axis=1, keepdims=True, dtype=np.float64)
    owned = [set(np.argsort(-column)[:40].tolist()) & set(np.flatnonzero(column > 0)) for column in attributions.T]
    assert [len(rows) for rows in owned] == [40, 40, 40, 40, 40, 0]
    for i, j in itertools.product(range(6), repeat=2):
        assert found.shared[i, j] == len(owned[i] & owned[j])
        either = len(owned[i] | owned[j])
        assert found.overlap[i, j] == pytest.approx(len(owned[i] & owned[j]) / max(1, either))
        assert found.correlation[i, j] == pytest.approx(np.corrcoef(relative[:, i], relative[:, j])[0, 1], abs=1e-4)


def test_a_class_has_no_more_than_k_where_attributions_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atlas.classes.pairs._CHUNK_ROWS", 7)
    values = np.array([[2, 1], [1, 1]] * 10, dtype=np.float32)
    shared = sharing(values, 4).shared
    # The first class has rows 0, 2, 4, 6; the second rows 0 to 3.
    assert shared.tolist() == [[4, 2], [2, 4]]


def test_an_attribution_that_never_changes_correlates_with_nothing() -> None:
    found = sharing(np.full((10, 3), 0.25, dtype=np.float32), 4)
    assert np.isfinite(found.correlation).all()
    assert not found.correlation.any()


def test_reading_in_chunks_changes_nothing(attributions: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sharing(attributions, 40)
    monkeypatch.setattr("atlas.classes.pairs._CHUNK_ROWS", 33)
    parts = sharing(attributions, 40)
    np.testing.assert_array_equal(parts.shared, whole.shared)
    np.testing.assert_allclose(parts.correlation, whole.correlation, atol=1e-5)


def test_pairs_are_ranked_and_every_pair_comes_once(world: Atlas) -> None:
    table = world.confusions(100, k=60)
    assert table.columns == (
        *("left", "right", "left_index", "right_index"),
        *("score", "overlap", "correlation", "shared"),
    )
    assert repr(table).startswith("PairTable(10 pairs: left, right")
    pairs = list(zip(table["left_index"].tolist(), table["right_index"].tolist(), strict=True))
    assert sorted(pairs) == list(itertools.combinations(range(5), 2))
    assert (np.diff(table["score"]) <= 0).all()
    np.testing.assert_allclose(table["score"] ** 2, table["overlap"] * table["correlation"].clip(0), atol=1e-6)
    names = ("ant", "bee", "cat", "dog", "eel")
    assert [names[i] for i in table["left_index"]] == table["left"].tolist()
    assert len(table.to_pandas()) == 10


def test_the_layer_is_by_default_the_first_that_tells_classes_apart(world: Atlas) -> None:
    def figures(agreement: float) -> dict[str, float]:
        return {"rows": 100, "agreement": agreement, "chance": 0.1, "explained": 1.0}

    copy = Atlas(world.path)
    copy.manifest.layers = dict.fromkeys(("early", "body", "late"), copy.manifest.layers["body"])
    measured = {"early": figures(0.11), "body": figures(0.5), "late": figures(0.9)}
    copy.provenance["activations"]["collected"]["attribution"] = measured
    assert layer_for_classes(copy, None) == "body"
    assert layer_for_classes(copy, "late") == "late"
    measured |= {"body": figures(0.1), "late": figures(0.1)}
    assert layer_for_classes(copy, None) == "early"


def test_a_table_of_pairs_says_where_names_mean_little(world: Atlas) -> None:
    copy = Atlas(world.path)
    measured = {"body": {"rows": 100, "agreement": 0.5, "chance": 0.1, "explained": 1.0}}
    copy.provenance["activations"]["collected"]["attribution"] = measured
    assert copy.confusions(3).note is None
    measured["body"]["agreement"] = 0.11
    table = copy.confusions(3).with_columns(rank=np.arange(3))
    assert table.note == copy.label_meaning("body").note
    assert "mean little at body" in repr(table)
    assert "mean little at body" in table._repr_html_()


def test_pairs_of_one_class_have_it_on_the_left(world: Atlas) -> None:
    table = world.confusions(of="dog")
    assert set(table["left"]) == {"dog"}
    assert sorted(table["right"]) == ["ant", "bee", "cat", "eel"]


def test_the_pair_most_alike_comes_first(world: Atlas) -> None:
    table = world.confusions(1, k=60)
    every = sharing(world.activations["body"].attributions, 60)  # type: ignore[arg-type]
    score = np.sqrt(np.triu(every.overlap * every.correlation.clip(0), 1))
    assert table["score"][0] == pytest.approx(score.max())


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"n": 0}, "n is 0"),
        ({"n": 2.5}, "n is 2.5"),
        ({"n": True}, "n is True"),
        ({"k": 0}, "k is 0"),
        ({"k": -5}, "k is -5"),
        ({"of": "kat"}, "nearest are cat"),
        ({"layer": "x"}, "no layer"),
    ],
)
def test_what_cannot_be_ranked_is_refused(world: Atlas, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(AtlasError, match=message):
        confusions(world, **({"n": 5, "layer": None, "of": None, "k": None} | asked))
