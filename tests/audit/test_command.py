"""`atlas audit`, and audits of comparisons."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from atlas import cli
from atlas.activations import collect
from atlas.audit import patch_test, real_patches
from atlas.errors import AtlasError
from atlas.images import open_images
from atlas.models import load_model
from atlas.render import RenderSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from atlas.atlas import Atlas
    from atlas.classes import Comparison
    from atlas.models import VisionModel


@pytest.fixture(scope="module")
def compared(
    small_net: VisionModel,
    small_pictures: NDArray[np.uint8],
    build_small: Callable[..., Atlas],
    tmp_path_factory: pytest.TempPathFactory,
) -> Comparison:
    home = tmp_path_factory.mktemp("compared")
    acts = collect(small_net, small_pictures, "body", per_image=8, out=home / "small.acts", progress=False)
    world = build_small(acts, home / "small.atlas", grids=(1,))
    few = RenderSettings(size=32, steps=2, tile=4)
    return world.compare("eel", "bee", model=small_net, grids=(3,), rendering=few, progress=False)


def test_a_comparison_brings_its_icons_its_classes_and_its_neutral_cells(
    compared: Comparison, small_net: VisionModel, small_pictures: NDArray[np.uint8]
) -> None:
    # The network, which has learned nothing, calls everything an eel.
    images = open_images(small_pictures, labels=["eel"] * 30 + ["bee"] * 10)
    for classes in (("eel", "cat"), ("ant", "bee"), ("ant", "cat")):
        for given in ({"patches": compared}, {"patches": small_pictures[0], "neutral": compared}):
            with pytest.raises(AtlasError, match="This comparison is of eel and bee"):
                patch_test(small_net, images, *classes, progress=False, **given)
    cells = compared.separating(2)
    result = patch_test(
        small_net,
        images,
        "eel",
        "bee",
        patches=[*cells, *real_patches(compared, cells, small_pictures, small_net, count=2)],
        neutral=[*compared.neutral(1), *real_patches(compared, compared.neutral(1), small_pictures, small_net)],
        progress=False,
    )
    assert not [kind for kind, _ in result.arms if kind == "target image"], "no bee is recognised, so none is cut up"
    assert [patch.kind for patch in result.patches] == ["icon", "icon", "real", "real"]
    assert result.patches[0].name == f"cell ({cells[0].row}, {cells[0].column})"
    np.testing.assert_array_equal(result.patches[0].pictures[0], cells[0].icon)
    for patch in result.patches:
        assert {other.kind for other in result.arms["neutral", patch.name].patches} == {patch.kind}


def test_the_record_says_which_comparison_and_which_cells_an_audit_rests_on(
    compared: Comparison, small_net: VisionModel, small_pictures: NDArray[np.uint8]
) -> None:
    images = open_images(small_pictures, labels=["eel"] * 30 + ["bee"] * 10)
    for given in ({"patches": compared}, {"patches": small_pictures[0], "neutral": compared}):
        result = patch_test(small_net, images, "eel", "bee", n_patches=2, limit=4, progress=False, **given)
        record = result.provenance()["comparison"]
        assert record["name"] == compared.path.name
        assert len(record["digest"]) >= 16
        assert record["neutral_cells"] == [cell.cell for cell in compared.neutral(2)]
        own = "patches" in given and given["patches"] is compared
        assert record["cells"] == ([cell.cell for cell in compared.separating(2, "right")] if own else [])
        assert {patch.kind for patch in result.patches} == {"icon" if own else "picture"}
    assert result.provenance()["model"]["input_size"] == small_net.input_size


def test_an_audit_of_a_layer_whose_labels_mean_little_says_so(
    compared: Comparison, small_net: VisionModel, small_pictures: NDArray[np.uint8], recorder: type[Any]
) -> None:
    note = compared.label_meaning().note
    assert note is not None
    assert "mean little at body" in note
    images, report = open_images(small_pictures, labels=["eel"] * 30 + ["bee"] * 10), recorder()
    result = patch_test(small_net, images, "eel", "bee", patches=compared, n_patches=1, limit=4, progress=report)
    assert result.note == result.provenance()["comparison"]["note"] == note
    assert note in report.notes
    assert note in result.view(examples=1).html
    alone = patch_test(small_net, images, "eel", "bee", patches=small_pictures[0], limit=4, progress=False)
    assert alone.note is None


def test_an_audit_says_where_a_comparison_has_fewer_cells_than_asked_for(
    compared: Comparison, small_net: VisionModel, small_pictures: NDArray[np.uint8], recorder: type[Any]
) -> None:
    images, few, enough = open_images(small_pictures, labels=["eel"] * 40), recorder(), recorder()
    there = len(compared.separating(1000, "right"))
    for asked, said in ((there + 1, few), (there, enough)):
        patch_test(small_net, images, patches=compared, n_patches=asked, sizes=(0.3,), limit=2, progress=said)
    wanted = f"Only {there} of {there + 1} cells tell the classes apart: they alone are tested."
    assert wanted in few.notes
    assert not [note for note in enough.notes if note.startswith("Only")]


def test_real_patches_are_parts_of_the_photographs_of_the_nearest_members(
    compared: Comparison, small_net: VisionModel, small_pictures: NDArray[np.uint8]
) -> None:
    (cell,) = compared.separating(1)
    (patch,) = real_patches(compared, [cell], small_pictures, small_net, count=1)
    rows = compared.activations["body"]
    photograph = small_pictures[int(compared.activations.image_ids[rows.image[cell.nearest[0]]])]
    (part,) = patch.pictures
    side = len(part)
    assert side == 24, "six strides of 4 px"
    found = [np.array_equal(photograph[y : y + side, x : x + side], part) for y in range(9) for x in range(9)]
    assert any(found)
    with pytest.raises(AtlasError, match="content differs"):
        real_patches(compared, [cell], small_pictures[::-1], small_net)
    with pytest.raises(AtlasError, match="not among the images"):
        real_patches(compared, [cell], small_pictures[:1] if cell.nearest[0] else small_pictures[1:2], small_net)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise, in subfolders named after the classes that the embedded network sees in it, and a picture to paste."""
    home = tmp_path_factory.mktemp("audit")
    model = load_model(device="cpu")
    assert model.labels is not None
    rng = np.random.Generator(np.random.Philox(1))
    import torch  # noqa: PLC0415

    small = rng.integers(0, 256, (12, 3, 3, 3), dtype=np.uint8)
    pictures = [Image.fromarray(one).resize((96, 96), Image.Resampling.BICUBIC) for one in small]
    pixels = torch.from_numpy(np.stack([np.asarray(one) for one in pictures])).permute(0, 3, 1, 2) / 255
    for number, answer in enumerate(model.logits(pixels).argmax(1).tolist()):
        place = home / "photographs" / str(model.labels[answer].wnid)
        place.mkdir(parents=True, exist_ok=True)
        pictures[number].save(place / f"{number}.png")
    pictures[0].save(home / "mine.png")
    return home


def test_the_command_audits_a_picture_and_goes_on(folder: Path) -> None:
    places = sorted((folder / "photographs").iterdir(), key=lambda place: -len(list(place.iterdir())))
    assert len(list(places[0].iterdir())) >= 2
    command = [
        *("audit", "--images", str(folder / "photographs"), "--patch", str(folder / "mine.png")),
        *("--source", places[0].name, "--target", places[1].name, "--size", "0.4"),
        *("--out", str(folder / "out"), "--limit", "2", "--device", "cpu", "--view"),
    ]
    first = CliRunner().invoke(cli.app, command)
    assert first.exit_code == 0, first.stderr
    assert "mine.png: not enough images." in first.stdout
    content = json.loads((folder / "out" / "audit.json").read_text(encoding="utf-8"))
    assert content["provenance"]["patches"][0]["name"] == "mine.png"
    assert (folder / "out" / "audit.svg").is_file()
    assert (folder / "out" / "audit.html").is_file()
    kept = {file.name: file.stat().st_mtime_ns for file in (folder / "out" / "kept").iterdir()}
    assert CliRunner().invoke(cli.app, command).stdout == first.stdout
    assert {file.name: file.stat().st_mtime_ns for file in (folder / "out" / "kept").iterdir()} == kept


def test_the_package_has_the_room_without_importing_it_first() -> None:
    program = "import sys, atlas; assert 'atlas.audit' not in sys.modules; atlas.audit.patch_test"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_command_takes_the_network_that_the_comparison_names(
    compared: Comparison, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["audit", str(compared.path), "--images", str(folder / "photographs"), "--device", "cpu"]
    for more in ([], ["--weights", str(folder / "mine.png")]):
        result = CliRunner().invoke(cli.app, [*asked, *more, "--model", "inceptionv1"])
        assert result.exit_code == 1
        assert "--model is of no use with a comparison" in result.stderr
    loaded: list[str] = []

    def load(name: str, *_: object, **__: object) -> VisionModel:
        loaded.append(name)
        return load_model(device="cpu")

    monkeypatch.setattr("atlas.models.load_model", load)
    result = CliRunner().invoke(cli.app, [*asked, "--weights", str(folder / "mine.png")])
    assert loaded == [compared.provenance["model"]["name"]]
    assert "with other weights" in result.stderr


def test_the_command_wants_a_comparison_or_pictures(folder: Path) -> None:
    result = CliRunner().invoke(cli.app, ["audit", "--images", str(folder / "photographs")])
    assert result.exit_code == 1
    assert "Give a comparison, whose icons are tested, or pictures with --patch." in result.stderr
    both = ["both.atlas", "--patch", str(folder / "mine.png"), "--images", str(folder / "photographs")]
    assert "both.atlas" in CliRunner().invoke(cli.app, ["audit", *both]).stderr, "it is opened, for its neutral cells"
