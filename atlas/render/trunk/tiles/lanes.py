"""Several float32 in one register, for compiled loops that say themselves what is done at once.

A value of type `Lanes` holds 16 (or 4) numbers; addresses are integers. Loops over maps with few channels are too short
for a compiler to find this by itself: it has to prove first, anew for every position, that nothing overlaps.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

if TYPE_CHECKING:
    from collections.abc import Callable

_WORD, _HALF, _BYTE, _BIT = (ir.IntType(n) for n in (32, 16, 8, 1))
_FLOAT = ir.FloatType()
#: Products may be fused with sums, as everywhere in `compiled`.
_FAST = ("contract",)


class _BFloat(ir.Type):  # type: ignore[misc]
    """LLVM's bfloat16, which llvmlite has no name for."""

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BFloat)

    def __hash__(self) -> int:
        return hash(_BFloat)


class Lanes(types.Type):  # type: ignore[misc]
    """`count` numbers of one kind: "float", "short" (signed 16 bits) or "byte"."""

    def __init__(self, kind: str, count: int) -> None:
        self.kind, self.count = kind, count
        super().__init__(name=f"Lanes({kind}, {count})")

    @property
    def llvm(self) -> ir.VectorType:
        """The register's type."""
        return ir.VectorType({"float": _FLOAT, "short": _HALF, "byte": _BYTE}[self.kind], self.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Lanes) -> None:  # noqa: ANN401 - numba's
        super().__init__(manager, kind, kind.llvm)


FLOATS, FOUR = Lanes("float", 16), Lanes("float", 4)
SHORTS, BYTES = Lanes("short", 32), Lanes("byte", 32)


def _constant(kind: ir.Type, count: int, value: float) -> ir.Constant:
    return ir.Constant(ir.VectorType(kind, count), [ir.Constant(kind, value)] * count)


def _splat(builder: ir.IRBuilder, value: Any, count: int) -> Any:  # noqa: ANN401
    one = builder.insert_element(ir.Constant(ir.VectorType(value.type, count), ir.Undefined), value, _WORD(0))
    return builder.shuffle_vector(one, one, _constant(_WORD, count, 0))


def _at(builder: ir.IRBuilder, address: Any, kind: ir.Type) -> Any:  # noqa: ANN401
    return builder.inttoptr(address, kind.as_pointer())


def _read(builder: ir.IRBuilder, address: Any, kind: ir.Type, align: int) -> Any:  # noqa: ANN401
    return builder.load(_at(builder, address, kind), align=align)


def _wide(builder: ir.IRBuilder, pattern: Any, count: int) -> Any:  # noqa: ANN401
    word = builder.zext(pattern, ir.VectorType(_WORD, count))
    return builder.bitcast(builder.shl(word, _constant(_WORD, count, 16)), ir.VectorType(_FLOAT, count))


def _narrow(builder: ir.IRBuilder, value: Any, count: int) -> Any:  # noqa: ANN401
    """Bits of bfloat16, to nearest even: one instruction."""
    rounded = builder.fptrunc(value, ir.VectorType(_BFloat(), count))
    return builder.bitcast(rounded, ir.VectorType(_HALF, count))


def _intrinsic(signature: Any, body: Callable[[ir.IRBuilder, Any], Any]) -> Callable[..., Any]:  # noqa: ANN401
    """A function of numba's, of this signature, that `body` writes from a builder and the arguments."""

    def generate(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        found = body(builder, arguments)
        return context.get_dummy_value() if found is None else found

    n = len(signature.args)
    if n == 1:
        return intrinsic(lambda _context, _a: (signature, generate))  # type: ignore[no-any-return]
    if n == 2:
        return intrinsic(lambda _context, _a, _b: (signature, generate))  # type: ignore[no-any-return]
    return intrinsic(lambda _context, _a, _b, _c: (signature, generate))  # type: ignore[no-any-return]


_I = types.int64

#: One integer, of 64 bits, at an address; one number in float32.
load_long = _intrinsic(_I(_I), lambda b, a: _read(b, a[0], ir.IntType(64), 8))
load_float = _intrinsic(types.float32(_I), lambda b, a: _read(b, a[0], _FLOAT, 4))
#: 16 numbers in float32 at an address.
load = _intrinsic(FLOATS(_I), lambda b, a: _read(b, a[0], FLOATS.llvm, 4))
#: 16 numbers in bfloat16 at an address.
load_half = _intrinsic(FLOATS(_I), lambda b, a: _wide(b, _read(b, a[0], ir.VectorType(_HALF, 16), 2), 16))
load4 = _intrinsic(FOUR(_I), lambda b, a: _read(b, a[0], FOUR.llvm, 4))
load4_half = _intrinsic(FOUR(_I), lambda b, a: _wide(b, _read(b, a[0], ir.VectorType(_HALF, 4), 2), 4))
#: 32 numbers in bfloat16 as signed integers, which sort alike where they are not negative; 32 bytes.
load_shorts = _intrinsic(SHORTS(_I), lambda b, a: _read(b, a[0], SHORTS.llvm, 2))
store = _intrinsic(types.none(_I, FLOATS), lambda b, a: _write(b, a[0], a[1], 4))
store_half = _intrinsic(types.none(_I, FLOATS), lambda b, a: _write(b, a[0], _narrow(b, a[1], 16), 2))
store4 = _intrinsic(types.none(_I, FOUR), lambda b, a: _write(b, a[0], a[1], 4))
store4_half = _intrinsic(types.none(_I, FOUR), lambda b, a: _write(b, a[0], _narrow(b, a[1], 4), 2))
store_shorts = _intrinsic(types.none(_I, SHORTS), lambda b, a: _write(b, a[0], a[1], 2))
store_bytes = _intrinsic(types.none(_I, BYTES), lambda b, a: _write(b, a[0], a[1], 1))
#: The same number 16 (4) times.
all16 = _intrinsic(FLOATS(types.float32), lambda b, a: _splat(b, a[0], 16))
all4 = _intrinsic(FOUR(types.float32), lambda b, a: _splat(b, a[0], 4))
all_shorts = _intrinsic(SHORTS(types.int16), lambda b, a: _splat(b, a[0], 32))
all_bytes = _intrinsic(BYTES(types.uint8), lambda b, a: _splat(b, a[0], 32))
#: The greater of two.
greater = _intrinsic(FLOATS(FLOATS, FLOATS), lambda b, a: b.select(b.fcmp_ordered(">", a[0], a[1]), a[0], a[1]))
#: The second where the first is above zero, else zero.
where_positive = _intrinsic(
    FLOATS(FLOATS, FLOATS),
    lambda b, a: b.select(b.fcmp_ordered(">", a[0], _constant(_FLOAT, 16, 0.0)), a[1], _constant(_FLOAT, 16, 0.0)),
)


#: The second where the first is above zero, else the lesser of it and zero.
where_positive_or_negative = _intrinsic(
    FLOATS(FLOATS, FLOATS),
    lambda b, a: b.select(
        b.or_(
            b.fcmp_ordered(">", a[0], _constant(_FLOAT, 16, 0.0)), b.fcmp_ordered("<", a[1], _constant(_FLOAT, 16, 0.0))
        ),
        a[1],
        _constant(_FLOAT, 16, 0.0),
    ),
)
#: Whether any is not zero.
any_of = _intrinsic(
    types.boolean(FLOATS),
    lambda b, a: b.icmp_unsigned(
        "!=", b.bitcast(b.fcmp_ordered("!=", a[0], _constant(_FLOAT, 16, 0.0)), _HALF), _HALF(0)
    ),
)


def _write(builder: ir.IRBuilder, address: Any, value: Any, align: int) -> None:  # noqa: ANN401
    builder.store(value, _at(builder, address, value.type), align=align)


def _chosen(builder: ir.IRBuilder, arguments: Any) -> Any:  # noqa: ANN401
    address, place, value = arguments
    origin = _read(builder, address, ir.VectorType(_BYTE, 16), 1)
    here = builder.icmp_unsigned("==", origin, _splat(builder, place, 16))
    return builder.select(here, value, _constant(_FLOAT, 16, 0.0))


#: The third where the byte at the address is the second, else zero.
where_byte = _intrinsic(FLOATS(_I, types.uint8, FLOATS), _chosen)

#: The greater of two in 32 signed integers.
greater_short = _intrinsic(SHORTS(SHORTS, SHORTS), lambda b, a: b.select(b.icmp_signed(">", a[0], a[1]), a[0], a[1]))


@intrinsic  # type: ignore[untyped-decorator]
def place_if_greater(_context: Any, _value: Any, _best: Any, _place: Any, _before: Any) -> Any:  # noqa: ANN401
    """Place (uint8) in those of 32 lanes in which the value is greater than the best before, else the place before."""

    def generate(_c: Any, builder: ir.IRBuilder, _s: Any, arguments: Any) -> Any:  # noqa: ANN401
        value, best, place, before = arguments
        return builder.select(builder.icmp_signed(">", value, best), _splat(builder, place, 32), before)

    return BYTES(SHORTS, SHORTS, types.uint8, BYTES), generate


def _inverse_root(builder: ir.IRBuilder, arguments: Any) -> Any:  # noqa: ANN401
    # A step of Newton's brings the machine's guess of 14 bits to float32's precision.
    x = arguments[0]
    kinds = [FLOATS.llvm, FLOATS.llvm, _HALF]
    guess = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(FLOATS.llvm, kinds), "llvm.x86.avx512.rsqrt14.ps.512"
    )
    y = builder.call(guess, [x, x, _HALF(-1)])
    half = builder.fmul(x, _constant(_FLOAT, 16, 0.5), flags=_FAST)
    square = builder.fmul(y, y, flags=_FAST)
    rest = builder.fsub(_constant(_FLOAT, 16, 1.5), builder.fmul(half, square, flags=_FAST), flags=_FAST)
    return builder.fmul(y, rest, flags=_FAST)


#: One over the square root of positive numbers.
inverse_root = _intrinsic(FLOATS(FLOATS), _inverse_root)


def _arithmetic(operation: Callable[..., Any], name: str, kind: Lanes) -> None:
    apply = _intrinsic(kind(kind, kind), lambda b, a: getattr(b, name)(a[0], a[1], flags=_FAST))

    def both(a: Any, b: Any) -> Any:  # noqa: ANN401
        return apply(a, b)

    # Of the same annotated arguments as what it chooses: numba compares them.
    def choose(a: Any, b: Any) -> Any:  # noqa: ANN401
        return both if (a, b) == (kind, kind) else None

    overload(operation)(choose)


for _kind in (FLOATS, FOUR):
    _arithmetic(operator.add, "fadd", _kind)
    _arithmetic(operator.sub, "fsub", _kind)
    _arithmetic(operator.mul, "fmul", _kind)
