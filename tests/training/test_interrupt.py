from __future__ import annotations

import os
import signal
import threading

import pytest

from atlas.training.interrupt import interrupt_later


def test_an_interrupt_takes_effect_after_the_block() -> None:
    reached: list[int] = []

    def work() -> None:
        with interrupt_later():
            os.kill(os.getpid(), signal.SIGINT)
            reached.append(1)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert reached
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_one_takes_effect_at_once() -> None:
    reached: list[int] = []

    def work() -> None:
        with interrupt_later():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            reached.append(1)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert not reached


def test_other_threads_are_left_alone() -> None:
    done: list[bool] = []

    def work() -> None:
        with interrupt_later():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
