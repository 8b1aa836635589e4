"""How much memory a program of a test took, for the program itself to ask."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def most() -> int:
    """Bytes of memory that this process has held at most.

    From /proc where there is one: there, the maximum of `getrusage` begins with the size of the process that started
    this one.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    line = next(line for line in status.read_text("utf-8").splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
