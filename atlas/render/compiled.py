"""Loops for a processor, compiled by numba: what torch has no fast operator for.

bfloat16 is no type of numba's: its values are handled as their bits, uint16, and computed in float32.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor


def sources_digest(folder: Path) -> str:
    """Digest of the modules below a folder that hold loops: those that import this one, and this one."""
    state = hashlib.blake2b(digest_size=4)
    for path in sorted(folder.rglob("*.py")):
        source = path.read_bytes()
        if b"atlas.render.compiled" in source or path.name == Path(__file__).name:
            state.update(source)
    return state.hexdigest()


_SOURCES = sources_digest(Path(__file__).parent)


def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """`function` as machine code, kept on disk where a place for that can be written; it runs beside other threads."""
    # numba finds what it has kept by this name, and looks at the function's own file alone for changes: without the
    # digest, a change of a helper in another module would go unnoticed.
    function.__qualname__ += f"_{_SOURCES}"
    options: dict[str, Any] = {"nogil": True, "fastmath": {"contract", "reassoc", "nsz"}, "error_model": "numpy"}
    try:
        found: Callable[..., None] = njit(cache=True, **options)(function)
    except RuntimeError:
        found = njit(**options)(function)
    return found


def bits(x: Tensor) -> NDArray[Any]:
    """Memory of maps (B, C, h, w), channels last, as an array (B, h, w, C): float32, or the bits of bfloat16."""
    rows = x.permute(0, 2, 3, 1)
    return rows.view(torch.uint16).numpy() if x.dtype == torch.bfloat16 else rows.numpy()


def signed(x: Tensor) -> NDArray[Any]:
    """The same as signed integers, which sort as the values do where these are not negative."""
    array = bits(x)
    return array.view(np.int16 if x.dtype == torch.bfloat16 else np.int32)


@intrinsic  # type: ignore[untyped-decorator]
def as_float(_context: Any, _bits: Any) -> Any:  # noqa: ANN401 - numba's types
    """The float32 with these bits."""

    def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:  # noqa: ANN401
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.uint32), generate


@intrinsic  # type: ignore[untyped-decorator]
def as_bits(_context: Any, _value: Any) -> Any:  # noqa: ANN401
    """Bits of a float32."""

    def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:  # noqa: ANN401
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.uint32(types.float32), generate


@intrinsic  # type: ignore[untyped-decorator]
def wide(_context: Any, kind: Any) -> Any:  # noqa: ANN401 - numba's types
    """An element of an array of `bits` as float32."""

    def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:  # noqa: ANN401
        if kind == types.float32:
            return arguments[0]
        word = ir.IntType(32)
        return builder.bitcast(builder.shl(builder.zext(arguments[0], word), word(16)), ir.FloatType())

    return types.float32(kind), generate


@intrinsic  # type: ignore[untyped-decorator]
def narrow(_context: Any, _value: Any, kind: Any) -> Any:  # noqa: ANN401
    """A float32 as an element like the second argument, rounded to nearest even."""

    def generate(_c: Any, builder: Any, _s: Any, arguments: Any) -> Any:  # noqa: ANN401
        if kind == types.float32:
            return arguments[0]
        word = ir.IntType(32)
        pattern = builder.bitcast(arguments[0], word)
        odd = builder.and_(builder.lshr(pattern, word(16)), word(1))
        rounded = builder.add(builder.add(pattern, word(0x7FFF)), odd)
        return builder.trunc(builder.lshr(rounded, word(16)), ir.IntType(16))

    return kind(types.float32, kind), generate


def helper(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` to be used within `compiled` ones."""
    found: Callable[..., Any] = njit(inline="always")(function)
    return found
