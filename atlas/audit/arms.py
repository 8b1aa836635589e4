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
    beside : Patch or None
        Of a control that shows something else than the patch: the patch that it is drawn for.
    """

    kind: ArmKind
    patches: tuple[Patch, ...]
    donors: Photographs | None
    seed: int
    beside: Patch | None = None

    def described(self) -> dict[str, object]:
        """What decides the squares, for a digest."""
        return {
            "kind": self.kind,
            "patches": [patch.digest for patch in self.patches],
            "donors": [] if self.donors is None else self.donors.digests,
            "seed": self.seed,
            "beside": None if self.beside is None else self.beside.digest,
        }

    def square(self, photograph: str, side: int, largest: int) -> NDArray[np.uint8]:
        """The square (side, side, 3) for the photograph with a given digest.

        A photograph gets one picture of every arm, drawn at the `largest` side and made smaller: several draws would
        give a control more chances than the patch has, where the best of all sizes is counted.

        Which variant of the patch a photograph gets does not depend on the arm: noise and shuffled pixels are made of
        the very variant that they are compared with. Controls that show something else are drawn for each patch by
        itself: one draw for all patches would be the same luck for all, and no more evidence than one.
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
        for patch in (*self.patches, *filter(None, [self.beside])):
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
        Every patch, by its name, has arms of its own; "neutral" and "target image" where there is something to draw.
    """
    arms: dict[tuple[ArmKind, str], Arm] = {}
    for patch in patches:
        for kind in ("patch", "noise", "shuffled"):
            arms[kind, patch.name] = Arm(kind, (patch,), None, seed)
        if fitting := _neutral_of(patch, neutral):
            arms["neutral", patch.name] = Arm("neutral", fitting, None, seed, patch)
        if donors is not None:
            arms["target image", patch.name] = Arm("target image", (), donors, seed, patch)
    return arms


def _neutral_of(patch: Patch, neutral: Sequence[Patch]) -> tuple[Patch, ...]:
    """Those among the neutral patches that a patch is held against."""
    same = tuple(one for one in neutral if one.kind == patch.kind)
    # A picture of one's own has no like among the neutral cells: all of them serve.
    return same or tuple(one for one in neutral if patch.kind == "picture" or one.kind == "picture")


def controls_of(patch: Patch, arms: dict[tuple[ArmKind, str], Arm]) -> list[tuple[ArmKind, str]]:
    """Keys of the controls of a patch, in the order in which they are shown."""
    return [(kind, name) for kind, name in arms if name == patch.name and kind != "patch"]
