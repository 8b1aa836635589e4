"""Bytes as text, 15 bits a letter, for scripts in UTF-16.

A page that is opened from a disk may load scripts and nothing else, and a script is text. Base64 makes four bytes of
three; in UTF-16, 15 bits of every 16 can be data, and none of it is what text may not hold: quotes, line ends,
surrogates. A byte order mark makes browsers read a script as UTF-16 whatever a server says of it.
"""

from __future__ import annotations

import codecs
from typing import Final

import numpy as np

#: Letters are this and the 32,767 after it, U+3400 to U+B3FF: all of them assigned or harmless, none special.
FIRST: Final = 0x3400
BITS: Final = 15
MARK: Final = codecs.BOM_UTF16_LE
UTF_16: Final = "utf-16-le"


def dense_text(data: bytes) -> bytes:
    """`data` as letters in UTF-16, low byte first, without a byte order mark.

    The first bit of the data is the highest of the first letter; the last letter is filled up with zeros.
    """
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8))
    letters = np.zeros((-(-len(bits) // BITS), BITS + 1), dtype=np.uint8)
    # One bit in front: a letter's 15 lie in two bytes, high first.
    padded = np.zeros(letters.shape[0] * BITS, dtype=np.uint8)
    padded[: len(bits)] = bits
    letters[:, 1:] = padded.reshape(-1, BITS)
    return (np.packbits(letters).view(">u2") + FIRST).astype("<u2").tobytes()
