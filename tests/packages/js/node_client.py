"""Our JavaScript client in Node, and what it told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.packages.js.told import Told
from tests.support import TIMEOUT_FACTOR

PACKAGE = Path(__file__).resolve().parents[3] / "clients" / "js"
_PROGRAM = Path(__file__).with_name("watch.mjs")
_LINE_BYTES = 4 * 1024 * 1024
NODE = shutil.which("node")
NO_NODE = "no Node (20 or newer)"


class NodeClient(Told):
    """`async with NodeClient(url, video)`: opens a video."""

    def __init__(
        self,
        url: str,
        video: str,
        *,
        options: Mapping[str, Any] | None = None,
        token: str | Sequence[str] | None = None,
        entry: Path = PACKAGE / "src" / "index.js",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._described = {"url": url, "video": video, "options": options or {}, "token": token}
        self._entry = entry
        self._environ = os.environ | dict(environ or {})
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._posts = 0

    async def __aenter__(self) -> NodeClient:
        command = (NODE or "node", _PROGRAM, self._entry.as_uri(), json.dumps(self._described))
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, env=self._environ, limit=_LINE_BYTES
        )
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self._process is not None
        assert self._reading is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await asyncio.gather(self._reading, return_exceptions=True)

    def order(self, order: str, **more: Any) -> None:
        """Tell it to do something."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps({'order': order, **more})}\n".encode())

    def post(self, text: str, author: str | None = "ann") -> int:
        """Tell it to post; the number under which it will tell what became of it."""
        self._posts += 1
        named = {} if author is None else {"author": author}
        self.order("post", number=self._posts, text=text, **named)
        return self._posts

    def freeze(self) -> None:
        """As a laptop that is closed: no timer runs, nothing is read."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def ended(self) -> int:
        """Its exit status."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), 20 * TIMEOUT_FACTOR)

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = json.loads(line)
            self.events.append((told["event"], told["args"]))
