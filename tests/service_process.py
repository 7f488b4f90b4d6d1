"""One of our processes as tests run it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.support import TIMEOUT_FACTOR

ROOT = Path(__file__).resolve().parents[1]


class ServiceProcess:
    """`python -m package` with variables of its own. It may be started again after its end, and
    then has the same ports, the same store and the same log.
    """

    def __init__(self, package: str, log: Path, environ: dict[str, str]) -> None:
        self._package = package
        self.log = log
        self._environ = os.environ | environ
        self.process: asyncio.subprocess.Process | None = None

    async def spawn(self, **environ: str) -> asyncio.subprocess.Process:
        """Start the process without waiting for it. `environ`: variables for this time only."""
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self._package),
                cwd=ROOT,
                env=self._environ | environ,
                stderr=log,
            )

    async def end(self, signum: int) -> int:
        """Send a signal; the exit status."""
        assert self.process is not None
        self.process.send_signal(signum)
        return await asyncio.wait_for(self.process.wait(), 20 * TIMEOUT_FACTOR)

    async def stop(self) -> None:
        """For teardown: kill what still runs."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
