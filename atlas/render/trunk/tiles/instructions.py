"""A processor's matrix tiles (Intel's AMX): eight registers of 16 x 64 bytes, and the product of two of them.

One instruction adds the product of 16 x 32 and 32 x 16 numbers in bfloat16 to 16 x 16 in float32. Reference: Intel 64
and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from llvmlite import binding as llvm
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from atlas.render.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BYTE, _LONG = ir.IntType(8), ir.IntType(64)
_POINTER = _BYTE.as_pointer()


def _call(context: Any, builder: ir.IRBuilder, name: str, arguments: list[Any]) -> Any:  # noqa: ANN401 - numba's types
    signature = ir.FunctionType(ir.VoidType(), [argument.type for argument in arguments])
    builder.call(cgutils.get_or_insert_function(builder.module, signature, f"llvm.x86.{name}"), arguments)
    return context.get_dummy_value()


@intrinsic  # type: ignore[untyped-decorator]
def configure(_context: Any, _address: Any) -> Any:  # noqa: ANN401
    """Set the shapes of this thread's tiles from 64 bytes, see `shapes`; zeros put them out of use."""

    def generate(context: Any, builder: ir.IRBuilder, _s: Any, arguments: Any) -> Any:  # noqa: ANN401
        return _call(context, builder, "ldtilecfg", [builder.inttoptr(arguments[0], _POINTER)])

    return types.none(types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def configuration(_context: Any, _address: Any) -> Any:  # noqa: ANN401
    """Write this thread's shapes to 64 bytes."""

    def generate(context: Any, builder: ir.IRBuilder, _s: Any, arguments: Any) -> Any:  # noqa: ANN401
        return _call(context, builder, "sttilecfg", [builder.inttoptr(arguments[0], _POINTER)])

    return types.none(types.int64), generate


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def clear(_context: Any, tile: Any) -> Any:  # noqa: ANN401
    """Zeros."""

    def generate(context: Any, builder: ir.IRBuilder, _s: Any, _a: Any) -> Any:  # noqa: ANN401
        return _call(context, builder, "tilezero", [_BYTE(tile.literal_value)])

    return types.none(tile), generate


def _memory(name: str) -> Any:  # noqa: ANN401
    def instruction(_context: Any, tile: Any, _address: Any, _stride: Any) -> Any:  # noqa: ANN401
        def generate(context: Any, builder: ir.IRBuilder, _s: Any, arguments: Any) -> Any:  # noqa: ANN401
            place = builder.inttoptr(arguments[1], _POINTER)
            return _call(context, builder, name, [_BYTE(tile.literal_value), place, arguments[2]])

        return types.none(tile, types.int64, types.int64), generate

    return intrinsic(prefer_literal=True)(instruction)


#: (tile, address, bytes from row to row).
read = _memory("tileloadd64")
write = _memory("tilestored64")


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def multiply(_context: Any, total: Any, left: Any, right: Any) -> Any:  # noqa: ANN401
    """Add the product of two tiles to a third."""

    def generate(context: Any, builder: ir.IRBuilder, _s: Any, _a: Any) -> Any:  # noqa: ANN401
        return _call(context, builder, "tdpbf16ps", [_BYTE(t.literal_value) for t in (total, left, right)])

    return types.none(total, left, right), generate


def shapes(rows: int) -> NDArray[np.uint8]:
    """For `configure`: tiles 0 to 5 of so many rows, 6 and 7 of 16 pairs of rows, all of 64 bytes."""
    found = np.zeros(64, dtype=np.uint8)
    found[0] = 1
    found[16:32].view(np.uint16)[:] = 64
    found[48:56] = [rows] * 6 + [16] * 2
    return found


@compiled
def _try(shape: int, before: int, left: int, right: int, out: int) -> None:
    configuration(before)
    configure(shape)
    clear(0)
    read(4, left, 64)
    read(6, right, 64)
    multiply(0, 4, 6)
    write(0, out, 64)
    configure(before)


@cache
def have_tiles() -> bool:
    """Whether this processor has tiles, the system lets a process use them, and they multiply right from here."""
    # What is not compiled for this very processor cannot hold its instructions: LLVM would end the process.
    if config.CPU_NAME is not None or config.CPU_FEATURES is not None:
        return False
    known = llvm.get_host_cpu_features()
    if not all(known.get(name) for name in ("amx-tile", "amx-bf16", "avx512bf16", "avx512bw", "avx512vl")):
        return False
    try:
        # The system has to be asked once a process.
        if not torch.cpu._init_amx():  # noqa: SLF001
            return False
    except (AttributeError, RuntimeError):
        return False
    left = np.arange(16 * 32, dtype=np.float32).reshape(16, 32) % 7
    right = np.arange(32 * 16, dtype=np.float32).reshape(32, 16) % 5
    halves = [(x.view(np.uint32) >> 16).astype(np.uint16) for x in (left, right)]
    paired = np.ascontiguousarray(halves[1].reshape(16, 2, 16).transpose(0, 2, 1))
    out, before = np.zeros((16, 16), dtype=np.float32), np.zeros(64, dtype=np.uint8)
    _try(*(x.ctypes.data for x in (shapes(16), before, halves[0], paired, out)))
    return bool(np.array_equal(out, left @ right))
