"""A client's program while it runs, and what it printed: a line for each comment it was shown."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from tests.clients.judge import Shown, read_line

_LINE_LIMIT = 1 << 20
_END_WITHIN_S = 20.0


class Program:
    """`shown` grows while it runs; what it says on stderr is in its log."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.shown: list[Shown] = []
        self._process = process
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, command: Sequence[str], log: Path, environ: dict[str, str]) -> Program:
        """In a process group of its own."""
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *command, stdout=asyncio.subprocess.PIPE, stderr=errors, limit=_LINE_LIMIT,
                env=os.environ | {"PYTHONIOENCODING": "utf-8", "LC_ALL": "C.UTF-8"} | environ,
                start_new_session=True,
            )  # fmt: skip
        return cls(process)

    @property
    def ended(self) -> bool:
        """By itself: it shows nothing more."""
        return self._reading.done()

    def has_shown(self, seq: int) -> bool:
        """This comment or a later one."""
        return any(one.seq >= seq for one in self.shown[-1:])

    async def end(self) -> None:
        """It and whatever it started: a browser in a group of its own is its program's to end."""
        with contextlib.suppress(TimeoutError):
            self._signal(signal.SIGTERM)
            await asyncio.wait_for(self._process.wait(), _END_WITHIN_S)
        self._signal(signal.SIGKILL)
        await self._process.wait()
        await self._reading

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if (shown := read_line(line)) is not None:
                self.shown.append(shown)
