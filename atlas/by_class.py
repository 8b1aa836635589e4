"""What an atlas is asked about classes; answered in `atlas.classes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atlas.reader import AtlasReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atlas.atlas import Atlas
    from atlas.classes import Comparison, PairTable, SideBySide
    from atlas.classes.owned import Own

# That room builds whole atlases, so it is imported when it is asked.


class ByClass(AtlasReader):
    """The part of `Atlas` that makes atlases of classes.

    Parameters
    ----------
    path : path
        Folder ``name.atlas``.
    """

    def class_atlas(
        self,
        name: str | int,
        *,
        layer: str | None = None,
        own: Own = "winner",
        k: int | None = None,
        **options: Any,  # noqa: ANN401 - fields of PartOptions
    ) -> Atlas:
        """Build the atlas of one class: the activations that it owns, each once, laid out again.

        Parameters
        ----------
        name : str or int
            Label, WNID or index of the class.
        layer : str, optional
            By default the first where attributions tell the class (`label_meaning`).
        own : {"winner", "top"}
            The activations that add more to the class than to any other, or all that add to it.
        k : int, optional
            At most so many, those that add most; by default 2,000, or fewer of small sets (`default_k`).
        **options
            Grids, out, model, rendering and others: see `atlas.classes.PartOptions`.

        Raises
        ------
        AtlasError
            The class is not known or ambiguous, owns nothing, or the activations are out of reach.
        """
        from atlas.classes import PartOptions, class_atlas  # noqa: PLC0415

        return class_atlas(self, name, layer, own, k, PartOptions(**options))

    def compare(
        self,
        left: str | int,
        right: str | int,
        *,
        layer: str | None = None,
        own: Own = "top",
        k: int | None = None,
        **options: Any,  # noqa: ANN401 - fields of PartOptions
    ) -> Comparison:
        """Build the comparison of two classes.

        Across, an activation lies by the difference of its attributions to the two classes, divided by the 99th
        percentile and clipped: in the middle what speaks for both, on the left what speaks for `left`. Down, alike ones
        lie together.

        Parameters
        ----------
        left, right : str or int
            Labels, WNIDs or indices.
        layer, own, k, **options
            See `class_atlas`; the activations are those of either class, each once.
        """
        from atlas.classes import PartOptions, compare  # noqa: PLC0415

        return compare(self, left, right, layer, own, k, PartOptions(**options))

    def side_by_side(
        self,
        names: Sequence[str | int],
        *,
        layer: str | None = None,
        own: Own = "top",
        k: int | None = None,
        **options: Any,  # noqa: ANN401 - fields of PartOptions
    ) -> SideBySide:
        """Build an atlas of several classes, each in a panel of its own, all on one shared layout.

        The same place in two panels means the same kind of activation. What several of the classes own goes to the one
        that it adds most to.

        Parameters
        ----------
        names : sequence of str or int
            Labels, WNIDs or indices of 2 to 64 classes; panels in this order, row by row.
        layer, own, k, **options
            See `class_atlas`; `grids` are cells a side of one panel.
        """
        from atlas.classes import PartOptions, side_by_side  # noqa: PLC0415

        return side_by_side(self, names, layer, own, k, PartOptions(**options))

    def confusions(
        self, n: int = 20, *, layer: str | None = None, of: str | int | None = None, k: int | None = None
    ) -> PairTable:
        """Rank pairs of classes by what they share at a layer: those worth comparing.

        Parameters
        ----------
        n : int
            Pairs to list.
        layer : str, optional
            By default the first where attributions tell the class (`label_meaning`).
        of : str or int, optional
            Only pairs with this class, which is then the left one.
        k : int, optional
            Activations that a class has, those that add most to it; by default as in `compare`.

        Returns
        -------
        PairTable
            Highest score first. Columns: left and right, names; left_index and right_index; score, the geometric mean
            of overlap and correlation, from 0 (nothing in common) to 1; overlap, the share of the activations of either
            class that are of both; correlation of the attributions to the two over all activations, each relative to
            its mean over classes, from -1 to 1; shared, the number of activations of both.

        Raises
        ------
        AtlasError
            The activations are out of reach, or have no attributions, or the atlas is itself of some classes.
        """
        from atlas.classes import confusions  # noqa: PLC0415

        return confusions(self, n, layer, of, k)
