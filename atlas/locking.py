"""A lock on a file, which ends with the process that holds it, however that ends."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Claim:
    """A lock that is held.

    Attributes
    ----------
    path : Path
        The file that is locked.
    file : BinaryIO
        The same, open.
    sure : bool
        False where the file system knows no locks, as some network drives do not: others may hold it too.
    """

    path: Path
    file: BinaryIO
    sure: bool

    def release(self) -> None:
        """Give the lock up and remove its file."""
        # Removed while it is held, so that nobody removes the lock of the next one.
        with suppress(OSError):
            self.path.unlink()
        self.file.close()
        if os.name == "nt":
            # There, a file that is open stays.
            with suppress(OSError):
                self.path.unlink()


def claim(path: Path) -> Claim | None:
    """Lock a file, made if absent; None if somebody else holds it, in this process or in another one."""
    while True:
        file = path.open("ab")
        try:
            sure = _lock(file)
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return Claim(path, file, sure)
        except (BlockingIOError, PermissionError):
            file.close()
            return None
        except FileNotFoundError:
            pass
        # Its last holder has removed it in the meantime; the name may be another file's by now.
        file.close()


def _lock(file: BinaryIO) -> bool:
    """Lock an open file; False where that is impossible, BlockingIOError or PermissionError where it is locked."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            # Not `lockf`, whose locks end when the process closes any other handle of the file.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise
    except OSError:
        return False
    return True
