"""Heads and ranges over real mutual TLS, asked by the client that nodes use."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.ca import DevelopmentCa
from identity.revocations import Revocations
from service.http_client import InternalClient
from service.http_server import HttpServer
from service.tls import TlsFiles
from tests.integration.writer.public_api import PublicApi
from tests.support import started
from wire.comment import NewComment
from wire.counts import COUNTS, CountsReport
from wire.errors import PeerError
from wire.internal import (
    HEADS,
    MAX_HEADS,
    MAX_RANGE,
    RANGE,
    REVOCATIONS,
    CountsAnswer,
    HeadsReply,
    HeadsRequest,
    RangeReply,
    RevocationsReply,
    decode,
    encode,
)
from wire.roles import Peer, Role
from writer import comment_service
from writer.internal_routes import internal_application
from writer.store import Item
from writer.viewer_totals import Total, TotalsLimits, ViewerTotals

Connect = Callable[[Role], InternalClient]


class Writer:
    """The internal listener of a writer, and a client of each role."""

    def __init__(self, api: PublicApi, folder: Path) -> None:
        self.api, self._folder, self._ca = api, folder, DevelopmentCa.new()
        self._clients: list[InternalClient] = []
        self.totals = ViewerTotals("t", TotalsLimits(settle_s=0.0))
        self.totals.begin(time.monotonic())
        self.revocations = Revocations()
        self.count(self.totals)

    def count(self, totals: ViewerTotals | None) -> None:
        """Whom reports of viewers go to; before the start."""
        self._server = HttpServer(
            internal_application(self.api.service, self.revocations, totals),
            "127.0.0.1",
            0,
            ssl_context=self._tls(Role.WRITER, "w1").server(),
        )

    async def start(self) -> None:
        await self._server.start()
        self.peer = Peer(Role.WRITER, "w1", "127.0.0.1", self._server.port)
        self.node = await self.client(Role.NODE)

    async def stop(self) -> None:
        for client in self._clients:
            await client.stop()
        await self._server.stop()

    async def client(self, role: Role) -> InternalClient:
        self._clients.append(InternalClient(self._tls(role, "c1")))
        await self._clients[-1].start()
        return self._clients[-1]

    async def heads(self, *videos: str) -> HeadsReply:
        body = encode(HeadsRequest(videos))
        return decode(await self.node.post(self.peer, HEADS, body), HeadsReply)

    async def range(self, query: str, video_id: str = "v") -> RangeReply:
        path = RANGE.format(video_id=video_id) + query
        return decode(await self.node.get(self.peer, path), RangeReply)

    async def append(self, count: int, text: str = "x") -> list[bytes]:
        items = [Item(NewComment("ann", text), None, "now")] * count
        return [result.raw for result in await self.api.store.append("v", items)]

    def _tls(self, role: Role, name: str) -> TlsFiles:
        folder = self._folder / f"{role}-{name}"
        self._ca.issue(role, name).write(folder)
        return TlsFiles(folder)


@pytest.fixture
async def writer(api: PublicApi, tmp_path: Path) -> AsyncIterator[Writer]:
    async with started(Writer(api, tmp_path)) as writer:
        yield writer


async def test_heads_of_many_videos_with_the_epoch(writer: Writer) -> None:
    await writer.append(3)
    reply = await writer.heads("v", "never")
    assert reply == HeadsReply(await writer.api.store.epoch(), {"v": 3, "never": 0})


async def test_heads_of_as_many_as_allowed_and_not_more(writer: Writer) -> None:
    names = [f"{number:064d}" for number in range(MAX_HEADS + 1)]
    assert len((await writer.heads(*names[:-1])).heads) == MAX_HEADS
    with pytest.raises(PeerError, match="400"):
        await writer.heads(*names)


async def test_what_a_node_has_seen_reaches_the_store(writer: Writer) -> None:
    body = encode(HeadsRequest(("v", "w"), {"v": 7}))
    heads = RecordedHeads()
    writer.api.store.heads = heads  # type: ignore[method-assign,assignment]
    await writer.node.post(writer.peer, HEADS, body)
    assert heads.calls == [(("v", "w"), {"v": 7})]


class RecordedHeads:
    def __init__(self) -> None:
        self.calls: list[Any] = []

    async def __call__(self, *args: Any) -> dict[str, int]:
        self.calls.append(args)
        return {}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"videos": "v"}', b'{"videos": ["a/b"]}', b'{"videos": [1]}']
)
async def test_a_bad_question_for_heads_is_refused(writer: Writer, body: bytes) -> None:
    with pytest.raises(PeerError, match="400"):
        await writer.node.post(writer.peer, HEADS, body)


async def test_a_range_is_the_stored_bytes_with_the_bounds(writer: Writer) -> None:
    raws = await writer.append(10)
    reply = await writer.range("?after=3&through=6")
    assert [bytes(raw) for raw in reply.comments] == raws[3:6]
    assert (reply.first_seq, reply.oldest, reply.head) == (4, 1, 10)
    assert reply.epoch == await writer.api.store.epoch()


async def test_a_range_beyond_the_head_is_empty(writer: Writer) -> None:
    await writer.append(2)
    reply = await writer.range("?after=2&through=9")
    assert (reply.comments, reply.first_seq, reply.head) == ((), 3, 2)


async def test_a_range_is_cut_at_the_largest_count(writer: Writer) -> None:
    for _ in range(3):
        await writer.append(500)
    assert len((await writer.range("?after=100&through=1500")).comments) == MAX_RANGE


async def test_a_range_is_cut_at_the_largest_message(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    raws = await writer.append(100)
    monkeypatch.setattr(comment_service, "_REPLY_BYTES", 10 * (len(raws[-1]) + 1))
    reply = await writer.range("?after=10&through=100")
    assert 10 <= len(reply.comments) <= 11
    assert reply.head == 100


async def test_the_longest_comments_fit_into_replies(writer: Writer) -> None:
    """Pages may be short, but a node that asks again gets everything."""
    for _ in range(4):
        await writer.append(500, "🎉" * 500)
    seen = 0
    while seen < 2_000:
        reply = await writer.range(f"?after={seen}&through=2000")
        assert reply.first_seq == seen + 1
        assert reply.comments
        seen += len(reply.comments)


@pytest.mark.parametrize(
    "query",
    ["", "?after=1", "?after=-1&through=2", "?after=1&through=x", "?after=5&through=4",
     "?after=1&through=9999999999999999", "?after=%D9%A1&through=3"],
)  # fmt: skip
async def test_a_bad_range_is_refused(writer: Writer, query: str) -> None:
    with pytest.raises(PeerError, match="400"):
        await writer.range(query)


async def test_a_range_of_an_impossible_video_is_404(writer: Writer) -> None:
    with pytest.raises(PeerError, match="404"):
        await writer.range("?after=1&through=2", video_id="a.b")


@pytest.mark.parametrize("role", [Role.WRITER, Role.DISPATCHER, Role.SINGLE])
async def test_only_nodes_may_ask(writer: Writer, role: Role) -> None:
    client = await writer.client(role)
    with pytest.raises(PeerError, match="403"):
        await client.post(writer.peer, HEADS, encode(HeadsRequest(("v",))))
    with pytest.raises(PeerError, match="403"):
        await client.get(writer.peer, RANGE.format(video_id="v") + "?after=0&through=1")


async def test_a_writer_that_has_not_read_revocations_has_none_to_tell(writer: Writer) -> None:
    """Or a node would take that for all there are."""
    writer.revocations.known = False
    with pytest.raises(PeerError, match="503"):
        await writer.node.get(writer.peer, REVOCATIONS)
    writer.revocations.learn({"u_ann": 100}, 1)
    reply = await writer.node.get(writer.peer, REVOCATIONS)
    assert decode(reply, RevocationsReply) == RevocationsReply(1, {"u_ann": 100})


async def test_a_store_that_is_away_is_503(writer: Writer) -> None:
    await writer.api.store.stop()
    with pytest.raises(PeerError, match="503"):
        await writer.heads("v")


REPORT = CountsReport("000000000000001-00000000", 1, 0, {"v": 3})


async def test_a_report_of_viewers_goes_with_heads(writer: Writer) -> None:
    await writer.append(2)
    body = encode(HeadsRequest(("v",), counts=REPORT))
    reply = decode(await writer.node.post(writer.peer, HEADS, body), HeadsReply)
    assert reply.heads == {"v": 2}
    assert reply.counts is not None
    assert reply.counts.totals == {"v": (3, 0)}
    assert (await writer.heads("v")).counts is None  # who tells nothing is told nothing


async def test_alone_it_needs_no_store(writer: Writer) -> None:
    await writer.api.store.stop()
    answer = decode(await writer.node.post(writer.peer, COUNTS, encode(REPORT)), CountsAnswer)
    assert answer.counts is not None
    assert answer.counts.totals == {"v": (3, 0)}


async def test_a_node_is_who_its_certificate_says(writer: Writer) -> None:
    """Nobody reports for another: what the last one says of itself is all that counts."""
    for number in (1, 2):
        report = CountsReport(REPORT.boot, number, number - 1, {"v": 3})
        await writer.node.post(writer.peer, COUNTS, encode(report))
    assert writer.totals.find("v", time.monotonic()) == Total(3, 3)
    assert writer.totals.nodes == 1


async def test_a_writer_that_does_not_count_says_so(api: PublicApi, tmp_path: Path) -> None:
    quiet = Writer(api, tmp_path)
    quiet.count(None)
    async with started(quiet) as writer:
        assert await writer.node.post(writer.peer, COUNTS, encode(REPORT)) == b"{}"
        body = encode(HeadsRequest(("v",), counts=REPORT))
        reply = decode(await writer.node.post(writer.peer, HEADS, body), HeadsReply)
        assert reply.counts is None


@pytest.mark.parametrize("body", [b"", b"{", b'{"boot":"x","number":1,"base":0,"counts":{}}'])
async def test_a_report_that_cannot_be_read_is_refused(writer: Writer, body: bytes) -> None:
    with pytest.raises(PeerError, match="400"):
        await writer.node.post(writer.peer, COUNTS, body)


@pytest.mark.parametrize("role", [Role.WRITER, Role.DISPATCHER, Role.SINGLE])
async def test_only_nodes_may_report(writer: Writer, role: Role) -> None:
    client = await writer.client(role)
    with pytest.raises(PeerError, match="403"):
        await client.post(writer.peer, COUNTS, encode(REPORT))
