"""Several numbers in one register, for compiled loops that say themselves what is done at once.

A value of type `Lanes` holds 16 (or 4) of float32; addresses are integers. Loops over maps with few channels are too
short for a compiler to find this by itself: it has to prove first, anew for every position, that nothing overlaps.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

if TYPE_CHECKING:
    from collections.abc import Callable

WORD, HALF, _BYTE, _BIT = (ir.IntType(n) for n in (32, 16, 8, 1))
FLOAT = ir.FloatType()
#: Products may be fused with sums, as everywhere in `compiled`.
FAST = ("contract",)


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
        return ir.VectorType({"float": FLOAT, "short": HALF, "byte": _BYTE}[self.kind], self.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Lanes) -> None:  # noqa: ANN401 - numba's
        super().__init__(manager, kind, kind.llvm)


FLOATS, FOUR = Lanes("float", 16), Lanes("float", 4)
SHORTS, BYTES = Lanes("short", 32), Lanes("byte", 32)


def constant(kind: ir.Type, count: int, value: float) -> ir.Constant:
    """The same number in every lane."""
    return ir.Constant(ir.VectorType(kind, count), [ir.Constant(kind, value)] * count)


def _splat(builder: ir.IRBuilder, value: Any, count: int) -> Any:  # noqa: ANN401
    one = builder.insert_element(ir.Constant(ir.VectorType(value.type, count), ir.Undefined), value, WORD(0))
    return builder.shuffle_vector(one, one, constant(WORD, count, 0))


def _at(builder: ir.IRBuilder, address: Any, kind: ir.Type) -> Any:  # noqa: ANN401
    return builder.inttoptr(address, kind.as_pointer())


def _read(builder: ir.IRBuilder, address: Any, kind: ir.Type, align: int) -> Any:  # noqa: ANN401
    return builder.load(_at(builder, address, kind), align=align)


def _wide(builder: ir.IRBuilder, pattern: Any, count: int) -> Any:  # noqa: ANN401
    word = builder.zext(pattern, ir.VectorType(WORD, count))
    return builder.bitcast(builder.shl(word, constant(WORD, count, 16)), ir.VectorType(FLOAT, count))


def _narrow(builder: ir.IRBuilder, value: Any, count: int) -> Any:  # noqa: ANN401
    """Bits of bfloat16, to nearest even: one instruction."""
    rounded = builder.fptrunc(value, ir.VectorType(_BFloat(), count))
    return builder.bitcast(rounded, ir.VectorType(HALF, count))


def define(signature: Any, body: Callable[[ir.IRBuilder, Any], Any]) -> Callable[..., Any]:  # noqa: ANN401
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
load_long = define(_I(_I), lambda b, a: _read(b, a[0], ir.IntType(64), 8))
load_float = define(types.float32(_I), lambda b, a: _read(b, a[0], FLOAT, 4))
#: 16 numbers in float32 at an address.
load = define(FLOATS(_I), lambda b, a: _read(b, a[0], FLOATS.llvm, 4))
#: 16 numbers in bfloat16 at an address.
load_half = define(FLOATS(_I), lambda b, a: _wide(b, _read(b, a[0], ir.VectorType(HALF, 16), 2), 16))
load4 = define(FOUR(_I), lambda b, a: _read(b, a[0], FOUR.llvm, 4))
load4_half = define(FOUR(_I), lambda b, a: _wide(b, _read(b, a[0], ir.VectorType(HALF, 4), 2), 4))
#: 32 numbers in bfloat16 as signed integers, which sort alike where they are not negative; 32 bytes.
load_shorts = define(SHORTS(_I), lambda b, a: _read(b, a[0], SHORTS.llvm, 2))
store = define(types.none(_I, FLOATS), lambda b, a: _write(b, a[0], a[1], 4))
store_half = define(types.none(_I, FLOATS), lambda b, a: _write(b, a[0], _narrow(b, a[1], 16), 2))
store_float = define(types.none(_I, types.float32), lambda b, a: _write(b, a[0], a[1], 4))
store4 = define(types.none(_I, FOUR), lambda b, a: _write(b, a[0], a[1], 4))
store4_half = define(types.none(_I, FOUR), lambda b, a: _write(b, a[0], _narrow(b, a[1], 4), 2))
store_shorts = define(types.none(_I, SHORTS), lambda b, a: _write(b, a[0], a[1], 2))
store_bytes = define(types.none(_I, BYTES), lambda b, a: _write(b, a[0], a[1], 1))
#: The same number 16 (4) times.
all16 = define(FLOATS(types.float32), lambda b, a: _splat(b, a[0], 16))
all4 = define(FOUR(types.float32), lambda b, a: _splat(b, a[0], 4))
all_shorts = define(SHORTS(types.int16), lambda b, a: _splat(b, a[0], 32))
all_bytes = define(BYTES(types.uint8), lambda b, a: _splat(b, a[0], 32))
#: The greater of two.
greater = define(FLOATS(FLOATS, FLOATS), lambda b, a: b.select(b.fcmp_ordered(">", a[0], a[1]), a[0], a[1]))
#: The lesser of two.
lesser = define(FLOATS(FLOATS, FLOATS), lambda b, a: b.select(b.fcmp_ordered("<", a[0], a[1]), a[0], a[1]))
#: The second where the first is above zero, else zero.
where_positive = define(
    FLOATS(FLOATS, FLOATS),
    lambda b, a: b.select(b.fcmp_ordered(">", a[0], constant(FLOAT, 16, 0.0)), a[1], constant(FLOAT, 16, 0.0)),
)


#: The second where the first is above zero, else the lesser of it and zero.
where_positive_or_negative = define(
    FLOATS(FLOATS, FLOATS),
    lambda b, a: b.select(
        b.or_(b.fcmp_ordered(">", a[0], constant(FLOAT, 16, 0.0)), b.fcmp_ordered("<", a[1], constant(FLOAT, 16, 0.0))),
        a[1],
        constant(FLOAT, 16, 0.0),
    ),
)
#: Whether any is not zero.
any_of = define(
    types.boolean(FLOATS),
    lambda b, a: b.icmp_unsigned("!=", b.bitcast(b.fcmp_ordered("!=", a[0], constant(FLOAT, 16, 0.0)), HALF), HALF(0)),
)


def _write(builder: ir.IRBuilder, address: Any, value: Any, align: int) -> None:  # noqa: ANN401
    builder.store(value, _at(builder, address, value.type), align=align)


def _chosen(builder: ir.IRBuilder, arguments: Any) -> Any:  # noqa: ANN401
    address, place, value = arguments
    origin = _read(builder, address, ir.VectorType(_BYTE, 16), 1)
    here = builder.icmp_unsigned("==", origin, _splat(builder, place, 16))
    return builder.select(here, value, constant(FLOAT, 16, 0.0))


#: The third where the byte at the address is the second, else zero.
where_byte = define(FLOATS(_I, types.uint8, FLOATS), _chosen)

#: The greater of two in 32 signed integers.
greater_short = define(SHORTS(SHORTS, SHORTS), lambda b, a: b.select(b.icmp_signed(">", a[0], a[1]), a[0], a[1]))


@intrinsic  # type: ignore[untyped-decorator]
def place_if_greater(_context: Any, _value: Any, _best: Any, _place: Any, _before: Any) -> Any:  # noqa: ANN401
    """Place (uint8) in those of 32 lanes in which the value is greater than the best before, else the place before."""

    def generate(_c: Any, builder: ir.IRBuilder, _s: Any, arguments: Any) -> Any:  # noqa: ANN401
        value, best, place, before = arguments
        return builder.select(builder.icmp_signed(">", value, best), _splat(builder, place, 32), before)

    return BYTES(SHORTS, SHORTS, types.uint8, BYTES), generate


def _transpose(builder: ir.IRBuilder, arguments: Any) -> None:  # noqa: ANN401
    x, x_row, last, y, y_row = arguments
    long = x.type
    rows = []
    for n in range(16):
        row = builder.select(builder.icmp_signed("<", long(n), last), long(n), last)
        rows.append(_read(builder, builder.add(x, builder.mul(row, x_row)), FLOATS.llvm, 4))
    # Four times, numbers of rows n and n + 8 in turns become rows 2 n and 2 n + 1.
    for _ in range(4):
        turns = []
        for a, b in zip(rows[:8], rows[8:], strict=True):
            for half in (0, 8):
                order = [half + n // 2 + 16 * (n % 2) for n in range(16)]
                mask = ir.Constant(ir.VectorType(WORD, 16), [WORD(n) for n in order])
                turns.append(builder.shuffle_vector(a, b, mask))
        rows = turns
    for n, row in enumerate(rows):
        _write(builder, builder.add(y, builder.mul(long(n), y_row)), row, 4)


@intrinsic  # type: ignore[untyped-decorator]
def transpose(_context: Any, _x: Any, _x_row: Any, _last: Any, _y: Any, _y_row: Any) -> Any:  # noqa: ANN401
    """Write 16 rows of 16 numbers at an address as columns to another. Rows after `last` are read as it.

    With the bytes from row to row of both.
    """

    def generate(context: Any, builder: ir.IRBuilder, _s: Any, arguments: Any) -> Any:  # noqa: ANN401
        _transpose(builder, arguments)
        return context.get_dummy_value()

    return types.none(_I, _I, _I, _I, _I), generate


def _arithmetic(operation: Callable[..., Any], name: str, kind: Lanes) -> None:
    apply = define(kind(kind, kind), lambda b, a: getattr(b, name)(a[0], a[1], flags=FAST))

    def both(a: Any, b: Any) -> Any:  # noqa: ANN401
        return apply(a, b)

    # Of the same annotated arguments as what it chooses: numba compares them.
    def choose(a: Any, b: Any) -> Any:  # noqa: ANN401
        return both if (a, b) == (kind, kind) else None

    overload(operation)(choose)


_negative = define(FLOATS(FLOATS), lambda b, a: b.fneg(a[0]))


@overload(operator.neg)  # type: ignore[untyped-decorator]
def _minus(a: Any) -> Any:  # noqa: ANN401
    def minus(a: Any) -> Any:  # noqa: ANN401
        return _negative(a)

    return minus if a == FLOATS else None


for _kind in (FLOATS, FOUR):
    _arithmetic(operator.add, "fadd", _kind)
    _arithmetic(operator.sub, "fsub", _kind)
    _arithmetic(operator.mul, "fmul", _kind)
    _arithmetic(operator.truediv, "fdiv", _kind)
