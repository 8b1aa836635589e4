"""From activations or photographs to an atlas: exact, resumable, and only what is missing."""

from __future__ import annotations

import getpass
import json
import shutil
import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from atlas.activations import Activations, LayerActivations, collect, open_activations, write_activations
from atlas.atlas import Atlas
from atlas.errors import AtlasError
from atlas.layout import LayoutSettings
from atlas.pipeline import build
from atlas.render import RenderSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from atlas.models import VisionModel
    from atlas.sprites import SheetReader

    Build = Callable[..., Atlas]
    Contents = Callable[[Path], dict[str, bytes]]

TILE = 4


@pytest.fixture
def copied(small_atlas: Atlas, tmp_path: Path) -> Path:
    """A copy of the small atlas that a test may change."""
    return Path(shutil.copytree(small_atlas.path, tmp_path / "copy.atlas"))


def of_level(files: dict[str, bytes], size: int) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if f"/levels/{size:04d}/" in name}


def all_of(icons: SheetReader) -> NDArray[np.uint8]:
    return np.stack([icons[index] for index in range(len(icons))])


def strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (str(key), *strings_in(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner)


def test_an_atlas_from_activations_holds_every_activation_once_and_an_icon_for_every_cell(
    small_atlas: Atlas, small_acts: Activations
) -> None:
    assert small_atlas.layers == ("body",)
    assert small_atlas.grids() == (2, 4)
    xy = small_atlas.xy()
    assert xy.shape == (320, 2)
    inside = ((xy >= 0) & (xy < 1)).all(axis=1)
    for size in (2, 4):
        level = small_atlas.level(size)
        assert level.grid.count.sum() == inside.sum()
        assert level.grid.n_outside == 320 - inside.sum()
        assert level.icons is not None
        assert level.cosine is not None
        assert len(level.icons) == len(level.grid) == len(level.cosine)
        assert np.isfinite(level.cosine).all()
        for index in range(len(level.grid)):
            members = level.grid.members(int(level.grid.cell[index]))
            column, row = np.floor(xy[members].astype(np.float64) * size).astype(int).T
            assert (row * size + column == level.grid.cell[index]).all()
            mean = np.asarray(small_acts["body"].vectors)[members].astype(np.float64).mean(axis=0)
            np.testing.assert_allclose(level.grid.mean[index], mean, atol=1e-5)


def test_cells_of_the_finer_level_hold_exactly_the_members_of_the_cell_above(small_atlas: Atlas) -> None:
    coarse, fine = small_atlas.level(2).grid, small_atlas.level(4).grid
    for row in range(2):
        for column in range(2):
            below = [(2 * row + i) * 4 + 2 * column + j for i in range(2) for j in range(2)]
            members = np.sort(np.concatenate([fine.members(cell) for cell in below]))
            np.testing.assert_array_equal(coarse.members(row * 2 + column), members)


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


def test_a_reopened_atlas_is_the_one_that_was_built(small_atlas: Atlas) -> None:
    again = Atlas(small_atlas.path)
    assert again.provenance == small_atlas.provenance
    assert again.class_names == small_atlas.class_names == ["ant", "bee", "cat", "dog", "eel"]
    np.testing.assert_array_equal(again.xy(), small_atlas.xy())
    for size in (2, 4):
        one, other = again.level(size), small_atlas.level(size)
        for name, array in one.grid.arrays().items():
            np.testing.assert_array_equal(array, other.grid.arrays()[name])
        assert one.icons is not None
        assert other.icons is not None
        np.testing.assert_array_equal(all_of(one.icons), all_of(other.icons))


def test_provenance_says_what_an_atlas_was_made_of(
    small_atlas: Atlas, small_net: VisionModel, small_acts: Activations
) -> None:
    record = small_atlas.provenance
    assert record["model"] == {"name": "small", "digest": small_net.digest, "input_size": 32, "bandwidth": 0.1}
    assert record["activations"]["digest"] == small_acts.digest
    assert record["activations"]["collected"]["images"]["read"] == 40
    assert record["seed"] == 0
    assert set(record["versions"]) > {"python", "torch", "umap-learn", "activation-atlas"}
    summary = small_atlas.summary()
    assert summary["layout"]["settings"]["n_epochs"] == 20
    icons = summary["levels"][4]["icons"]
    assert icons["settings"]["steps"] == 4
    assert icons["settings"]["tiles"] == {str(icons["settings"]["wanted_tile"]): icons["icons"]}
    assert summary["levels"][4]["icons"]["device"] == "cpu"


def test_nothing_in_an_atlas_or_its_picture_tells_whose_machine_it_was_made_on(
    small_net: VisionModel, small_pictures: NDArray[np.uint8], build_small: Build, tmp_path: Path
) -> None:
    folder = tmp_path / "photographs" / "sub"
    folder.mkdir(parents=True)
    for number, picture in enumerate(small_pictures):
        Image.fromarray(picture).save(folder / f"{number:02}.png")
    (folder / "bad.jpg").write_text("no picture")
    world = build_small(None, tmp_path / "a.atlas", images=tmp_path / "photographs", layer="body", workers=0)
    with Image.open(world.to_png(tmp_path / "a.png", 2, title="Atlas")) as picture:
        told = [str(value) for value in picture.info.values()]
    for path in [*tmp_path.glob("a.a*/**/*.json"), *tmp_path.glob("a.acts/**/*.jsonl")]:
        for line in path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]:
            told += strings_in(json.loads(line))
    assert "sub/00.png" in told
    for secret in (str(tmp_path), str(Path.home()), getpass.getuser(), socket.gethostname(), str(Path.cwd())):
        assert not [text for text in told if secret in text]


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


def test_activations_of_something_else_are_refused_and_the_atlas_stays_as_it_was(
    copied: Path,
    small_net: VisionModel,
    small_pictures: NDArray[np.uint8],
    build_small: Build,
    contents: Contents,
) -> None:
    before = contents(copied)
    with pytest.raises(AtlasError, match="was built from other activations; give another name"):
        build_small(collect(small_net, small_pictures[:20], "body", per_image=8), copied)
    assert contents(copied) == before


@pytest.mark.parametrize("road", ["activations", "images"])
def test_an_out_that_is_something_else_is_refused_before_any_work_and_kept(
    road: str,
    small_acts: Activations,
    small_pictures: NDArray[np.uint8],
    build_small: Build,
    contents: Contents,
    tmp_path: Path,
) -> None:
    (tmp_path / "notes.atlas").write_text("mine")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("mine too")
    before = contents(tmp_path)
    given = {"acts": small_acts} if road == "activations" else {"acts": None, "images": small_pictures, "layer": "body"}
    with pytest.raises(AtlasError, match=r"notes\.atlas is a file; give another name"):
        build_small(out=tmp_path / "notes.atlas", **given)
    with pytest.raises(AtlasError, match="home exists and is not an atlas; give another name"):
        build_small(out=tmp_path / "home", **given)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"grids": ()}, "No grid sizes given"),
        ({"grids": (4, 0)}, "1 to 4096 cells a side, not 0"),
        ({"grids": (5000,)}, "not 5000"),
        ({"seed": -1}, "seed is -1"),
        ({"rendering": RenderSettings(size=1021)}, "do not fit a sheet"),
        ({"icons": "photographs"}, "choose 'rendered' or 'medoid'"),
        ({"icons": "medoid"}, "give images="),
        ({"engine": "lucid"}, "choose 'atlas' or 'lucent'"),
        ({"layer": "boddy"}, "no layer 'boddy'; the nearest names are body"),
        ({"layer": "stem"}, "no layer 'stem' here; these activations are of body"),
    ],
)
def test_what_cannot_be_built_is_said_in_one_line_before_any_work(
    setting: dict[str, Any], message: str, small_acts: Activations, build_small: Build, tmp_path: Path
) -> None:
    with pytest.raises(AtlasError, match=message) as caught:
        build_small(small_acts, tmp_path / "new.atlas", **setting)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new.atlas").exists()


def test_there_must_be_something_to_build_from() -> None:
    with pytest.raises(AtlasError, match="nothing to build from"):
        build()


def test_a_name_for_activations_is_refused_for_an_atlas(
    small_pictures: NDArray[np.uint8], build_small: Build, tmp_path: Path
) -> None:
    with pytest.raises(AtlasError, match=r"call the atlas photos\.atlas"):
        build_small(None, tmp_path / "photos.acts", images=small_pictures, layer="body")
    assert list(tmp_path.iterdir()) == []


def test_activations_that_do_not_fit_the_network_are_refused(
    small_net: VisionModel, build_small: Build, tmp_path: Path
) -> None:
    layer = LayerActivations(
        layer="body",
        vectors=np.ones((4, 7), dtype=np.float16),
        image=np.zeros(4, dtype=np.int64),
        position=np.zeros((4, 2), dtype=np.int16),
        map_size=(8, 8),
    )
    with pytest.raises(AtlasError, match="have 7 channels, small has 16"):
        build_small(Activations.in_memory([layer], image_ids=["a"]), tmp_path / "x.atlas")
    other = Activations.in_memory([layer], image_ids=["a"], provenance={"model": {"name": "big", "digest": "0"}})
    with pytest.raises(AtlasError, match="came from big with other weights"):
        build(other, model=small_net, out=tmp_path / "x.atlas", progress=False)
    with pytest.raises(AtlasError, match=r"came from big, which has no known weights; give model="):
        build(other, out=tmp_path / "x.atlas", progress=False)


def interrupted(recorder: type[Any], stage: str, at: int) -> Any:
    return recorder(stop=lambda name, done, _total: name == stage and done >= at)


def test_a_build_interrupted_while_rendering_leaves_a_readable_atlas_and_ends_with_the_same_files(
    small_atlas: Atlas,
    small_acts: Activations,
    build_small: Build,
    contents: Contents,
    recorder: type[Any],
    tmp_path: Path,
) -> None:
    out = tmp_path / "small.atlas"
    with pytest.raises(KeyboardInterrupt):
        build_small(small_acts, out, progress=interrupted(recorder, "icons body 4", 2 * TILE + 1))
    half = Atlas(out)
    assert half.grids() == (2, 4)
    assert half.level(4).icons is None
    assert len(half.cells(4)) == len(small_atlas.cells(4))
    assert "cosine" not in half.cells(4).columns
    assert half._repr_png_() == small_atlas._repr_png_()
    with pytest.raises(AtlasError, match="level 4 are not rendered yet; build the atlas again"):
        half.to_png(tmp_path / "half.png", 4)
    with pytest.raises(AtlasError, match="not rendered yet"):
        half.level(4).icon(*divmod(int(half.level(4).grid.cell[0]), 4))
    tiles = sorted(out.rglob("tile-*.npz"))
    assert len(tiles) == 2

    report = recorder()
    build_small(small_acts, out, progress=report)
    assert report.stages == ["icons body 4"]
    # A tile that is rendered reports every step; one that is there, once.
    assert [done for _, done, _ in report.calls if done <= 2 * TILE] == [TILE, 2 * TILE]
    assert contents(out) == contents(small_atlas.path)


@pytest.mark.parametrize("left", [lambda data: data[: len(data) // 2], lambda _: b"", lambda _: b"no tile"])
def test_a_tile_that_was_cut_off_is_rendered_again(
    left: Callable[[bytes], bytes],
    small_atlas: Atlas,
    small_acts: Activations,
    build_small: Build,
    contents: Contents,
    recorder: type[Any],
    tmp_path: Path,
) -> None:
    out = tmp_path / "small.atlas"
    with pytest.raises(KeyboardInterrupt):
        build_small(small_acts, out, progress=interrupted(recorder, "icons body 4", 2 * TILE + 1))
    tile = min(out.rglob("tile-*.npz"))
    tile.write_bytes(left(tile.read_bytes()))
    build_small(small_acts, out)
    assert contents(out) == contents(small_atlas.path)


def test_a_build_interrupted_during_the_layout_is_readable_and_goes_on(
    small_atlas: Atlas,
    small_acts: Activations,
    build_small: Build,
    contents: Contents,
    recorder: type[Any],
    tmp_path: Path,
) -> None:
    out = tmp_path / "small.atlas"
    with pytest.raises(KeyboardInterrupt):
        build_small(small_acts, out, progress=interrupted(recorder, "UMAP", 0))
    half = Atlas(out)
    assert half.layers == ()
    assert half._repr_png_() is None
    assert "small.atlas" in repr(half)
    for ask in (half.level, half.cells, half.xy, half.grids, half.landmarks, lambda: half.project("x.jpg")):
        with pytest.raises(AtlasError, match=r"holds nothing yet.*build it again"):
            ask()
    build_small(small_acts, out)
    assert contents(out) == contents(small_atlas.path)


def test_a_build_from_photographs_interrupted_while_collecting_goes_on(
    small_pictures: NDArray[np.uint8], build_small: Build, contents: Contents, recorder: type[Any], tmp_path: Path
) -> None:
    settings = {"images": np.repeat(small_pictures, 4, axis=0), "layer": "body", "grids": (2,), "workers": 0}
    whole, broken = tmp_path / "whole" / "p.atlas", tmp_path / "broken" / "p.atlas"
    with pytest.raises(KeyboardInterrupt):
        build_small(None, broken, progress=interrupted(recorder, "collect", 64), **settings)
    with pytest.raises(AtlasError, match="interrupted collection; collect again"):
        build_small(open_activations(broken.with_name("p.acts")), tmp_path / "x.atlas")
    build_small(None, broken, **settings)
    build_small(None, whole, **settings)
    assert contents(broken) == contents(whole)
    assert Atlas(whole).activations.digest == Atlas(whole).provenance["activations"]["digest"]


def test_activations_and_atlas_are_named_after_the_images_when_no_name_is_given(
    small_pictures: NDArray[np.uint8], build_small: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my photos").mkdir()
    (tmp_path / "elsewhere").mkdir()
    for number, picture in enumerate(small_pictures[:4]):
        Image.fromarray(picture).save(tmp_path / "my photos" / f"{number}.png")
    monkeypatch.chdir(tmp_path / "elsewhere")
    world = build_small(None, None, images="../my photos", layer="body", per_image=2, grids=(2,), workers=0)
    assert sorted(path.name for path in Path().iterdir()) == ["my photos.acts", "my photos.atlas"]
    assert world.path == Path("my photos.atlas")
    assert world.provenance["activations"]["link"] == "../my photos.acts"
    assert world.activations.image_ids == ["0.png", "1.png", "2.png", "3.png"]


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


@pytest.mark.parametrize("vectors", [np.zeros((6, 16)), np.eye(16)[:1], np.repeat(np.eye(16)[:1], 7, axis=0)])
def test_sets_without_structure_still_give_an_atlas(
    vectors: NDArray[np.float64], build_small: Build, tmp_path: Path
) -> None:
    n = len(vectors)
    layer = LayerActivations(
        layer="body",
        vectors=vectors.astype(np.float16),
        image=np.zeros(n, dtype=np.int64),
        position=np.zeros((n, 2), dtype=np.int16),
        map_size=(8, 8),
    )
    world = build_small(Activations.in_memory([layer], image_ids=["a"]), tmp_path / "x.atlas", grids=(2,))
    table = world.cells()
    assert table["count"].sum() == (n if vectors.any() else 0)
    assert "class" not in table.columns
    assert world.to_png(tmp_path / "x.png").is_file()
    with pytest.raises(AtlasError, match="no class labels"):
        world.to_png(tmp_path / "x.png", labels=True)


def test_a_level_in_which_every_cell_is_too_small_is_blank(
    small_acts: Activations, build_small: Build, tmp_path: Path
) -> None:
    world = build_small(small_acts, tmp_path / "x.atlas", grids=(4,), min_count=1000)
    assert len(world.cells()) == 0
    assert world.level().grid.n_small + world.level().grid.n_outside == 320
    assert len(Image.open(world.to_png(tmp_path / "x.png")).getcolors() or []) == 1


def test_a_store_is_linked_by_relative_path_and_found_again(
    small_acts: Activations, build_small: Build, tmp_path: Path
) -> None:
    write_activations(small_acts, tmp_path / "data" / "photos.acts")
    store = open_activations(tmp_path / "data" / "photos.acts")
    world = build_small(store, tmp_path / "atlases" / "photos.atlas", grids=(2,))
    assert world.provenance["activations"]["link"] == "../../data/photos.acts"
    assert Atlas(world.path).activations.digest == store.digest
