"""A small network, pictures for it and tiny settings, for tests of whole atlases."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from PIL import Image
from torch import Tensor, nn

from atlas.activations import Activations, collect
from atlas.layout import LayoutSettings
from atlas.models import VisionModel, wrap_model
from atlas.models.labels import ClassLabel, Labels
from atlas.pipeline import build
from atlas.render import RenderSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from atlas.atlas import Atlas

ROOT = Path(__file__).parents[1]
SIDE = 32
TILE = 4

# How long an example takes says how busy the machine is, and the same examples everywhere say the same of the code.
hypothesis_settings.register_profile(
    "everywhere", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("everywhere")

# A shell without a terminal lets what it starts in the background ignore Ctrl-C, and so would what the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class SmallNet(nn.Module):
    """`body` has 16 channels and a stride of 4 px; `in/side` has a name that no folder should have."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU())
        self.add_module("in/side", nn.Conv2d(16, 12, 1))
        self.head = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.get_submodule("in/side")(self.body(self.stem(x)))
        logits: Tensor = self.head(torch.relu(x).mean((2, 3)))
        return logits


@dataclass
class Recorder:
    """Takes what a build reports, and stops it where a test wants."""

    calls: list[tuple[str, int, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stop: Callable[[str, int, int], bool] = lambda _stage, _done, _total: False

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.calls.append((stage, done, total))
        if self.stop(stage, done, total):
            raise KeyboardInterrupt

    def note(self, line: str) -> None:
        self.notes.append(line)

    @property
    def stages(self) -> list[str]:
        return list(dict.fromkeys(stage for stage, _, _ in self.calls))


def small_network() -> VisionModel:
    """The small network with its five classes; notebooks of the browser tests make it too."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        module = SmallNet()
    labels = Labels(ClassLabel(index, name) for index, name in enumerate(("ant", "bee", "cat", "dog", "eel")))
    model = wrap_model(module, input_size=SIDE, name="small", labels=labels)
    # Smooth icons come through the lossy sheets nearly as they were rendered.
    model.bandwidth = 0.1
    return model


@pytest.fixture(scope="session")
def small_net() -> VisionModel:
    return small_network()


@pytest.fixture(scope="session")
def small_pictures() -> NDArray[np.uint8]:
    """40 smooth coloured pictures (40, 32, 32, 3)."""
    rng = np.random.Generator(np.random.Philox(7))
    corners = rng.integers(0, 256, (40, 4, 4, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(c).resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for c in corners])


@pytest.fixture(scope="session")
def small_acts(small_net: VisionModel, small_pictures: NDArray[np.uint8]) -> Activations:
    """320 activations of `body`, in memory.

    Random weights predict one class for nearly everything, so that labels mean nothing and are not shown; without the
    measurement, as in stores that lack it, the name of the layer decides.
    """
    acts = collect(small_net, small_pictures, "body", per_image=8)
    del acts.provenance["attribution"]
    return acts


@pytest.fixture(scope="session")
def tiny_settings() -> dict[str, Any]:
    """Settings that build in a second; 16 icons take four tiles."""
    return {
        "grids": (2, 4),
        "layout": LayoutSettings(n_epochs=20),
        "rendering": RenderSettings(size=SIDE, steps=4, tile=TILE),
        "min_count": 1,
        "progress": False,
    }


@pytest.fixture(scope="session")
def build_small(small_net: VisionModel, tiny_settings: dict[str, Any]) -> Callable[..., Atlas]:
    def run(acts: Activations | None, out: Path | None, **settings: Any) -> Atlas:
        return build(acts, out=out, **{"model": small_net} | tiny_settings | settings)

    return run


@pytest.fixture(scope="session")
def small_atlas(
    small_acts: Activations, build_small: Callable[..., Atlas], tmp_path_factory: pytest.TempPathFactory
) -> Atlas:
    """Levels 2 and 4 of `body`; not to be changed by a test."""
    return build_small(small_acts, tmp_path_factory.mktemp("small") / "small.atlas")


@pytest.fixture
def copied(small_atlas: Atlas, tmp_path: Path) -> Path:
    """A copy of the small atlas that a test may change or damage."""
    return Path(shutil.copytree(small_atlas.path, tmp_path / "copy.atlas"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
    # The viewer is built on the way, by the Node of this environment; what lies there must not get in.
    bundle = ROOT / "atlas" / "widgets" / "static" / "viewer.js"
    bundle.parent.mkdir(exist_ok=True)
    bundle.write_bytes(b"// of another branch\n")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=os.environ | {"PATH": path})
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run commands of an environment of its own that has the wheel, from a folder outside the checkout.

    What the product depends on comes from the environment that runs the tests, by a path file: those in there, such as
    the one of an editable install, are not followed.
    """
    home = tmp_path_factory.mktemp("elsewhere")
    venv.create(home / "venv", symlinks=os.name != "nt")
    programs = home / "venv" / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True)
    (package,) = (home / "venv").rglob("site-packages/atlas/__init__.py")
    here = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (package.parents[1] / "dependencies.pth").write_text("".join(f"{path}\n" for path in here), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [programs / program, *arguments],
            cwd=home,
            env=environment | {"PYTHONUTF8": "1"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def recorder() -> type[Recorder]:
    return Recorder


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, bytes]]:
    def read(folder: Path) -> dict[str, bytes]:
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    return read
