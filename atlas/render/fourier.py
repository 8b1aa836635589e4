"""Fourier transforms of up to 16 images side by side, as compiled loops: every number of one has its own lane.

What is transformed lies image by image innermost: then all is done as for one image, without a number ever changing its
lane, and an image's result does not depend on the others. Stockham's algorithm with factors 2 to 5; a real transform is
a complex one of half the length (Press et al., *Numerical Recipes*, section 12.3).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from atlas.render.compiled import compiled
from atlas.render.lanes import all16, load, load_float, store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plan = tuple[NDArray[np.int64], NDArray[np.float32]]

#: Bytes of a complex number of 16 images.
_NUMBER = 128


def factors(n: int) -> list[int]:
    """Factors 4, 2, 3 and 5 of n, or none if it has others."""
    found, rest = [], n
    for factor in (4, 2, 3, 5):
        while rest % factor == 0:
            found.append(factor)
            rest //= factor
    return found if rest == 1 else []


@lru_cache(maxsize=64)
def plan(n: int) -> Plan:
    """Factors of a length, and its roots of unity (n, 2), ``exp(-2 pi i k / n)``."""
    angle = -2 * np.pi * np.arange(n) / n
    return np.array(factors(n), dtype=np.int64), np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


@compiled
def transform(  # noqa: PLR0915 - written out by factor
    a: int, b: int, factors: NDArray[np.int64], roots: NDArray[np.float32], sign: np.float32
) -> None:
    """Transform the complex numbers at `a`, of so many images each, by way of `b`; the result is in `a`.

    With `sign` 1 forward, with -1 back; neither divides by the length.
    """
    n = len(roots)
    base = roots.ctypes.data
    done = 1
    turn = all16(sign)
    third, half = all16(np.float32(0.8660254037844386) * sign), all16(np.float32(0.5))
    c1, s1 = all16(np.float32(0.30901699437494745)), all16(np.float32(0.9510565162951535) * sign)
    c2, s2 = all16(np.float32(-0.8090169943749475)), all16(np.float32(0.5877852522924731) * sign)
    x, y = a, b
    for f in range(len(factors)):
        radix = factors[f]
        rest = n // (radix * done)
        jump = _NUMBER * rest * done
        step = _NUMBER * done
        for k in range(done):
            w = base + 8 * k * rest
            w1r, w1i = all16(load_float(w)), all16(load_float(w + 4) * sign)
            w = base + 8 * (2 * k * rest % n)
            w2r, w2i = all16(load_float(w)), all16(load_float(w + 4) * sign)
            w = base + 8 * (3 * k * rest % n)
            w3r, w3i = all16(load_float(w)), all16(load_float(w + 4) * sign)
            for j in range(rest):
                p, q = x + _NUMBER * (j * done + k), y + _NUMBER * (j * radix * done + k)
                r0, i0 = load(p), load(p + 64)
                p += jump
                r, i = load(p), load(p + 64)
                r1, i1 = r * w1r - i * w1i, r * w1i + i * w1r
                if radix == 2:
                    store(q, r0 + r1)
                    store(q + 64, i0 + i1)
                    q += step
                    store(q, r0 - r1)
                    store(q + 64, i0 - i1)
                    continue
                p += jump
                r, i = load(p), load(p + 64)
                r2, i2 = r * w2r - i * w2i, r * w2i + i * w2r
                if radix == 3:
                    sr, si, dr, di = r1 + r2, i1 + i2, (r1 - r2) * third, (i1 - i2) * third
                    mr, mi = r0 - half * sr, i0 - half * si
                    store(q, r0 + sr)
                    store(q + 64, i0 + si)
                    q += step
                    store(q, mr + di)
                    store(q + 64, mi - dr)
                    q += step
                    store(q, mr - di)
                    store(q + 64, mi + dr)
                    continue
                p += jump
                r, i = load(p), load(p + 64)
                r3, i3 = r * w3r - i * w3i, r * w3i + i * w3r
                if radix == 4:
                    er, ei, fr, fi = r0 + r2, i0 + i2, r0 - r2, i0 - i2
                    gr, gi, hr, hi = r1 + r3, i1 + i3, (r1 - r3) * turn, (i1 - i3) * turn
                    store(q, er + gr)
                    store(q + 64, ei + gi)
                    q += step
                    store(q, fr + hi)
                    store(q + 64, fi - hr)
                    q += step
                    store(q, er - gr)
                    store(q + 64, ei - gi)
                    q += step
                    store(q, fr - hi)
                    store(q + 64, fi + hr)
                    continue
                p += jump
                w = base + 8 * (4 * k * rest % n)
                w4r, w4i = all16(load_float(w)), all16(load_float(w + 4) * sign)
                r, i = load(p), load(p + 64)
                r4, i4 = r * w4r - i * w4i, r * w4i + i * w4r
                ar, ai, br, bi = r1 + r4, i1 + i4, r1 - r4, i1 - i4
                er, ei, fr, fi = r2 + r3, i2 + i3, r2 - r3, i2 - i3
                store(q, r0 + ar + er)
                store(q + 64, i0 + ai + ei)
                ur, ui = r0 + c1 * ar + c2 * er, i0 + c1 * ai + c2 * ei
                vr, vi = s1 * br + s2 * fr, s1 * bi + s2 * fi
                store(q + step, ur + vi)
                store(q + step + 64, ui - vr)
                store(q + 4 * step, ur - vi)
                store(q + 4 * step + 64, ui + vr)
                ur, ui = r0 + c2 * ar + c1 * er, i0 + c2 * ai + c1 * ei
                vr, vi = s2 * br - s1 * fr, s2 * bi - s1 * fi
                store(q + 2 * step, ur + vi)
                store(q + 2 * step + 64, ui - vr)
                store(q + 3 * step, ur - vi)
                store(q + 3 * step + 64, ui + vr)
        done *= radix
        x, y = y, x
    if x != a:
        for k in range(0, _NUMBER * n, 64):
            store(a + k, load(x + k))


@compiled
def to_real(a: int, b: int, factors: NDArray[np.int64], roots: NDArray[np.float32], whole: NDArray[np.float32]) -> None:
    """From n // 2 + 1 complex numbers at `a` to the n real ones they are the transform of, n times too large.

    `factors` and `roots` are those of n // 2, `whole` the roots of n. The imaginary parts of the first and the last
    number do not count.
    """
    half = len(roots)
    first, last = load(a), load(a + _NUMBER * half)
    store(a, first + last)
    store(a + 64, first - last)
    for k in range(1, half // 2 + 1):
        p, q = a + _NUMBER * k, a + _NUMBER * (half - k)
        c, s = all16(whole[k, 0]), all16(-whole[k, 1])
        xr, xi, yr, yi = load(p), load(p + 64), load(q), load(q + 64)
        er, ei, dr, di = xr + yr, xi - yi, xr - yr, xi + yi
        # i times the root times the difference.
        tr, ti = c * dr - s * di, c * di + s * dr
        store(p, er - ti)
        store(p + 64, ei + tr)
        store(q, er + ti)
        store(q + 64, tr - ei)
    transform(a, b, factors, roots, np.float32(-1))


@compiled
def from_real(
    a: int, b: int, factors: NDArray[np.int64], roots: NDArray[np.float32], whole: NDArray[np.float32]
) -> None:
    """From n real numbers at `a` to n // 2 + 1 complex ones, their transform; see `to_real`."""
    half = len(roots)
    transform(a, b, factors, roots, np.float32(1))
    h = all16(np.float32(0.5))
    first, last = load(a), load(a + 64)
    zero = first - first
    store(a, first + last)
    store(a + 64, zero)
    store(a + _NUMBER * half, first - last)
    store(a + _NUMBER * half + 64, zero)
    for k in range(1, half // 2 + 1):
        p, q = a + _NUMBER * k, a + _NUMBER * (half - k)
        c, s = all16(whole[k, 0]), all16(whole[k, 1])
        xr, xi, yr, yi = load(p), load(p + 64), load(q), load(q + 64)
        er, ei, dr, di = h * (xr + yr), h * (xi - yi), h * (xr - yr), h * (xi + yi)
        # -i times the root times the difference.
        tr, ti = c * di + s * dr, s * di - c * dr
        store(p, er + tr)
        store(p + 64, ei + ti)
        store(q, er - tr)
        store(q + 64, ti - ei)
