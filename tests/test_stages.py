"""A build does only what is missing: equal inputs give equal files, and what is there is not touched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from atlas.activations import Activations, collect
from atlas.layout import LayoutSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.atlas import Atlas
    from atlas.models import VisionModel
    from atlas.sprites import SheetReader

    Build = Callable[..., Atlas]
    Contents = Callable[[Path], dict[str, bytes]]


def of_level(files: dict[str, bytes], size: int) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if f"/levels/{size:04d}/" in name}


def all_of(icons: SheetReader) -> NDArray[np.uint8]:
    return np.stack([icons[index] for index in range(len(icons))])


def test_the_same_seed_gives_the_same_files_and_another_seed_another_atlas(
    small_atlas: Atlas, small_acts: Activations, build_small: Build, contents: Contents, tmp_path: Path
) -> None:
    again = build_small(small_acts, tmp_path / "again.atlas")
    assert contents(again.path) == contents(small_atlas.path)
    other = build_small(small_acts, tmp_path / "other.atlas", seed=1, layout=LayoutSettings(n_epochs=20, seed=1))
    assert not np.array_equal(other.xy(), small_atlas.xy())
    same_layout = build_small(small_acts, tmp_path / "icons.atlas", seed=1)
    np.testing.assert_array_equal(same_layout.xy(), small_atlas.xy())
    icons, before = same_layout.level(2).icons, small_atlas.level(2).icons
    assert icons is not None
    assert before is not None
    assert not np.array_equal(all_of(icons), all_of(before))


def test_a_level_is_the_same_whichever_levels_are_built_with_it(
    small_atlas: Atlas, small_acts: Activations, build_small: Build, contents: Contents, tmp_path: Path
) -> None:
    alone = build_small(small_acts, tmp_path / "alone.atlas", grids=(4,))
    assert of_level(contents(alone.path), 4) == of_level(contents(small_atlas.path), 4)


def test_adding_a_level_renders_that_level_and_touches_no_other(
    copied: Path, small_acts: Activations, build_small: Build, contents: Contents, recorder: type[Any]
) -> None:
    before = contents(copied)
    times = {path: path.stat().st_mtime_ns for path in copied.rglob("*") if path.is_file()}
    report = recorder()
    world = build_small(small_acts, copied, grids=(3,), progress=report)
    assert report.stages == ["icons body 3"]
    assert world.grids() == (2, 3, 4)
    after = contents(copied)
    assert {name for name in before if after[name] != before[name]} == {"atlas.json"}
    assert {path.name for path in times if path.stat().st_mtime_ns != times[path]} == {"atlas.json"}
    assert all("/levels/0003/" in name for name in set(after) - set(before))


def test_building_again_does_nothing(
    copied: Path, small_acts: Activations, build_small: Build, contents: Contents, recorder: type[Any]
) -> None:
    before, report = contents(copied), recorder()
    build_small(small_acts, copied, progress=report)
    assert report.calls == []
    assert contents(copied) == before


def test_other_render_settings_redo_the_icons_alone(
    copied: Path,
    small_acts: Activations,
    build_small: Build,
    tiny_settings: dict[str, Any],
    contents: Contents,
    recorder: type[Any],
) -> None:
    before, report = contents(copied), recorder()
    longer = replace(tiny_settings["rendering"], steps=5)
    world = build_small(small_acts, copied, rendering=longer, progress=report)
    after = contents(copied)
    assert report.stages == ["icons body 2", "icons body 4"]
    kept = {name for name in before if "/icons-" not in name and name != "atlas.json"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert not [name for name in before if "/icons-" in name and name in after]
    assert world.summary()["levels"][2]["icons"]["settings"]["steps"] == 5


def test_another_layout_forgets_the_levels_of_the_old_one(
    copied: Path, small_acts: Activations, build_small: Build
) -> None:
    world = build_small(small_acts, copied, grids=(2,), layout=LayoutSettings(n_epochs=21))
    assert world.grids() == (2,)
    assert not (copied / "layers" / "body" / "levels" / "0004" / "grid").exists()
    assert len(list(copied.glob("layers/body/layout-*"))) == 1
    assert not list(copied.glob("layers/body/levels/0004/*"))


def test_a_layout_by_tsne_is_another_and_is_kept(
    copied: Path, small_atlas: Atlas, small_acts: Activations, build_small: Build, recorder: type[Any]
) -> None:
    world, report = build_small(small_acts, copied, grids=(2,), layout="tsne"), recorder()
    assert world.manifest.layers["body"].layout.digest != small_atlas.manifest.layers["body"].layout.digest
    assert world.summary()["layout"]["method"] == "tsne"
    build_small(small_acts, copied, grids=(2,), layout="tsne", progress=report)
    assert report.calls == []


def test_a_parallel_layout_is_kept_and_done_again_only_for_other_settings(
    small_acts: Activations, build_small: Build, contents: Contents, recorder: type[Any], tmp_path: Path
) -> None:
    settings = LayoutSettings(n_epochs=10, seed=None)
    build_small(small_acts, tmp_path / "p.atlas", grids=(2,), layout=settings)
    before, report = contents(tmp_path / "p.atlas"), recorder()
    build_small(small_acts, tmp_path / "p.atlas", grids=(2,), layout=settings, progress=report)
    assert report.calls == []
    assert contents(tmp_path / "p.atlas") == before
    fewer = replace(settings, n_neighbors=20)
    world = build_small(small_acts, tmp_path / "p.atlas", grids=(2,), layout=fewer)
    assert world.summary()["layout"]["settings"]["n_neighbors"] == 20


def test_a_second_layer_is_added_beside_the_first(
    small_net: VisionModel,
    small_pictures: NDArray[np.uint8],
    build_small: Build,
    contents: Contents,
    recorder: type[Any],
    tmp_path: Path,
) -> None:
    acts = collect(small_net, small_pictures, ["body", "in/side"], per_image=4)
    world = build_small(acts, tmp_path / "two.atlas", layer="body", grids=(2,))
    before, report = contents(world.path), recorder()
    world = build_small(acts, world.path, layer="in/side", grids=(2,), progress=report)
    assert world.layers == ("body", "in/side")
    assert "icons body 2" not in report.stages
    assert world.level(2, "in/side").grid.mean.shape[1] == 12
    assert {name for name, data in before.items() if contents(world.path)[name] != data} == {"atlas.json"}
    assert world.to_png(tmp_path / "side.png", layer="in/side").is_file()


def test_a_layer_is_added_by_the_call_that_names_it_and_the_first_call_still_does_nothing(
    small_pictures: NDArray[np.uint8], build_small: Build, contents: Contents, recorder: type[Any], tmp_path: Path
) -> None:
    out = tmp_path / "x.atlas"
    first = {"images": small_pictures, "layer": "body", "grids": (2,), "workers": 0}
    build_small(None, out, **first)
    before, acts = contents(out), contents(tmp_path / "x.acts")
    world = build_small(None, out, **(first | {"layer": "in/side"}))
    assert world.layers == ("body", "in/side")
    assert set(world.activations.layers) == {"body", "in/side"}
    after = contents(out)
    assert {name for name in before if after[name] != before[name]} == {"atlas.json"}
    assert {name for name in acts if contents(tmp_path / "x.acts")[name] != acts[name]} == {"acts.json"}
    report = recorder()
    build_small(None, out, progress=report, **first)
    assert report.calls == []
    assert contents(out) == after
