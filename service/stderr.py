"""Standard error that can neither fail nor hold up whoever prints to it.

Invariants: `write` puts text into a queue and returns; one thread hands it to the kernel, and
whatever comes of that (disk full, reader gone, nobody reads, descriptor closed) stays there. What
cannot be written, and what comes while MAX_WAITING characters wait, is lost and counted; how much
is told in the log once something can be written again. Everything that prints uses it, warnings and
the traces of dead threads too, because it takes the place of `sys.stderr`.
"""

from __future__ import annotations

import atexit
import io
import os
import queue
import select
import sys
import threading
import time

import structlog

log = structlog.get_logger()

DESCRIPTOR = 2
MAX_WAITING = 1024 * 1024  # characters
FINISH_WITHIN_S = 1.0
_BLOCK = 64 * 1024  # one write for many lines: on a busy machine this thread's turn is rare


class Stderr(io.TextIOBase):
    """Prints to `descriptor`, from any thread. It never raises, and never waits but in `finish`."""

    def __init__(self, descriptor: int = DESCRIPTOR, *, max_waiting: int = MAX_WAITING) -> None:
        self._descriptor, self._max_waiting = descriptor, max_waiting
        # Both may be entered again by a finalizer that prints while this thread is inside.
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._lock = threading.RLock()
        self._waiting = 0
        self._refused = 0
        self._unwritten = 0  # owned by the thread, like all below
        self._told = 0
        self._in_line = False  # what was written last ended no line
        self._torn = False  # and its end is lost
        threading.Thread(target=self._run, name="stderr", daemon=True).start()

    @property
    def lost(self) -> int:
        """Lines that were not written."""
        return self._refused + self._unwritten

    def write(self, text: str) -> int:
        """Take `text`; it may get lost."""
        with self._lock:
            if self._waiting + len(text) > self._max_waiting:
                self._refused += max(1, text.count("\n"))
                return len(text)
            self._waiting += len(text)
        self._queue.put(text)
        return len(text)

    def flush(self) -> None:
        """Nothing: whoever prints does not wait."""

    def finish(self) -> None:
        """Wait until all is written or lost, FINISH_WITHIN_S at most: for the end of a process."""
        deadline = time.monotonic() + FINISH_WITHIN_S
        while self._waiting and time.monotonic() < deadline:
            time.sleep(0.002)

    def writable(self) -> bool:
        """As files say it."""
        return True

    def isatty(self) -> bool:
        """Whether a person looks."""
        return os.isatty(self._descriptor)

    def fileno(self) -> int:
        """Of the real one."""
        return self._descriptor

    # On the thread from here on.

    def _run(self) -> None:
        while True:
            texts = [self._queue.get()]
            size = len(texts[0])
            while size < _BLOCK and not self._queue.empty():
                texts.append(self._queue.get())
                size += len(texts[-1])
            self._print("".join(texts))
            with self._lock:
                self._waiting -= size

    def _print(self, text: str) -> None:
        rest = text.encode(errors="backslashreplace")
        if self._torn:
            rest, self._torn = b"\n" + rest, False
        try:
            while rest:
                rest = self._write_some(rest)
        except OSError:
            self._unwritten += max(1, rest.removeprefix(b"\n").count(b"\n"))
            self._torn = self._in_line
        else:
            self._tell()

    def _write_some(self, data: bytes) -> bytes:
        """What is left of it."""
        try:
            written = os.write(self._descriptor, data)
        except BlockingIOError:  # somebody made it so, for all who share it
            poll = select.poll()
            poll.register(self._descriptor, select.POLLOUT)
            poll.poll()
            return data
        self._in_line = not data[:written].endswith(b"\n")
        return data[written:]

    def _tell(self) -> None:
        lost = self.lost
        if lost > self._told:
            lines, self._told = lost - self._told, lost
            log.warning("log_lines_lost", lines=lines)


def take_over() -> Stderr:
    """Make it this process's standard error; the same one if it is already."""
    global _taken
    if _taken is None:
        _keep_numbers()
        _taken = sys.stderr = Stderr()
        atexit.register(_taken.finish)
    return _taken


def lost_lines() -> int:
    """Lines that this process could not print."""
    return 0 if _taken is None else _taken.lost


_taken: Stderr | None = None


def _keep_numbers() -> None:
    """A file or socket that got the number of a closed standard descriptor would get what somebody
    prints. On one that is only read each line fails, and so is counted.
    """
    for descriptor in (0, 1, DESCRIPTOR):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)
