"""Make the sample atlas: two layers, three levels, every cell rendered well.

    python -m assets.make_sample

builds `assets/sample.atlas` from the embedded activations. Interrupted, the same command goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from atlas.activations import open_activations
from atlas.assets import asset
from atlas.layout import LayoutSettings
from atlas.models import load_model
from atlas.pipeline import build
from atlas.render import RenderSettings

HERE = Path(__file__).resolve().parent
LAYERS, GRIDS = ("mixed4c", "mixed5b"), (10, 20, 40)


def main() -> None:
    """Build it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=RenderSettings().steps)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=HERE / "sample.atlas")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    world = build(
        open_activations(asset("activations.acts")),
        model=load_model("inceptionv1-tiny"),
        layer=LAYERS,
        grids=GRIDS,
        out=arguments.out,
        # As many kept points as place a picture well; all of them would take a quarter of the file.
        layout=LayoutSettings(landmarks=4_000),
        rendering=RenderSettings(steps=arguments.steps),
    )
    files = [path for path in world.path.rglob("*") if path.is_file()]
    print(f"{world.path.name}: {len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
