"""Runs `program.py` and keeps what it prints."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.packages.python.people import KINDS
from tests.service_process import ROOT

SOURCES = ROOT / "clients" / "python" / "src"
_PROGRAM = Path(__file__).with_name("program.py")
_MAX_LINE = 1 << 20


class Program:
    """One client in a process of its own; `said` is what it has printed, with its kinds."""

    def __init__(self, kind: str, verb: str) -> None:
        self.kind, self.verb = kind, verb
        self.said: list[tuple[str, dict[str, Any]]] = []

    @asynccontextmanager
    async def running(
        self, url: str, video_id: str, environ: Mapping[str, str]
    ) -> AsyncIterator[None]:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(_PROGRAM), self.kind, self.verb, url, video_id),
            env={**os.environ, "PYTHONPATH": str(SOURCES), **environ},
            stdout=asyncio.subprocess.PIPE,
            limit=_MAX_LINE,
        )
        listening = asyncio.create_task(self._listen())
        try:
            yield
            assert self._process.returncode is None, f"{self.kind} {self.verb} has ended"
        finally:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            await listening

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [said for name, said in self.said if name == kind]

    @property
    def comments(self) -> list[dict[str, Any]]:
        return self.of("Comment")

    @property
    def recoveries(self) -> list[str]:
        """Why its stream ended, each time."""
        changes = self.of("StateChanged")
        return [change["reason"] for change in changes if change["state"] == "recovering"]

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = json.loads(line)
            self.said.append((told["kind"], told["said"]))


@asynccontextmanager
async def programs(
    url: str, video_id: str, environ: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[list[Program], list[Program]]]:
    """Readers and posters of both kinds."""
    async with AsyncExitStack() as stack:
        reading = [Program(kind, "read") for kind in KINDS]
        posting = [Program(kind, "post") for kind in KINDS]
        for program in reading + posting:
            await stack.enter_async_context(program.running(url, video_id, environ or {}))
        yield reading, posting
