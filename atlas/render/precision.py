"""Which floating type the network is optimised through on a device."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

#: Instructions that multiply bfloat16 as fast as, or faster than, float32. Where only wider ones exist, bfloat16 is
#: emulated and slower.
_FAST = {"amx_bf16", "avx512_bf16"}


def fast_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies it faster than float32, else float32.

    Decided by the device's instructions, not by a trial: a trial could end differently on a busy machine, and an icon
    must not depend on that.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float32
    return torch.bfloat16 if device.type == "cpu" and _FAST & instructions() else torch.float32


@cache
def instructions() -> frozenset[str]:
    """Names of this processor's instructions, where the system tells, as in /proc/cpuinfo."""
    # oneDNN, which has the fast convolutions, knows them by the same names.
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return frozenset()
    flags = [line.partition(":")[2].split() for line in lines if line.startswith("flags")]
    return frozenset(flags[0]) if flags else frozenset()
