"""Cells as a table."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from atlas.errors import AtlasError
from atlas.grid import CellTable, Level, make_grid


@pytest.fixture
def level() -> Level:
    xy = np.array([[0.1, 0.1], [0.1, 0.2], [0.9, 0.6]], np.float32)
    attributions = np.array([[0, 2, 1], [0, 4, 1], [5, 0, 0]], np.float32)
    return make_grid(xy, np.eye(3, dtype=np.float32), 2, attributions=attributions, min_count=1)


def test_a_row_says_where_a_cell_is_and_what_is_in_it(level: Level) -> None:
    table = level.table(["ant", "bee", "cat"])
    assert len(table) == 2
    assert {name: table[name].tolist() for name in ("cell", "row", "column", "x", "y", "count")} == {
        "cell": [0, 3],
        "row": [0, 1],
        "column": [0, 1],
        "x": [0.25, 0.75],
        "y": [0.25, 0.75],
        "count": [2, 1],
    }
    assert table["class"].tolist() == ["bee", "ant"]
    assert table["class_index"].tolist() == [1, 0]
    assert table["attribution"].tolist() == [3, 5]
    np.testing.assert_allclose(table["spread"], [np.sqrt(0.5), 1], rtol=1e-6)


def test_names_for_too_few_classes_are_refused(level: Level) -> None:
    with pytest.raises(AtlasError, match="2 names for 3 classes"):
        level.table(["ant", "bee"])


def test_without_attributions_there_are_no_class_columns() -> None:
    table = make_grid(np.zeros((2, 2)), np.ones((2, 2)), 1).table(["ant"])
    assert not {"class", "class_index", "attribution"} & set(table.columns)


def test_further_columns_are_added(level: Level) -> None:
    table = level.table().with_columns(cosine=np.array([0.5, 0.25]))
    assert table.columns[-1] == "cosine"
    assert table["cosine"].tolist() == [0.5, 0.25]


def test_a_column_of_another_length_is_refused(level: Level) -> None:
    with pytest.raises(AtlasError, match="cosine"):
        level.table().with_columns(cosine=np.zeros(3))


def test_an_unknown_column_is_named_with_those_there_are(level: Level) -> None:
    with pytest.raises(AtlasError, match=r"'colour'.*spread"):
        level.table()["colour"]


def test_pandas_gets_the_same_columns(level: Level) -> None:
    table = level.table(["ant", "bee", "cat"])
    frame = table.to_pandas()
    assert tuple(frame.columns) == table.columns
    assert frame["class"].tolist() == ["bee", "ant"]


def test_missing_pandas_is_named_with_the_remedy(level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(AtlasError, match="pip install"):
        level.table().to_pandas()


def test_html_escapes_names_and_shows_the_first_rows() -> None:
    names = np.array(["<script>alert(1)</script>"] * 30, dtype=object)
    shown = CellTable({"a & b": names, "value": np.linspace(0, 1, 30)})._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "a &amp; b" in shown
    assert shown.count("<tr>") == 21
    assert "10 more" in shown


def test_the_representation_names_the_columns(level: Level) -> None:
    assert repr(level.table()).startswith("CellTable(2 cells: cell, row, column")
