"""A cluster whose videos are not for everybody: one variable, and the same on every topology."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from cluster.cluster import Cluster
from cluster.issuer import TICKET_KEY, DevelopmentIssuer
from cluster.parts import Kind
from tests.clusters import running
from tests.e2e.conftest import Shape
from tests.e2e.contract import servers, watching, writers
from tests.raw_http import head, parse_head, speak
from tests.support import eventually
from tests.tickets import hostile, make_ticket
from wire.topology import Topology

TOPOLOGIES = tuple(Topology)
SMALL = True
RUNTIMES = ("local",)  # whose key of tickets can be read, to forge some
ALL_LINES = 100_000
VARIABLES = {"READ_AUTH": "required", "LOG_LEVEL": "debug", "DRAIN_NOTICE_S": "0"}


@asynccontextmanager
async def closed(shape: Shape, home: Path) -> AsyncIterator[Cluster]:
    async with running(shape.create("reading", home, VARIABLES)) as cluster:
        yield cluster


class Reader:
    """Somebody with a token, who sees one video."""

    def __init__(self, cluster: Cluster, session: aiohttp.ClientSession) -> None:
        self.cluster, self.video = cluster, secrets.token_hex(6)
        self.token = DevelopmentIssuer.load(cluster.folder.issuer).token({"sub": "a"}, {}, 600)
        self.key = (cluster.folder.issuer / TICKET_KEY).read_bytes().strip()
        self._session = session

    async def ask(
        self, method: str, what: str, *, token: str = "", at: str = Kind.HAPROXY, query: str = ""
    ) -> tuple[int, dict[str, str]]:
        """Status and body."""
        base = self.cluster.http_url if at == Kind.HAPROXY else self.cluster.url(at, "public")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{base}/v1/videos/{self.video}/{what}{query}"
        async with self._session.request(method, url, headers=headers) as reply:
            return reply.status, await reply.json(content_type=None)

    async def ticket(self, at: str = Kind.HAPROXY) -> str:
        status, given = await self.ask("POST", "tickets", token=self.token, at=at)
        assert status == 200
        return given["ticket"]

    async def post(self) -> None:
        url = f"{self.cluster.http_url}/v1/videos/{self.video}/comments"
        async with self._session.post(url, json={"author": "ann", "text": "hi"}) as reply:
            assert reply.status == 201

    async def stream(self, query: str, at: str) -> tuple[int, bytes]:
        """Status and body of a stream that ends by itself."""
        use = "http" if at == Kind.HAPROXY else "public"
        connection = await asyncio.open_connection(*self.cluster.address(at, use))
        target = f"/v1/videos/{self.video}/stream?{query}"
        request = head("GET", target, "Connection: close")
        described, _, body = (await speak(connection, request)).partition(b"\r\n\r\n")
        return int(parse_head(described)[0].split()[1]), body


async def test_a_ticket_of_any_writer_opens_a_stream_on_any_node(
    shape: Shape, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    async with closed(shape, tmp_path) as cluster:
        reader = Reader(cluster, session)
        await reader.post()
        tickets = [await reader.ticket(at) for at in (Kind.HAPROXY, *writers(cluster))]
        for at in (Kind.HAPROXY, *servers(cluster)):
            for ticket in tickets:
                async with watching(cluster, reader.video, f"ticket={ticket}", at=at) as watch:
                    await eventually(lambda watch=watch: watch.head == 1)
        await nobody_else_gets_in(reader)
        await reads_need_leave(reader, tickets[0])
        sent = [*tickets, *reader.token.split("."), *await leave_traces(reader, tickets[0])]
        for part in cluster.parts:
            text = cluster.runtime.log_tail(part.name, ALL_LINES)
            assert not [one for one in sent if one in text], part.name


async def nobody_else_gets_in(reader: Reader) -> None:
    """With nothing, a forged or a foreign ticket; an old one is told so on a stream."""
    for at in (Kind.HAPROXY, *servers(reader.cluster)):
        for name, (query, status, code) in hostile(reader.video, reader.key).items():
            found, body = await reader.stream(query, at)
            assert (found, json.loads(body)["code"]) == (status, code), (name, at)
        over = make_ticket(reader.video, -1, key=reader.key)
        found, body = await reader.stream(f"ticket={over}", at)
        assert found == 200
        assert b'event: bye\ndata: {"reason":"expired"}\n\n' in body
        assert b"hello" not in body


async def reads_need_leave(reader: Reader, ticket: str) -> None:
    """At each writer, and through the gateway."""
    for at in (Kind.HAPROXY, *writers(reader.cluster)):
        for what in ("comments", "entries", "comments/1"):
            refused, problem = await reader.ask("GET", what, at=at)
            assert (refused, problem["code"]) == (401, "token_missing")
            assert (await reader.ask("GET", what, at=at, token=reader.token))[0] == 200
            assert (await reader.ask("GET", what, at=at, query=f"?ticket={ticket}"))[0] == 200
        refused, problem = await reader.ask("POST", "tickets", at=at)
        assert (refused, problem["code"]) == (401, "token_missing")


async def leave_traces(reader: Reader, ticket: str) -> list[str]:
    """Let requests with a ticket fail in the gateway, which logs what has failed."""
    for name in dict.fromkeys([*writers(reader.cluster), *servers(reader.cluster)]):
        await reader.cluster.kill(name)
    query = f"?ticket={ticket}"
    assert (await reader.ask("GET", "comments", query=query))[0] in (502, 503, 504)
    found, body = await reader.stream(query[1:], Kind.HAPROXY)
    assert (found, b"unavailable" in body) == (200, True)
    log = reader.cluster.runtime.log_tail
    await eventually(lambda: f"/v1/videos/{reader.video}/comments" in log(Kind.HAPROXY, ALL_LINES))
    return [query for query, _, _ in hostile(reader.video, reader.key).values() if len(query) > 40]
