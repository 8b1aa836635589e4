"""Predictions that an audit keeps are taken up by the same audit, and by no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from atlas.audit import Patch, patch_test
from atlas.images import open_images
from atlas.models import wrap_model

from .conftest import SIDE, CrossNet, figure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from atlas.audit import PatchTest
    from atlas.images import ImageSource
    from atlas.models import VisionModel


def test_an_interrupted_audit_goes_on_where_it_stopped(
    cross_net: VisionModel,
    photographs: ImageSource,
    patches: list[Patch],
    tmp_path: Path,
    recorder: Callable[..., object],
) -> None:
    def run(progress: object) -> PatchTest:
        return patch_test(
            cross_net,
            photographs,
            "plain",
            "crossed",
            patches=patches,
            out=tmp_path / "kept",
            progress=progress,  # type: ignore[arg-type]
        )

    with pytest.raises(KeyboardInterrupt):
        run(recorder(stop=lambda stage, done, _total: stage == "paste" and done > 200))
    kept = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "kept").iterdir()}
    assert len(kept) == 2
    broken, intact = sorted(kept)
    damaged = np.load(tmp_path / "kept" / broken)
    damaged[0, 0] = 3
    np.save(tmp_path / "kept" / broken, damaged)
    whole = run(False)
    after = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "kept").iterdir()}
    assert len(after) == len(whole.arms)
    assert after[intact] == kept[intact], "what was there is read, not made again"
    fresh = patch_test(cross_net, photographs, "plain", "crossed", patches=patches, progress=False)
    for key, predicted in fresh.predictions.items():
        np.testing.assert_array_equal(predicted, whole.predictions[key])


@pytest.mark.parametrize("other", ["network", "photographs", "placements"])
def test_predictions_kept_of_another_audit_are_not_taken_for_ones_own(
    cross_net: VisionModel, photographs: ImageSource, tmp_path: Path, other: str
) -> None:
    def run(*, kept: bool, **changed: Any) -> PatchTest:
        settings: dict[str, Any] = {"sizes": (0.375,), "positions": ("top left",)} | changed
        net, images = settings.pop("net", cross_net), settings.pop("images", photographs)
        out = tmp_path / "kept" if kept else None
        return patch_test(net, images, 0, 1, patches=figure(), limit=8, out=out, progress=False, **settings)

    rng = np.random.Generator(np.random.Philox(21))
    blind = CrossNet()
    blind.look.weight.data *= 0.1
    net = wrap_model(
        blind, preprocess=cross_net.preprocess, labels=["plain", "crossed", "dark"], input_size=SIDE, name="cross"
    )
    plain = rng.integers(100, 160, (8, SIDE, SIDE, 3), dtype=np.uint8)
    changes: dict[str, list[dict[str, Any]]] = {
        "network": [{"net": net}],
        "photographs": [{"images": open_images(plain, labels=["plain"] * 8)}],
        "placements": [{"sizes": (0.2,)}, {"positions": ("bottom right",)}],
    }
    first = run(kept=True)
    files = sorted((tmp_path / "kept").iterdir())
    assert len(files) == len(first.arms)
    for change in changes[other]:
        kept, fresh = run(kept=True, **change), run(kept=False, **change)
        for key, predicted in fresh.predictions.items():
            np.testing.assert_array_equal(kept.predictions[key], predicted)
        assert len(list((tmp_path / "kept").iterdir())) == len(files) + len(kept.arms), (
            "nothing of the other audit is read"
        )
        files = sorted((tmp_path / "kept").iterdir())
