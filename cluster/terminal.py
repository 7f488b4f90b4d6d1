"""The output of the command, for a person or a pipe.

Invariants: a command that changes something goes on to its end even if its output cannot be
written: the reader has gone (`| head`), the stream was closed before the start (`>&-`), or the
encoding lacks a character. None of these is an error. A command that only shows something ends
when its reader has gone.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from typing import IO, NoReturn

from rich.console import Console
from rich.markup import escape

_WIDTH_OF_FILES = 140


class Screen(Console):
    """A console that becomes quiet when its reader has gone."""

    def on_broken_pipe(self) -> None:
        """Rich would end the program here."""
        self.quiet = True
        _give_up(self.file)


def ensure_streams() -> None:
    """Open closed standard streams first, so that no file opened later becomes one by chance."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    sys.stdout = _usable(sys.stdout, 1)
    sys.stderr = _usable(sys.stderr, 2)


def say(text: str) -> bool:
    """Print it; False if the reader has gone."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _give_up(sys.stdout)
        return False
    return True


def end_when_nobody_reads() -> None:
    """End the process when the reader has gone; for a command that may wait for hours to print."""

    def watch() -> None:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)  # that its reader has gone is always reported
        poll.poll()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def complain(text: str) -> None:
    """Print it for a person, and not among the results."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _give_up(sys.stderr)


def fail(text: str) -> NoReturn:
    """One line, and exit status 1."""
    Screen(stderr=True, soft_wrap=True).print(f"[red]livecomments:[/] {escape(text)}")
    sys.exit(1)


def screen_for_tables() -> Screen:
    """As wide as the window; a file has room for every column."""
    return Screen(width=None if sys.stdout.isatty() else _WIDTH_OF_FILES)


def _usable(stream: IO[str] | None, number: int) -> IO[str]:
    if stream is None:
        stream = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for life
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
    return stream


def _give_up(stream: IO[str]) -> None:
    """Discard what is still in its buffer: flushing it at the end would fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
