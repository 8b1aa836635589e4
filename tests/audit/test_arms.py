"""What is pasted on a photograph, patch and controls alike."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.audit import Patch
from atlas.audit.arms import make_arms
from atlas.audit.controls import resized
from atlas.audit.photographs import Photographs

LARGEST = 32


def picture(seed: int, side: int = LARGEST) -> np.ndarray:
    """Soft blobs."""
    rng = np.random.Generator(np.random.Philox(seed))
    return resized(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8), side)


@pytest.fixture(scope="module")
def donors() -> Photographs:
    pixels = np.stack([picture(seed, 64).transpose(2, 0, 1) for seed in range(20)])
    names = [str(number) for number in range(20)]
    return Photographs(pixels, names, names, 20, 0)


def test_a_photograph_gets_one_picture_of_every_arm_whatever_the_size(donors: Photographs) -> None:
    arms = make_arms([Patch("blobs", (picture(1),))], [Patch("other", (picture(2),))], donors, seed=0)
    assert [kind for kind, _ in arms] == ["patch", "noise", "shuffled", "neutral", "target image"]
    for arm in arms.values():
        whole = arm.square("photograph", LARGEST, LARGEST)
        np.testing.assert_array_equal(arm.square("photograph", 12, LARGEST), resized(whole, 12))
        assert whole.shape == (LARGEST, LARGEST, 3)
    for kind in ("noise", "shuffled"):
        arm = arms[kind, "blobs"]
        one, other = (arm.square(name, LARGEST, LARGEST) for name in ("photograph", "another"))
        assert not np.array_equal(one, other), "drawn anew for every photograph"


def test_controls_that_show_something_else_are_drawn_for_each_patch_by_itself(donors: Photographs) -> None:
    other = Patch("other", (picture(2), picture(3), picture(4)))
    arms = make_arms([Patch("one", (picture(1),)), Patch("two", (picture(5),))], [other], donors, seed=0)
    for kind in ("neutral", "target image"):
        squares = [[arms[kind, name].square(str(n), LARGEST, LARGEST) for n in range(12)] for name in ("one", "two")]
        equal = sum(np.array_equal(one, two) for one, two in zip(*squares, strict=True))
        assert equal < 12, "the luck of one draw would be the luck of all patches"
        assert arms[kind, "one"].described() != arms[kind, "two"].described()


def test_icons_and_real_parts_are_never_the_neutral_control_of_each_other() -> None:
    icon, real, own = (Patch(kind, (picture(3),), kind) for kind in ("icon", "real", "picture"))

    def neutral(patch: Patch, *given: Patch) -> list[str]:
        arms = make_arms([patch], given, None, seed=0)
        return [one.name for (kind, _), arm in arms.items() if kind == "neutral" for one in arm.patches]

    assert neutral(real, icon) == neutral(icon, real) == []
    assert neutral(real, icon, real) == ["real"]
    assert neutral(real, icon, own) == ["picture"]
    assert neutral(own, icon, real) == ["icon", "real"]
