"""Ctrl-C between two steps, never within one."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def interrupt_later() -> Iterator[None]:
    """Let an interrupt that arrives within the block take effect after it.

    A second one takes effect at once, for a block that hangs. In other threads than the main one, which no interrupt
    reaches, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:  # noqa: ANN401 - a frame object
        nonlocal asked
        if asked and callable(before):
            before(number, frame)
        asked = True

    if before is not signal.default_int_handler:
        # Somebody else decides what an interrupt does.
        yield
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt
