"""Weights are fetched once, checked, and kept where the platform wants them."""

from __future__ import annotations

import hashlib
import socket
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from atlas.errors import AtlasError
from atlas.models.weights import cache_folder, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator


CONTENT = b"some weights" * 1000


SHA256 = hashlib.sha256(CONTENT).hexdigest()


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
