"""What a view says of errors: enough to put them right, nothing of where things lie."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from atlas.errors import AtlasError
from atlas.widgets.sentences import sentence

if TYPE_CHECKING:
    from atlas.atlas import Atlas


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            AtlasError("{atlas}/layers/body/icons-000.webp is missing"),
            "small.atlas/layers/body/icons-000.webp is missing",
        ),
        (AtlasError("{beside}/my weights.safetensors is damaged"), "my weights.safetensors is damaged"),
        (AtlasError("Weights /srv/group/x.pt and C:\\Users\\Jo\\y.pt"), "Weights x.pt and y.pt"),
        (AtlasError("'/opt/models/net.safetensors': 3/4 of it is missing"), "'net.safetensors': 3/4 of it is missing"),
        (
            AtlasError("See https://example.org/a/b for 10 x 10 and/or more."),
            "See https://example.org/a/b for 10 x 10 and/or more.",
        ),
        (OSError(errno.EACCES, "Permission denied", "/home/jo anne/weights.pt"), "weights.pt: Permission denied"),
        (RuntimeError("out of memory\ntraceback of /usr/lib/x"), "RuntimeError: out of memory"),
        (MemoryError(), "MemoryError: MemoryError"),
    ],
)
def test_errors_are_said_in_one_line_without_folders(small_atlas: Atlas, error: Exception, said: str) -> None:
    if "{" in str(error):
        text = str(error).format(atlas=small_atlas.path, beside=small_atlas.path.parent)
        error = AtlasError(text)
    assert sentence(error, small_atlas) == said


def test_what_lies_at_home_is_said_without_its_owner(small_atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/Jo Anne")
    monkeypatch.setenv("USERPROFILE", "/home/Jo Anne")
    error = AtlasError(f"{Path.home()}/atlases/weights.pt cannot be read")
    assert sentence(error, small_atlas) == "atlases/weights.pt cannot be read"
