"""`python -m writer` as tests run it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp

from cluster.ca import DevelopmentCa
from cluster.ports import free_ports
from tests.raw_http import comment_post
from tests.service_process import ServiceProcess
from tests.support import TIMEOUT_FACTOR, eventually
from wire.roles import Role


class WriterProcess(ServiceProcess):
    """One writer. `store` are the variables that tell where the comments are."""

    def __init__(
        self, ca: DevelopmentCa, folder: Path, name: str, zookeeper: str, store: dict[str, str]
    ) -> None:
        ca.issue(Role.WRITER, name).write(folder / name)
        self.public, self.ops = free_ports(2)
        variables = {
            "SERVICE_ID": name,
            "PUBLIC_PORT": str(self.public),
            "OPS_PORT": str(self.ops),
            "TLS_DIR": str(folder / name),
            "ZOOKEEPER": zookeeper,
            "DRAIN_NOTICE_S": "0.3",
        }
        super().__init__("writer", folder / f"{name}.log", variables | store)
        self._sent: list[asyncio.StreamWriter] = []
        self.client: aiohttp.ClientSession | None = None

    async def start(self, *, reaching_its_store: bool = True, **more: str) -> None:
        """Returns when it is ready, and has reached its store: it is ready without, and refuses
        what it is asked then. `more` are variables for this time only.
        """
        self.process = await self.spawn(**more)
        self.client = self.client or aiohttp.ClientSession()
        async with asyncio.timeout(60 * TIMEOUT_FACTOR):
            while not await self._serves(reaching_its_store):
                assert self.process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """As ServiceProcess.stop, and close what was sent from here."""
        await super().stop()
        for sent in self._sent:
            sent.close()
        if self.client is not None:
            await self.client.close()

    async def post(self, text: str, key: str, video: str = "v") -> tuple[int, Any]:
        """Status and body; raises aiohttp.ClientError when the connection breaks."""
        assert self.client is not None
        url = f"http://127.0.0.1:{self.public}/v1/videos/{video}/comments"
        body = {"author": "ann", "text": text}
        async with self.client.post(url, json=body, headers={"Idempotency-Key": key}) as reply:
            return reply.status, await reply.json(content_type=None)

    async def send_post(self, key: str, video: str = "v") -> None:
        """Returns when the request is on its way, where a paused process will find it."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.public)
        self._sent.append(writer)
        body = json.dumps({"author": "ann", "text": key}).encode()
        writer.write(comment_post(video, body, f"Idempotency-Key: {key}"))
        await writer.drain()

    async def paused(self) -> None:
        """Returns when the process is stopped by a signal."""
        assert self.process is not None
        stat = Path(f"/proc/{self.process.pid}/stat")
        await eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")

    async def get(self, path: str) -> Any:
        assert self.client is not None
        async with self.client.get(f"http://127.0.0.1:{self.public}{path}") as reply:
            return await reply.json(content_type=None)

    async def state(self) -> Any:
        assert self.client is not None
        async with self.client.get(f"http://127.0.0.1:{self.ops}/state") as reply:
            return await reply.json()

    async def _serves(self, from_its_store: bool) -> bool:
        if await self._status("/readyz") != 200:
            return False
        missing = {"store", "erasures"} if from_its_store else set()
        return not missing & (await self.state())["degraded"].keys()

    async def _status(self, path: str) -> int:
        assert self.client is not None
        try:
            async with self.client.get(f"http://127.0.0.1:{self.ops}{path}") as reply:
                return reply.status
        except aiohttp.ClientError:
            return 0
