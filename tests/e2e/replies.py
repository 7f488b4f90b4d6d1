"""All that the processes of a cluster reply about a video, for words that must be in none of it."""

from __future__ import annotations

import asyncio
import json

import aiohttp

from cluster.cluster import Cluster
from service.tls import TlsFiles
from tests.chaos.history import Watch
from tests.e2e.contract import watching
from tests.e2e.moderator import PATIENCE_S, RESTED_S, Moderator
from tests.support import eventually
from wire.internal import MAX_RANGE
from wire.roles import Role, dns_name

NEAR = 20


class Replies:
    """About one video. Who is asked may be killed meanwhile: then it is asked again."""

    def __init__(
        self, cluster: Cluster, session: aiohttp.ClientSession, video_id: str, moderator: Moderator
    ) -> None:
        self._cluster, self._session = cluster, session
        self._video_id, self._moderator = video_id, moderator

    async def near(self, at: str, epoch: str, seq: int) -> str:
        """What a writer says of an entry and those next to it: the newest pages, pages from there,
        the export, and what nodes read.
        """
        after = f"{epoch}-{seq - 1}"
        asked = [
            self._read(at, f"/{path}?limit={NEAR}{query}")
            for path in ("comments", "entries")
            for query in ("", f"&after={after}", f"&before={epoch}-{seq + 1}")
        ]
        asked += [self._read(at, f"/export?after={after}"), self._range(at, seq - 1, seq + NEAR)]
        return "".join(await asyncio.gather(*asked))

    async def whole(self, at: str, epoch: str, head: int) -> str:
        """What a writer says of all entries up to the head."""
        found = [await self._read(at, "/export"), await self._read(at, "/held")]
        found += [await self._pages(at, path, f"{epoch}-0") for path in ("comments", "entries")]
        for after in range(0, head, MAX_RANGE):
            found.append(await self._range(at, after, head))
        found += [await self._read(at, path) for path in ("/settings", "/audit?limit=200")]
        return "".join(found)

    async def stream(self, at: str, epoch: str, head: int) -> Watch:
        """All that a new viewer of this server gets from the first entry up to the head."""
        query = f"last_event_id={epoch}-0"
        async with watching(self._cluster, self._video_id, query, at=at) as watch:
            await eventually(lambda: watch.head >= head)
        return watch

    async def _pages(self, at: str, path: str, after: str) -> str:
        found, more = list[str](), True
        while more:
            found.append(await self._read(at, f"/{path}?limit=200&after={after}"))
            page = json.loads(found[-1])
            after, more = page["last"], page["more"]
        return "".join(found)

    async def _read(self, at: str, path: str) -> str:
        status, text = await self._moderator.ask("GET", path, at=at)
        assert status == 200, text
        return text

    async def _range(self, at: str, after: int, through: int) -> str:
        """As a node reads it; "" from a process that serves no others, and from a container, whose
        certificates nobody outside has.
        """
        part = self._cluster.part(at)
        if "internal" not in part.ports or self._cluster.settings.runtime == "docker":
            return ""
        path = f"/internal/videos/{self._video_id}/range?after={after}&through={through}"
        url = f"https://127.0.0.1:{part.ports['internal']}{path}"
        context = TlsFiles(self._cluster.folder.tls("node-1")).client()
        named = dns_name(Role.WRITER, at)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    asked = self._session.get(url, ssl=context, server_hostname=named)
                    async with asked as reply:
                        if reply.status == 200:
                            return await reply.text()
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await asyncio.sleep(RESTED_S)


async def operators_see(cluster: Cluster) -> str:
    """Metrics and state of every process of ours."""
    found = list[str]()
    async with aiohttp.ClientSession() as session:
        for part in cluster.parts:
            for path in ("metrics", "state") if "ops" in part.ports else ():
                async with session.get(f"{cluster.url(part.name)}/{path}") as reply:
                    assert reply.status == 200
                    found.append(await reply.text())
    return "".join(found)
