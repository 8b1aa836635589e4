"""Elementary functions of 16 numbers in one register, see `lanes`."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils

from atlas.render.lanes import FAST, FLOAT, FLOATS, HALF, WORD, constant, define


def _inverse_root(builder: ir.IRBuilder, arguments: Any) -> Any:  # noqa: ANN401
    # A step of Newton's brings the machine's guess of 14 bits to float32's precision.
    x = arguments[0]
    kinds = [FLOATS.llvm, FLOATS.llvm, HALF]
    guess = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(FLOATS.llvm, kinds), "llvm.x86.avx512.rsqrt14.ps.512"
    )
    y = builder.call(guess, [x, x, HALF(-1)])
    half = builder.fmul(x, constant(FLOAT, 16, 0.5), flags=FAST)
    square = builder.fmul(y, y, flags=FAST)
    rest = builder.fsub(constant(FLOAT, 16, 1.5), builder.fmul(half, square, flags=FAST), flags=FAST)
    return builder.fmul(y, rest, flags=FAST)


#: One over the square root of positive numbers.
inverse_root = define(FLOATS(FLOATS), _inverse_root)


def _unary(builder: ir.IRBuilder, name: str, x: Any) -> Any:  # noqa: ANN401
    """LLVM's function of this name of 16 numbers."""
    signature = ir.FunctionType(FLOATS.llvm, [FLOATS.llvm])
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, f"llvm.{name}.v16f32"), [x])


def _exponential(builder: ir.IRBuilder, arguments: Any) -> Any:  # noqa: ANN401
    # exp(x) = 2^n exp(r) with r within log(2) / 2: Cody and Waite's reduction in two steps, the polynomial of Cephes.
    def number(value: float) -> ir.Constant:
        return constant(FLOAT, 16, value)

    def fused(a: Any, b: Any, c: Any) -> Any:  # noqa: ANN401
        return builder.fadd(builder.fmul(a, b, flags=FAST), c, flags=FAST)

    words = ir.VectorType(WORD, 16)
    x = arguments[0]
    n = _unary(builder, "rint", builder.fmul(x, number(1.44269504), flags=FAST))
    rest = fused(n, number(2.12194440e-4), fused(n, number(-0.693359375), x))
    y = number(1.9875691500e-4)
    for factor in (1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1):
        y = fused(y, rest, number(factor))
    y = fused(y, builder.fmul(rest, rest, flags=FAST), builder.fadd(rest, number(1.0), flags=FAST))
    power = builder.shl(builder.fptosi(n, words), constant(WORD, 16, 23))
    return builder.bitcast(builder.add(builder.bitcast(y, words), power), FLOATS.llvm)


#: The exponential, of numbers between -80 and 80.
exponential = define(FLOATS(FLOATS), _exponential)
square_root = define(FLOATS(FLOATS), lambda b, a: _unary(b, "sqrt", a[0]))
