"""Single keys from a terminal and the signals that end a program; knows no key's meaning."""

import asyncio
import os
import signal
import sys
import termios
import tty
from collections.abc import Generator
from contextlib import contextmanager

QUIT = "q"


@contextmanager
def keys() -> Generator[asyncio.Queue[str]]:
    """Collect the keys pressed; SIGINT, SIGTERM and SIGHUP are QUIT.

    Where standard input is no terminal only the signals come.
    """
    loop = asyncio.get_running_loop()
    pressed: asyncio.Queue[str] = asyncio.Queue()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, pressed.put_nowait, QUIT)
    try:
        with _read_into(pressed):
            yield pressed
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


@contextmanager
def _read_into(pressed: asyncio.Queue[str]) -> Generator[None]:
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        yield
        return
    loop = asyncio.get_running_loop()
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)

    def read() -> None:
        typed = os.read(terminal, 64)
        if not typed:
            loop.remove_reader(terminal)
        for key in typed.decode(errors="ignore"):
            pressed.put_nowait(key)

    tty.setcbreak(terminal)
    loop.add_reader(terminal, read)
    try:
        yield
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
