"""Processes of a benchmark: each does one thing on one core and is told what by a pipe.

Invariants: a child ends when its pipe does, so none is left behind when the benchmark is
interrupted. A command is answered or the benchmark fails: nothing waits for longer than a named
limit.
"""

from __future__ import annotations

import asyncio
import inspect
import multiprocessing
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Self

ANSWER_WITHIN_S = 60.0
_END_WITHIN_S = 5.0
_TIMER_STEP_S = 0.001

_Reply = tuple[str | None, Any]  # error, value
Handlers = Mapping[str, Callable[..., Any]]


class BenchFailed(Exception):
    """A figure could not be measured; the text says why."""


class Child:
    """A process that runs `target(pipe)`, pinned to `core` (None: free)."""

    def __init__(self, target: Callable[[Any], None], core: int | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_run, args=(target, theirs, core), name=target.__module__, daemon=True
        )
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """To be asked about at the kernel."""
        assert self._process.pid is not None, "started"
        return self._process.pid

    def ask(self, command: str, *args: Any) -> Any:
        """Have a command carried out. Raises BenchFailed if it fails or takes too long."""
        self.tell(command, *args)
        return self.answer()

    def tell(self, command: str, *args: Any) -> None:
        """Give a command; its answer must be fetched later."""
        self._pipe.send((command, args))

    def answer(self) -> Any:
        """The answer to what was told. Raises BenchFailed."""
        try:
            if not self._pipe.poll(ANSWER_WITHIN_S):
                raise BenchFailed(f"{self._process.name} did not answer")
            error, value = self._pipe.recv()
        except (EOFError, ConnectionError):
            raise BenchFailed(f"{self._process.name} died") from None
        if error is not None:
            raise BenchFailed(f"{self._process.name}: {error}")
        return value

    def kill(self) -> None:
        """SIGKILL: it ends without a word."""
        self._process.kill()
        self._process.join(_END_WITHIN_S)

    def close(self) -> None:
        """End the process. Idempotent."""
        self._pipe.close()
        self._process.join(_END_WITHIN_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(_END_WITHIN_S)


def unwind_on_sigterm() -> None:
    """Unwind as on Ctrl-C: the clusters of this process must not outlive it."""
    signal.signal(signal.SIGTERM, lambda signum, _frame: sys.exit(128 + signum))


def cores() -> tuple[int, int]:
    """A core for what is measured and another for its viewers (the same if there is only one)."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def raise_descriptor_limit() -> int:
    """As many descriptors as this process may have; returns how many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def cpu_s() -> float:
    """CPU seconds of this process so far, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def rss_bytes() -> int:
    """Resident memory of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def carry_out_one(pipe: Any, handlers: Handlers) -> None:
    """Read one command, carry it out, answer. Raises EOFError when the benchmark has ended."""
    command, args = pipe.recv()
    reply: _Reply
    try:
        reply = (None, handlers[command](*args))
    except Exception:  # the benchmark must hear of it
        reply = (traceback.format_exc(), None)
    pipe.send(reply)


def carry_out_all(pipe: Any, handlers: Handlers) -> None:
    """Until the benchmark has ended."""
    while True:
        carry_out_one(pipe, handlers)


async def carry_out_all_on_loop(pipe: Any, handlers: Handlers) -> None:
    """The same beside other work of this loop; a handler may be a coroutine function."""
    while True:
        await _wait_readable(pipe)
        command, args = pipe.recv()
        reply: _Reply
        try:
            value = handlers[command](*args)
            reply = (None, await value if inspect.isawaitable(value) else value)
        except Exception:
            reply = (traceback.format_exc(), None)
        pipe.send(reply)


def at_rate(per_s: float, count: int, act: Callable[[int], object]) -> None:
    """Call `act(i)` at fixed times; one that comes late is not left out."""
    began = time.monotonic()
    for i in range(count):
        time.sleep(max(began + i / per_s - time.monotonic(), 0.0))
        act(i)


async def at_rate_on_loop(per_s: float, count: int, act: Callable[[int], None]) -> None:
    """As `at_rate`, beside other work of this loop; those that are due together come together, and
    none too early.
    """
    began, done = time.monotonic(), 0
    while done < count:
        wait_s = began + done / per_s - time.monotonic()
        # A loop counts in milliseconds and would wake us a little too early, again and again: what
        # that takes must not be counted as the work of what is measured.
        await asyncio.sleep(wait_s + _TIMER_STEP_S if wait_s > 0 else 0.0)
        due = min(int((time.monotonic() - began) * per_s) + 1, count)
        for number in range(done, due):
            act(number)
        done = max(due, done)


async def _wait_readable(pipe: Any) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(pipe.fileno(), readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(pipe.fileno())
        os.set_blocking(pipe.fileno(), True)  # uvloop changes it; a large command comes in pieces


def _run(target: Callable[[Any], None], pipe: Any, core: int | None) -> None:
    raise_descriptor_limit()
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        target(pipe)
    except (EOFError, ConnectionError, KeyboardInterrupt):
        os._exit(0)  # thousands of sockets: the kernel closes them faster than we do
