"""The wheel: everything in it that is needed, nothing else, and it works outside the checkout."""

from __future__ import annotations

import email
import json
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

MOST_BYTES = 45_000_000
STALE = b"// of another branch"


@pytest.fixture(scope="module")
def members(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_it_holds_the_package_the_assets_and_the_licence(members: list[str], wheel: Path) -> None:
    for name in (
        *("atlas/__init__.py", "atlas/cli/__init__.py", "atlas/images/folder.py", "atlas/render/engine.py"),
        *("atlas/widgets/static/viewer.js", "atlas/widgets/static/viewer.css"),
        *("atlas/models/data/imagenet.tsv", "atlas/models/data/inception.tsv"),
        *("atlas/assets/inceptionv1-tiny.safetensors", "atlas/assets/inceptionv1-tiny.md"),
        *("atlas/assets/tiny-imagenet-classes.tsv", "atlas/assets/activations.acts/acts.json"),
        "atlas/assets/sample.atlas/atlas.json",
    ):
        assert name in members
    assert [name for name in members if name.endswith(".dist-info/licenses/LICENSE")]
    assert wheel.stat().st_size < MOST_BYTES


def test_it_holds_no_tests_caches_photographs_or_anything_else(members: list[str]) -> None:
    tops = {PurePosixPath(name).parts[0] for name in members}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"atlas"}
    for name in members:
        path = PurePosixPath(name)
        assert not {"tests", "__pycache__", ".git", "node_modules"} & set(path.parts)
        # Rendered icons are the only pictures.
        assert path.suffix.lower() != ".webp" or name.startswith("atlas/assets/sample.atlas/layers/")
        assert path.suffix.lower() not in {
            ".pyc",
            ".jpg",
            ".jpeg",
            ".png",
            ".gif",
            ".pt",
            ".pth",
            ".pkl",
            ".npz",
        }


def test_its_metadata_name_the_command_and_what_it_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (info,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(info))
        points = archive.read(info.replace("METADATA", "entry_points.txt")).decode()
    assert metadata["Name"] == "activation-atlas"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert set(metadata["Requires-Python"].split(",")) == {">=3.11", "<3.14"}
    assert "atlas = atlas.cli:main" in points
    needed = {line.partition(";")[0].strip() for line in metadata.get_all("Requires-Dist", []) if "extra" not in line}
    assert {line.split(">")[0] for line in needed} >= {"torch", "numpy", "zarr", "umap-learn", "typer"}


def test_its_viewer_is_not_the_one_that_lay_there(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        viewer = archive.read("atlas/widgets/static/viewer.js")
    assert STALE not in viewer
    assert len(viewer) > 10_000


def test_it_works_outside_the_checkout(installed: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    listed = installed("atlas", "models")
    assert listed.returncode == 0, listed.stderr
    assert "inceptionv1-tiny" in listed.stdout
    code = """
import json, atlas
from atlas.assets import asset
model = atlas.load_model(device="cpu")
acts = atlas.open_activations(asset("activations.acts"))
told = {"file": atlas.__file__, "asset": str(asset("activations.acts")), "layers": acts.layers}
told |= {"rows": [len(acts[name]) for name in acts.layers], "classes": model.n_classes}
told |= {"same": model.digest == acts.provenance["model"]["digest"], "first": float(acts["mixed4c"].vectors[0].sum())}
print(json.dumps(told))
"""
    done = installed("python", "-c", code)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert "elsewhere" in told["file"]
    assert PurePosixPath(told["asset"].replace("\\", "/")).parts[-3:] == ("atlas", "assets", "activations.acts")
    assert told["layers"] == ["mixed3b", "mixed4c", "mixed4e", "mixed5b"]
    assert min(told["rows"]) >= 10_000
    assert told["classes"] == 200
    assert told["same"]
    assert told["first"] > 0
