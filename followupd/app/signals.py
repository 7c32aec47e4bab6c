"""Receive signals in a thread of their own, through a pipe.

A handler in Python runs in the middle of whatever the main thread does: it would wait forever for a lock that
the main thread holds just then, and it does not run at all while the main thread is inside a library call
that does not return.
"""

import os
import signal
import threading
from collections.abc import Callable, Mapping

SignalHandler = Callable[[signal.Signals], None]


def handle_signals(handlers: Mapping[signal.Signals, SignalHandler]) -> None:
    """Call the handler of each signal in a thread of its own; to be called by the main thread."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)

    for number in handlers:
        signal.signal(number, _ignore)  # Python's default action would end the process at once

    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    threading.Thread(target=_dispatch, args=(read_end, handlers), name="signals", daemon=True).start()


def _ignore(_number: int, _frame: object) -> None:
    """Do nothing: the wake-up pipe already has the signal's number."""


def _dispatch(read_end: int, handlers: Mapping[signal.Signals, SignalHandler]) -> None:
    """Call the handler of each signal that arrives in the pipe."""
    while received := os.read(read_end, 1):
        number = signal.Signals(received[0])
        if number in handlers:
            handlers[number](number)
