from __future__ import annotations

import hashlib
import socket
import struct
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from atlas.errors import AtlasError
from atlas.models.weights import cache_folder, check_state_dict, fetch, read_weights, state_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = b"some weights" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def state() -> dict[str, torch.Tensor]:
    return {
        "conv.weight": torch.arange(24, dtype=torch.float32).reshape(2, 3, 2, 2),
        "conv.bias": torch.tensor([0.5, -1.0], dtype=torch.float16),
        "steps": torch.tensor(7),
    }


def assert_same(read: dict[str, torch.Tensor]) -> None:
    expected = state()
    assert set(read) == set(expected)
    for name, value in expected.items():
        assert read[name].dtype == value.dtype
        assert torch.equal(read[name], value)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "published.pth"
    path.write_bytes(CONTENT)
    return path


class Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://example.com/weights.pth")
            self.end_headers()
        elif self.path in ("/whole", "/short"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT if self.path == "/whole" else CONTENT[:5000])
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        pass


@contextmanager
def serving() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[str]:
    with serving() as address:
        yield address


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".bin"])
def test_safetensors_are_read_whatever_the_suffix(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    save_file(state(), path)
    assert_same(read_weights(path))


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_torch_files_are_read_whatever_the_suffix(tmp_path: Path, suffix: str, zipped: bool) -> None:
    path = tmp_path / f"weights{suffix}"
    torch.save(state(), path, _use_new_zipfile_serialization=zipped)
    assert_same(read_weights(str(path)))


def test_a_modules_state_dict_comes_back_without_gradients(tmp_path: Path) -> None:
    module = torch.nn.Linear(3, 2)
    torch.save(dict(module.named_parameters()), tmp_path / "linear.pth")
    read = read_weights(tmp_path / "linear.pth")
    assert not any(value.requires_grad for value in read.values())
    torch.save(module.state_dict(), tmp_path / "linear.pth")
    module.load_state_dict(read_weights(tmp_path / "linear.pth"))


class Spy:
    touched: Path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.touched,)


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    Spy.touched = tmp_path / "ran"
    torch.save({"weight": torch.zeros(1), "spy": Spy()}, tmp_path / "spy.pth")
    with pytest.raises(AtlasError, match=r"spy\.pth is damaged, or holds more than tensors"):
        read_weights(tmp_path / "spy.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content",
    [
        [torch.zeros(1)],
        {},
        {"state_dict": {"weight": torch.zeros(1)}, "epoch": 3},
        {"weight": torch.zeros(1), "epoch": 3},
        {0: torch.zeros(1)},
        torch.zeros(1),
    ],
    ids=["list", "empty", "checkpoint", "number", "no names", "tensor"],
)
def test_what_is_no_plain_state_dict_is_refused_with_the_remedy(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(AtlasError, match=r"not a plain state dict.*torch\.save\(module\.state_dict\(\), path\)"):
        read_weights(tmp_path / "weights.pth")


def test_a_whole_module_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(AtlasError, match=r"write it anew with torch\.save"):
        read_weights(tmp_path / "module.pth")


def write(kind: str, path: Path) -> None:
    if kind == "safetensors":
        save_file(state(), path)
    else:
        torch.save(state(), path, _use_new_zipfile_serialization=kind == "zip")


@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.95])
def test_a_truncated_file_is_refused_by_name(tmp_path: Path, kind: str, part: float) -> None:
    path = tmp_path / "weights.pth"
    write(kind, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(AtlasError, match=r"Weights file .*weights\.pth is damaged"):
        read_weights(path)


@settings(max_examples=60, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=40),
        st.binary(max_size=40).map(lambda tail: b"PK\x03\x04" + tail),
        st.binary(max_size=40).map(lambda tail: b"\x80\x02" + tail),
        st.binary(max_size=40).map(lambda tail: struct.pack("<Q", len(tail) + 1) + b"{" + tail),
    )
)
def test_no_bytes_make_the_reader_fail_in_another_way(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.pth"
    path.write_bytes(content)
    with pytest.raises(AtlasError, match=r"noise\.pth") as refusal:
        read_weights(path)
    assert "\n" not in str(refusal.value)


def test_a_safetensors_header_longer_than_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "huge.safetensors").write_bytes(struct.pack("<Q", (1 << 32) - 1) + b"{}")
    with pytest.raises(AtlasError, match="is damaged"):
        read_weights(tmp_path / "huge.safetensors")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match=r"nowhere\.pth does not exist"):
        read_weights(tmp_path / "nowhere.pth")
    with pytest.raises(AtlasError, match="is a folder"):
        read_weights(tmp_path)


def test_weights_that_fit_pass_the_check() -> None:
    check_state_dict(state(), {name: value.shape for name, value in state().items()}, "weights.pth")


def test_what_does_not_fit_is_counted_and_named() -> None:
    expected = {name: value.shape for name, value in state().items()}
    expected["conv.bias"] = torch.Size([3])
    expected |= {f"head{number}": torch.Size([1]) for number in range(5)}
    with pytest.raises(AtlasError) as refusal:
        check_state_dict(state() | {"extra": torch.zeros(1)}, expected, "weights.pth")
    message = str(refusal.value)
    assert message.startswith("weights.pth does not fit the network: ")
    assert "5 missing (head0, head1, head2, …)" in message
    assert "1 unexpected (extra)" in message
    assert "1 of another shape (conv.bias: (2,), needed (3,))" in message
    assert "\n" not in message


def test_the_digest_ignores_order_and_memory_layout_alone() -> None:
    reference = state_digest(state())
    turned = dict(reversed(state().items()))
    turned["conv.weight"] = turned["conv.weight"].to(memory_format=torch.channels_last)
    assert state_digest(turned) == reference
    changed = [
        state() | {"steps": torch.tensor(8)},
        state() | {"steps": torch.tensor([7])},
        state() | {"steps": torch.tensor(7, dtype=torch.int32)},
        state() | {"conv.bias": torch.tensor([0.5, -1.0], dtype=torch.bfloat16)},
        state() | {"none": torch.zeros(0)},
        {name.upper(): value for name, value in state().items()},
    ]
    assert len({reference, *map(state_digest, changed)}) == 7


def test_a_file_is_fetched_once_and_then_taken_from_the_cache(cache: Path, published: Path) -> None:
    url = published.as_uri()
    path = fetch(url, "weights.pth", sha256=SHA256)
    assert path == cache / "weights.pth"
    published.unlink()
    assert fetch(url, "weights.pth", sha256=SHA256).read_bytes() == CONTENT
    assert [file.name for file in cache.iterdir()] == ["weights.pth"]


def test_the_first_digits_of_a_checksum_are_enough(cache: Path, published: Path) -> None:
    assert fetch(published.as_uri(), "weights.pth", sha256=SHA256[:8]).exists()
    with pytest.raises(AtlasError, match="SHA-256"):
        fetch(published.as_uri(), "other.pth", sha256="00000000")


def test_a_file_with_another_checksum_is_not_kept(cache: Path, published: Path) -> None:
    with pytest.raises(AtlasError, match=f"SHA-256 {SHA256}, not {'0' * 64}"):
        fetch(published.as_uri(), "weights.pth", sha256="0" * 64)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("known", [True, False], ids=["published", "seen first"])
def test_damage_in_the_cache_is_found(cache: Path, published: Path, known: bool) -> None:
    sha256 = SHA256 if known else None
    fetch(published.as_uri(), "weights.pth", sha256=sha256)
    (cache / "weights.pth").write_bytes(CONTENT[:-1])
    with pytest.raises(AtlasError, match=r"weights\.pth is damaged.*delete it"):
        fetch(published.as_uri(), "weights.pth", sha256=sha256)
    (cache / "weights.pth").unlink()
    assert fetch(published.as_uri(), "weights.pth", sha256=sha256).read_bytes() == CONTENT


def test_a_hash_seen_first_is_written_down_and_held_to(cache: Path, published: Path) -> None:
    fetch(published.as_uri(), "weights.pth", sha256=None)
    pin = cache / "weights.pth.sha256"
    assert pin.read_text(encoding="ascii").strip() == SHA256
    (cache / "weights.pth").unlink()
    published.write_bytes(b"something else")
    with pytest.raises(AtlasError, match=r"replaced on purpose, delete .*weights\.pth\.sha256"):
        fetch(published.as_uri(), "weights.pth", sha256=None)
    pin.unlink()
    assert fetch(published.as_uri(), "weights.pth", sha256=None).read_bytes() == b"something else"


def test_a_file_put_into_the_cache_by_hand_needs_no_network(cache: Path) -> None:
    cache.mkdir()
    (cache / "weights.pth").write_bytes(CONTENT)
    assert fetch("https://127.0.0.1:1/weights.pth", "weights.pth", sha256=None).read_bytes() == CONTENT


def test_no_network_says_what_to_download_and_where_to_put_it(cache: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/weights.pth"
        with pytest.raises(AtlasError) as refusal:
            fetch(url, "weights.pth", sha256=None)
    message = str(refusal.value)
    assert url in message
    assert "weights=PATH" in message
    assert str(cache / "weights.pth") in message
    assert "\n" not in message
    assert list(cache.iterdir()) == []


def test_a_download_over_http_arrives_whole(cache: Path, server: str) -> None:
    assert fetch(f"{server}/whole", "weights.pth", sha256=SHA256).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("missing", "404"),
        ("short", "ended after 5,000 of 12,000 bytes"),
        ("away", "neither an https nor a file URL"),
    ],
)
def test_a_failed_download_leaves_nothing_behind(cache: Path, server: str, page: str, reason: str) -> None:
    with pytest.raises(AtlasError, match=reason):
        fetch(f"{server}/{page}", "weights.pth", sha256=None)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("url", ["http://example.com/w.pth", "ftp://example.com/w.pth", "weights.pth"])
def test_an_insecure_address_is_refused(cache: Path, url: str) -> None:
    with pytest.raises(AtlasError, match="neither an https nor a file URL"):
        fetch(url, "weights.pth", sha256=None)


def test_an_unusable_cache_folder_is_named(tmp_path: Path, published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(AtlasError, match="set ATLAS_CACHE to another"):
        fetch(published.as_uri(), "weights.pth", sha256=None)


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "base/activation-atlas"),
        ("win32", "LOCALAPPDATA", "base/activation-atlas"),
        ("linux", None, "home/.cache/activation-atlas"),
        ("darwin", None, "home/Library/Caches/activation-atlas"),
        ("win32", None, "home/AppData/Local/activation-atlas"),
    ],
)
def test_the_cache_lies_where_the_platform_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, variable: str | None, expected: str
) -> None:
    for name in ("ATLAS_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(sys, "platform", platform)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "base"))
    assert cache_folder() == tmp_path / expected
