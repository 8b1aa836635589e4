"""Whether a number that somebody gives is one that can be meant."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from atlas.errors import AtlasError


def is_whole(value: Any) -> bool:  # noqa: ANN401 - anything may be given
    """Whether a value is a whole number; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def refuse_less_than_one(name: str, value: Any, of_what: str) -> None:  # noqa: ANN401
    """Refuse anything but a whole number from 1.

    Raises
    ------
    AtlasError
        `value`, given as `name`, is something else than a number `of_what`.
    """
    if not is_whole(value) or value < 1:
        raise AtlasError(f"{name} is {value!r}; give a number of {of_what} from 1.")
