"""Digests of settings and data."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def canonical_json(value: Mapping[str, Any] | list[Any]) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def digest_of(value: Mapping[str, Any] | list[Any]) -> str:
    """Hexadecimal BLAKE2b (128 bits) of a value's canonical JSON."""
    return hashlib.blake2b(canonical_json(value), digest_size=16).hexdigest()


def digest_of_bytes(*parts: bytes | memoryview) -> str:
    """Hexadecimal BLAKE2b (128 bits) of bytes."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(part)
    return state.hexdigest()
