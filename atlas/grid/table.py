"""Tables that need no pandas and become DataFrames where it is there."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_SHOWN_ROWS = 20


class Table:
    """Columns of equal length.

    Parameters
    ----------
    columns
        Name to one-dimensional array, in the order in which they are shown.

    Raises
    ------
    AtlasError
        A column is not one-dimensional, or its length differs from the others'.
    """

    #: What the rows are.
    _rows: ClassVar[str] = "rows"

    def __init__(self, columns: Mapping[str, np.ndarray[Any, Any]]) -> None:
        self._columns = {name: np.asarray(column) for name, column in columns.items()}
        lengths = {column.shape[0] if column.ndim == 1 else -1 for column in self._columns.values()}
        if -1 in lengths or len(lengths) > 1:
            shapes = ", ".join(f"{name} {column.shape}" for name, column in self._columns.items())
            raise AtlasError(f"The columns of a table have one dimension and one length; these are {shapes}.")
        self._length = lengths.pop() if lengths else 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._columns)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, column: str) -> np.ndarray[Any, Any]:
        if column not in self._columns:
            raise AtlasError(f"No column {column!r}; there are {', '.join(self._columns)}.")
        return self._columns[column]

    def with_columns(self, **columns: np.ndarray[Any, Any]) -> Self:
        """Give a table with further columns of the same length; one of an existing name takes its place."""
        return type(self)({**self._columns, **columns})

    def to_pandas(self) -> pd.DataFrame:
        """Give a pandas DataFrame.

        Raises
        ------
        AtlasError
            pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - optional, and slow to import
        except ImportError as error:
            raise AtlasError("pandas is not installed; pip install 'activation-atlas[pandas]'.") from error
        return pd.DataFrame(self._columns)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} {self._rows}: {', '.join(self._columns)})"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self._columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{_html(column[row])}</td>" for column in self._columns.values()) + "</tr>"
            for row in range(min(len(self), _SHOWN_ROWS))
        )
        rest = len(self) - _SHOWN_ROWS
        note = f"<p>and {rest} more</p>" if rest > 0 else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"


class CellTable(Table):
    """The cells of a level, one a row."""

    _rows = "cells"


def _html(value: Any) -> str:  # noqa: ANN401 - any array element
    return escape(f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value))
