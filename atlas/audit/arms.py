"""The arms of an audit: each patch and each control, and the square that it puts on a given photograph."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from atlas.audit.controls import noise_like, random_part, resized, shuffled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from atlas.audit.patches import Patch
    from atlas.audit.photographs import Photographs

ArmKind = Literal["patch", "noise", "shuffled", "neutral", "target image"]


@dataclass(frozen=True, eq=False)
class Arm:
    """Something that is pasted on every photograph.

    Attributes
    ----------
    kind : str
        "patch", or which control.
    patches : tuple of Patch
        What it draws from: the patch itself; for a neutral control, patches of neutral cells; for "target image" none.
    donors : Photographs or None
        Photographs of the target class that "target image" cuts from.
    seed : int
        Decides, with the digests of photograph and patch, every draw.
    """

    kind: ArmKind
    patches: tuple[Patch, ...]
    donors: Photographs | None
    seed: int

    def described(self) -> list[object]:
        """What decides the squares, for a digest."""
        donors = [] if self.donors is None else self.donors.digests
        return [self.kind, [patch.digest for patch in self.patches], donors, self.seed]

    def square(self, photograph: str, side: int, largest: int) -> NDArray[np.uint8]:
        """The square (side, side, 3) for the photograph with a given digest.

        A photograph gets one picture of every arm, drawn at the `largest` side and made smaller: several draws would
        give a control more chances than the patch has, where the best of all sizes is counted.

        Which variant of the patch a photograph gets does not depend on the arm: noise and shuffled pixels are made of
        the very variant that they are compared with.
        """
        draw = self._generator(photograph, self.kind)
        if self.kind == "target image":
            assert self.donors is not None  # noqa: S101 - such an arm is made with donors
            return resized(random_part(self.donors.pixels[draw.integers(len(self.donors))], largest, draw), side)
        choose = self._generator(photograph, "variant")
        patch = self.patches[choose.integers(len(self.patches))]
        picture = resized(patch.pictures[choose.integers(len(patch.pictures))], largest)
        if self.kind == "noise":
            picture = noise_like(picture, draw)
        elif self.kind == "shuffled":
            picture = shuffled(picture, draw)
        return resized(picture, side)

    def _generator(self, photograph: str, purpose: str) -> np.random.Generator:
        key = hashlib.blake2b(f"{purpose}/{photograph}".encode(), digest_size=16)
        for patch in self.patches:
            key.update(patch.digest.encode())
        entropy = [self.seed, int.from_bytes(key.digest(), "little")]
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))


def make_arms(
    patches: Sequence[Patch], neutral: Sequence[Patch], donors: Photographs | None, seed: int
) -> dict[tuple[ArmKind, str], Arm]:
    """Every arm of an audit, by kind and by what it belongs to.

    Parameters
    ----------
    patches : sequence of Patch
        To be tested.
    neutral : sequence of Patch
        Of neutral cells; those of the same kind as a patch (icons, real parts) are its control, or else pictures of
        one's own. Icons are never the control of real parts, nor the other way round: they differ in more than what
        they speak for.
    donors : Photographs or None
        Of the target class.
    seed : int
        Of the audit.

    Returns
    -------
    dict
        "patch", "noise" and "shuffled" belong to a patch, by its name; "neutral" to a kind of patch; "target image" to
        all ("").
    """
    arms: dict[tuple[ArmKind, str], Arm] = {}
    for patch in patches:
        for kind in ("patch", "noise", "shuffled"):
            arms[kind, patch.name] = Arm(kind, (patch,), None, seed)
    for kind_of_patch in dict.fromkeys(patch.kind for patch in patches):
        # A picture of one's own has no like among the neutral cells: all of them serve.
        fitting = tuple(patch for patch in neutral if kind_of_patch == "picture" or patch.kind == "picture")
        same = tuple(patch for patch in neutral if patch.kind == kind_of_patch) or fitting
        if same:
            arms["neutral", kind_of_patch] = Arm("neutral", same, None, seed)
    if donors is not None:
        arms["target image", ""] = Arm("target image", (), donors, seed)
    return arms


def controls_of(patch: Patch, arms: dict[tuple[ArmKind, str], Arm]) -> list[tuple[ArmKind, str]]:
    """Keys of the controls of a patch, in the order in which they are shown."""
    keys: list[tuple[ArmKind, str]] = [
        ("noise", patch.name),
        ("shuffled", patch.name),
        ("neutral", patch.kind),
        ("target image", ""),
    ]
    return [key for key in keys if key in arms]
