"""Make the sample atlas: two layers, three levels, every cell rendered well.

    python -m assets.make_sample --build sample-build.atlas

builds an atlas from the embedded activations, which an interrupted call goes on with, and packs it into
`assets/sample.atlas`: means and attributions of cells in float16, icons as WebP of quality 77 instead of 95, five
examples a cell. What ships has to be small; an atlas of your own is not packed.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atlas.activations import open_activations
from atlas.arrays import read_arrays, write_arrays
from atlas.assets import asset
from atlas.atlas import Atlas
from atlas.layout import LayoutSettings
from atlas.models import load_model
from atlas.pipeline import build
from atlas.render import RenderSettings
from atlas.sprites import write_sheets
from atlas.writing import new_folder

HERE = Path(__file__).resolve().parent
LAYERS, GRIDS = ("mixed4c", "mixed5b"), (10, 20, 40)
#: Members that a cell has at least, at every level: below, a mean is little more than one photograph.
MIN_COUNT = 5
#: As many kept points as place a picture well; all of them would take a quarter of the file.
LANDMARKS = 1_000
QUALITY = 77
#: Photographs named as examples of a cell, at most, instead of nine.
EXAMPLES = 5
_HALVED = ("mean", "attribution")


def pack(built: Path, out: Path) -> None:
    """Copy an atlas, smaller."""
    with new_folder(out) as part:
        shutil.copytree(built, part, dirs_exist_ok=True)
        _shrink(part)


def _shrink(out: Path) -> None:
    for name in Atlas(out).layers:
        for size in Atlas(out).grids(name):
            level = Atlas(out).level(size, name)
            stages = Atlas(out).record(name)[1].levels[size]
            if level.icons is None or stages.icons is None:
                continue
            arrays = read_arrays(out / stages.grid.folder / "arrays.zarr")
            for halved in _HALVED:
                arrays[halved] = np.asarray(arrays[halved]).astype(np.float16)
            arrays["nearest"] = np.asarray(arrays["nearest"])[:, :EXAMPLES]
            _keep_examples(out / stages.grid.folder / "examples.json", arrays["nearest"])
            shutil.rmtree(out / stages.grid.folder / "arrays.zarr")
            write_arrays(out / stages.grid.folder / "arrays.zarr", arrays)
            icons = [level.icons[i] for i in range(len(level.grid))]
            write_sheets(out / stages.icons.folder, icons, int(stages.icons.summary["icon_px"]), quality=QUALITY)


def _keep_examples(path: Path, nearest: np.ndarray[Any, Any]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    rows = {str(row) for row in nearest.ravel() if row >= 0}
    content["activations"] = {row: place for row, place in content["activations"].items() if row in rows}
    images = {str(place[0]) for place in content["activations"].values()}
    content["images"] = {image: about for image, about in content["images"].items() if image in images}
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def main() -> None:
    """Build, then pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True, help="the atlas before packing")
    parser.add_argument("--steps", type=int, default=160)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=HERE / "sample.atlas")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    build(
        open_activations(asset("activations.acts")),
        model=load_model("inceptionv1-tiny"),
        layer=LAYERS,
        grids=GRIDS,
        out=arguments.build,
        layout=LayoutSettings(landmarks=LANDMARKS),
        rendering=RenderSettings(steps=arguments.steps),
        min_count=MIN_COUNT,
    )
    pack(arguments.build, arguments.out)
    files = [path for path in arguments.out.rglob("*") if path.is_file()]
    print(f"{arguments.out.name}: {len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
