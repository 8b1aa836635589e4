"""Where an atlas comes from: all that made it, nothing of whose machine it was."""

from __future__ import annotations

import getpass
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from atlas.activations import Activations, open_activations, write_activations
from atlas.atlas import Atlas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from atlas.models import VisionModel

    Build = Callable[..., Atlas]
    Contents = Callable[[Path], dict[str, bytes]]


def strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (str(key), *strings_in(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner)


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
    assert summary["layout"]["device"] == "cpu"


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


def test_a_store_is_linked_by_relative_path_and_found_again(
    small_acts: Activations, build_small: Build, tmp_path: Path
) -> None:
    write_activations(small_acts, tmp_path / "data" / "photos.acts")
    store = open_activations(tmp_path / "data" / "photos.acts")
    world = build_small(store, tmp_path / "atlases" / "photos.atlas", grids=(2,))
    assert world.provenance["activations"]["link"] == "../../data/photos.acts"
    assert Atlas(world.path).activations.digest == store.digest
