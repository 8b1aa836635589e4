"""Weights files: read as data only, checked against the network, downloaded once."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import pickle
import struct
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO, TYPE_CHECKING

import safetensors.torch
import torch
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn
from torch import Tensor

from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

_CHUNK = 1 << 20  # bytes
_TIMEOUT = 30.0  # seconds without a byte
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def read_weights(path: str | PathLike[str]) -> dict[str, Tensor]:
    """Read a state dict from a safetensors file or from what ``torch.save(module.state_dict(), path)`` wrote.

    What the file is shows in its first bytes; the suffix does not matter. Nothing in it is run: torch's files
    are read in the weights-only mode.

    Returns
    -------
    dict of str to Tensor
        On the CPU, without gradients, in the order of the file.

    Raises
    ------
    AtlasError
        No file is there, it is damaged, or it holds something else than named tensors.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise AtlasError(f"Weights file {path} {what}; give the path of a .safetensors, .pth or .pt file.")
    try:
        state: object = safetensors.torch.load_file(path) if _is_safetensors(path) else _torch_load(path)
    except PermissionError as error:
        raise AtlasError(f"Weights file {path} may not be read; change its permissions.") from error
    except pickle.UnpicklingError as error:
        raise AtlasError(
            f"Weights file {path} is damaged, or holds more than tensors; "
            "write it anew with torch.save(module.state_dict(), path) or safetensors."
        ) from error
    # The bytes are anybody's: there is no exception that the readers do not raise on some of them.
    except Exception as error:
        raise AtlasError(f"Weights file {path} is damaged or cut off; copy or download it again.") from error
    if not isinstance(state, dict) or not state or not _names_tensors(state):
        raise AtlasError(
            f"Weights file {path} is not a plain state dict of named tensors; "
            "write one with torch.save(module.state_dict(), path)."
        )
    return {name: value.detach() for name, value in state.items()}


def check_state_dict(state: Mapping[str, Tensor], expected: Mapping[str, torch.Size], source: str) -> None:
    """Check that weights fit a network, parameter by parameter.

    Parameters
    ----------
    state : mapping of str to Tensor
        The weights.
    expected : mapping of str to torch.Size
        Shape of every parameter of the network.
    source : str
        What to call the weights in the message.

    Raises
    ------
    AtlasError
        Parameters are missing or unexpected, or have another shape; the first few are named.
    """
    faults = {
        "missing": [name for name in expected if name not in state],
        "unexpected": [name for name in state if name not in expected],
        "of another shape": [
            f"{name}: {tuple(state[name].shape)}, needed {tuple(shape)}"
            for name, shape in expected.items()
            if name in state and state[name].shape != shape
        ],
    }
    found = "; ".join(
        f"{len(names)} {fault} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
        for fault, names in faults.items()
        if names
    )
    if found:
        raise AtlasError(f"{source} does not fit the network: {found}; give the weights of this very network.")


def state_digest(state: Mapping[str, Tensor]) -> str:
    """Digest names, dtypes, shapes and bytes, whatever the order of names: BLAKE2b, 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(state):
        value = state[name].detach().cpu().contiguous()
        digest.update(json.dumps([name, str(value.dtype), list(value.shape)]).encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def cache_folder() -> Path:
    """Return the folder that downloads go to: ``ATLAS_CACHE``, or the platform's folder for caches."""
    if chosen := os.environ.get("ATLAS_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "activation-atlas"


def fetch(url: str, filename: str, *, sha256: str | None) -> Path:
    """Download a file into the cache, once.

    Parameters
    ----------
    url : str
        An https or file URL; http only from this machine itself.
    filename : str
        Its name in the cache (`cache_folder`).
    sha256 : str or None
        The published SHA-256 in lower case, or its first digits where no more is published (torch puts eight
        into its file names). With None, the hash that is seen first is written beside the file
        (``filename.sha256``), and every later read and download has to match it: that shows damage and
        change, not that the first download was the right file.

    Returns
    -------
    Path
        The file, whole and checked.

    Raises
    ------
    AtlasError
        It cannot be downloaded or stored, or its hash is not the expected one.
    """
    target = cache_folder() / filename
    pin = target.with_name(f"{filename}.sha256")
    try:
        expected = sha256 or (pin.read_text(encoding="ascii").strip() if pin.exists() else None)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _download(url, target, expected)
        actual = _sha256(target)
        if expected is None:
            _write_pin(pin, actual)
    except OSError as error:
        raise AtlasError(
            f"Cache folder {target.parent} cannot be used ({error}); set ATLAS_CACHE to another."
        ) from error
    if not actual.startswith(expected or ""):
        raise AtlasError(
            f"{target} is damaged: SHA-256 {actual}, not {expected}; delete it to have it downloaded again."
        )
    return target


def _download(url: str, target: Path, expected: str | None) -> None:
    """Download to a temporary file beside the target; put it in place once it is whole and checked."""
    remedy = f"get {url} another way and give it as weights=PATH, or put it at {target}"
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            try:
                _stream(url, file, target.name)
            except urllib.error.HTTPError as error:
                error.close()
                raise AtlasError(f"{target.name} could not be downloaded ({error}); {remedy}.") from error
            except urllib.error.URLError as error:
                raise AtlasError(f"{target.name} could not be downloaded ({error.reason}); {remedy}.") from error
            except (OSError, http.client.HTTPException) as error:
                raise AtlasError(f"{target.name} could not be downloaded ({error}); {remedy}.") from error
        actual = _sha256(part)
        if not actual.startswith(expected or ""):
            raise AtlasError(
                f"{url} gives a file of SHA-256 {actual}, not {expected}; try again, or give one you trust "
                f"as weights=PATH (if it was replaced on purpose, delete {target}.sha256)."
            )
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _stream(url: str, file: IO[bytes], what: str) -> None:
    _refuse_insecure(url)
    console = Console(stderr=True)
    columns = ("{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    opener = urllib.request.build_opener(_SafeRedirects)
    with (
        opener.open(url, timeout=_TIMEOUT) as response,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        length = response.headers.get("Content-Length")
        size = int(length) if length else None
        task = progress.add_task(what, total=size)
        received = 0
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            received += len(chunk)
            progress.advance(task, len(chunk))
    if size is not None and received != size:
        raise OSError(f"the connection ended after {received:,} of {size:,} bytes")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        _refuse_insecure(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _refuse_insecure(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    # A server on this machine (a mirror, a test) is as near as a file.
    if parts.scheme in ("https", "file") or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return
    raise urllib.error.URLError(f"{url} is neither an https nor a file URL")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_pin(pin: Path, digest: str) -> None:
    handle, name = tempfile.mkstemp(dir=pin.parent, prefix=f"{pin.name}.", suffix=".part")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{digest}\n")
    Path(name).replace(pin)


def _is_safetensors(path: Path) -> bool:
    """Tell by the layout: eight bytes of header length, then the header, a JSON object."""
    with path.open("rb") as file:
        start = file.read(9)
    if len(start) < 9 or start[8:] != b"{":
        return False
    (length,) = struct.unpack("<Q", start[:8])
    return bool(length < 1 << 32)


def _names_tensors(state: dict[object, object]) -> bool:
    return all(isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items())


def _torch_load(path: Path) -> object:
    # Given a path, torch would go by its suffix.
    with path.open("rb") as file:
        content: object = torch.load(file, map_location="cpu", weights_only=True)
    return content
