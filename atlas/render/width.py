"""How many icons to optimise together on a device."""

from __future__ import annotations

from functools import cache

import torch

#: Memory that a place of a batch takes, in bytes a pixel of its icon: 740 were measured of InceptionV1 in float32, at
#: 64 and at 96 px, up to mixed4c and to mixed5b. Half as much in bfloat16; other networks may take more, see `work`.
_BYTES_A_PIXEL = 1024

#: What a processor's caches and matrix tiles are best at.
_PROCESSOR = 16

#: Of a GPU: powers of two that its matrix units like. More than the largest was never measured.
_LEAST, _MOST = 8, 256

#: Where a device does not say how much memory is free.
_UNKNOWN = 64


@cache
def default_tile(device: torch.device, size: int) -> int:
    """Icons of `size` px optimised together on `device`, chosen once: what is free later changes no icon."""
    if device.type == "cpu":
        return _PROCESSOR
    if device.type == "cuda":
        return tile_within(torch.cuda.mem_get_info(device)[0], size)
    return _UNKNOWN


def tile_within(free: int, size: int) -> int:
    """The most places, a power of two from 8 to 256, whose maps take no more than half of so many free bytes."""
    tile = _MOST
    while tile > _LEAST and tile * _BYTES_A_PIXEL * size**2 > free // 2:
        tile //= 2
    return tile
