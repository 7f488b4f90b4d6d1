"""A real server on free ports, run as the product runs it, and what can be done to it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.support import TIMEOUT_FACTOR

_CHECK_EVERY_S = 0.02
_END_WITHIN_S = 30.0


class ServerProcess(ABC):
    """One server in a folder of its own; a restart keeps its address, its ports and its data."""

    start_within_s = 30.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _prepare(self) -> Sequence[str]:
        """Write what it reads at its start; the command that runs it in its folder."""

    @abstractmethod
    async def _answers(self) -> bool:
        """Whether it serves clients."""

    async def start(self) -> None:
        """Returns when it serves clients."""
        assert self._process is None, "it runs"
        command, output = self._prepare(), self.folder / "output"
        with output.open("ab") as sink:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
            )
        async with asyncio.timeout(self.start_within_s * TIMEOUT_FACTOR):
            while not await self._answers():
                assert self._process.poll() is None, output.read_text()[-3000:]
                await asyncio.sleep(_CHECK_EVERY_S)

    async def ensure_running(self) -> None:
        """As it was before a test stopped, killed or froze it."""
        if self._process is None:
            await self.start()
        else:
            self.resume()

    async def stop(self) -> None:
        """In order: what it holds is written to its files first."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL; returns when it is gone, and its ports with it."""
        await self._end(signal.SIGKILL)

    def pause(self) -> None:
        """It keeps its connections and answers nothing; returns when each of its threads stands."""
        self._signal(signal.SIGSTOP)
        deadline = time.monotonic() + _END_WITHIN_S * TIMEOUT_FACTOR
        while not self._stands():
            assert time.monotonic() < deadline, "it does not stand still"
            time.sleep(_CHECK_EVERY_S)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    async def clean(self) -> None:
        """Kill it, and remove its folder."""
        await self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stands(self) -> bool:
        assert self._process is not None, "it does not run"
        threads = Path(f"/proc/{self._process.pid}/task")
        try:
            states = [(thread / "stat").read_text() for thread in threads.iterdir()]
        except FileNotFoundError:  # one of them has just ended
            return False
        return all(state.rpartition(")")[2].split()[0] == "T" for state in states)

    def _signal(self, signum: int) -> None:
        assert self._process is not None, "it does not run"
        os.kill(self._process.pid, signum)

    async def _end(self, signum: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signum)
        process.send_signal(signal.SIGCONT)  # one that is paused would not end
        async with asyncio.timeout(_END_WITHIN_S * TIMEOUT_FACTOR):
            while process.poll() is None:
                await asyncio.sleep(_CHECK_EVERY_S)


S = TypeVar("S", bound=ServerProcess)


@contextmanager
def standing(server: S) -> Iterator[S]:
    """Serves many tests, each with a loop of its own; cleaned at the end."""
    asyncio.run(server.start())
    yield server
    asyncio.run(server.clean())
