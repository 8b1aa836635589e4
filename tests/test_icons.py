"""Icons and their scores: rendered by either engine, or real patches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from atlas.activations import Activations, collect
from atlas.atlas import Atlas
from atlas.errors import AtlasError
from atlas.render import RenderSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.models import VisionModel

    Build = Callable[..., Atlas]
    Contents = Callable[[Path], dict[str, bytes]]


def test_the_cosine_of_an_icon_is_that_of_the_icon_as_it_was_rendered(
    small_atlas: Atlas, small_net: VisionModel
) -> None:
    import torch  # noqa: PLC0415

    level = small_atlas.level(2)
    assert level.icons is not None
    assert level.cosine is not None
    for index, mean in enumerate(level.grid.mean):
        pixels = torch.from_numpy(level.icons[index].astype(np.float32) / 255).permute(2, 0, 1)[None]
        found = small_net.activations(pixels, ["body"])["body"][0, :, 4, 4].numpy()
        cosine = found @ mean / np.linalg.norm(found) / np.linalg.norm(mean)
        # The sheet is lossy; the score was taken before.
        assert cosine == pytest.approx(level.cosine[index], abs=0.03)


def test_medoid_icons_are_the_patches_of_the_nearest_members(
    small_net: VisionModel, build_small: Build, tmp_path: Path
) -> None:
    # Every patch of 4 px has a colour of its own, so that a patch from a wrong place is seen.
    rng = np.random.Generator(np.random.Philox(3))
    pictures = rng.integers(0, 256, (30, 8, 8, 3), dtype=np.uint8).repeat(4, axis=1).repeat(4, axis=2)
    acts = collect(small_net, pictures, "body", per_image=8)
    size = RenderSettings(size=32)
    world = build_small(acts, tmp_path / "m.atlas", grids=(3,), images=pictures, icons="medoid", rendering=size)
    level, rows = world.level(3), acts["body"]
    assert level.icons is not None
    assert level.cosine is not None
    for index, row in enumerate(level.grid.nearest[:, 0]):
        y, x = (int(np.clip(4 * p + 2 - 12, 0, 8)) for p in rows.position[row])
        # Six strides of the layer around the position, enlarged.
        patch = Image.fromarray(pictures[rows.image[row]]).crop((x, y, x + 24, y + 24))
        shown = np.asarray(patch.resize((32, 32), Image.Resampling.LANCZOS)).astype(float)
        icon = level.icons[index].astype(float)
        assert np.abs(icon - shown).mean() < 0.3 * np.abs(icon - shown[::-1, ::-1]).mean()
        vector, mean = np.asarray(rows.vectors[int(row)], dtype=np.float64), level.grid.mean[index]
        cosine = vector @ mean / np.linalg.norm(vector) / np.linalg.norm(mean)
        assert level.cosine[index] == pytest.approx(cosine, abs=1e-4)
    assert world.summary()["levels"][3]["icons"]["kind"] == "medoid"


def test_medoid_icons_of_images_that_are_gone_are_refused_with_their_names(
    small_net: VisionModel, small_pictures: NDArray[np.uint8], build_small: Build, tmp_path: Path
) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number, picture in enumerate(small_pictures[:9]):
        Image.fromarray(picture).save(folder / f"{number}.png")
    acts = collect(small_net, folder, "body", per_image=1, workers=0)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:40])
    settings = {"grids": (1,), "icons": "medoid", "layer": "body"}
    with pytest.raises(AtlasError, match=r"Image '\d.png' cannot be read any more"):
        build_small(acts, tmp_path / "m.atlas", images=folder, **settings)
    with pytest.raises(AtlasError, match=r"Image '\d.png' is not among the images given"):
        build_small(acts, tmp_path / "m.atlas", images=small_pictures, **settings)
    assert Atlas(tmp_path / "m.atlas").level(1).icons is None


def test_lucent_renders_an_atlas_too(
    small_acts: Activations, build_small: Build, contents: Contents, tmp_path: Path
) -> None:
    settings = {"grids": (1,), "engine": "lucent", "rendering": RenderSettings(size=32, steps=4)}
    world = build_small(small_acts, tmp_path / "l.atlas", **settings)
    level = world.level(1)
    assert level.icons is not None
    assert level.icons[0].std() > 1
    assert world.summary()["levels"][1]["icons"]["engine"] == "lucent"
    again = build_small(small_acts, tmp_path / "again.atlas", **settings)
    assert contents(again.path) == contents(world.path)
    own = build_small(small_acts, world.path, grids=(1,), rendering=settings["rendering"])
    assert own.summary()["levels"][1]["icons"]["engine"] == "atlas"
