"""What could not be read, and how it is reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class UnreadableImageError(Exception):
    """One image cannot be read; the message is a short reason fit for a report, without a path."""


@dataclass(frozen=True)
class SkippedImage:
    """An image that was left out.

    Attributes
    ----------
    image_id : str
        Its id in the source.
    reason : str
        Why, in a few words.
    """

    image_id: str
    reason: str


def summarise(skipped: Sequence[SkippedImage], total: int) -> str:
    """Write the report of what was left out.

    Parameters
    ----------
    skipped : sequence of SkippedImage
        What was left out, in the order to print.
    total : int
        How many images the source holds, the skipped ones included.

    Returns
    -------
    str
        One line with the count, then one line for each skipped image. Control characters, invisible
        characters and lone surrogates in names are escaped, so that a name can neither break a line nor drive
        a terminal. The text is plain: print it with markup off.
    """
    images = f"{total:,} image{'' if total == 1 else 's'}"
    if not skipped:
        return f"Nothing was skipped: {images} read."
    lines = [f"{len(skipped):,} of {images} skipped:"]
    lines += [f"  {one_line(entry.image_id)}: {one_line(entry.reason)}" for entry in skipped]
    return "\n".join(lines)


def one_line(text: str) -> str:
    r"""Escape what does not print: ``"a\nb"`` becomes the five characters ``a\\nb`` with one backslash.

    Parameters
    ----------
    text : str
        Any text, lone surrogates included.

    Returns
    -------
    str
        Text without control, format, separator (other than the space) and surrogate characters.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def encodable(name: str) -> str:
    r"""Make a file name safe to store as UTF-8: bytes that were not UTF-8 are written as ``\udcXX``.

    Parameters
    ----------
    name : str
        A file name as Python gives it, undecodable bytes as lone surrogates (PEP 383).

    Returns
    -------
    str
        The same name where it is proper Unicode, else with each lone surrogate escaped.
    """
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def unique(ids: Sequence[str]) -> list[str]:
    """Make ids distinct: the second ``a.jpg`` becomes ``a.jpg#2``.

    Parameters
    ----------
    ids : sequence of str
        Ids, possibly with repeats.

    Returns
    -------
    list of str
        As many ids, all different, the first of equals unchanged.
    """
    taken = set(ids)
    used: set[str] = set()
    result = []
    for image_id in ids:
        chosen, copy = image_id, 1
        while chosen in used or (copy > 1 and chosen in taken):
            copy += 1
            chosen = f"{image_id}#{copy}"
        used.add(chosen)
        result.append(chosen)
    return result
